"""The norm of similarities that nobody makes, against a batch norm over those that are made."""

import torch
from torch import nn

from src_models.nets.axial.similarity_norm import SimilarityNorm

HEADS = 2


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_norm_of_the_similarity_tracks_as_batch_norm_does_over_many_batches():
    ours, theirs = SimilarityNorm(3, HEADS).double(), nn.BatchNorm2d(3 * HEADS).double()
    for batch in range(4):
        terms = noise(3, 6, 2, 2, seed=batch) * (batch + 1) + batch
        over_pairs = terms.unflatten(1, (3, HEADS))
        mean, square = over_pairs.mean((0, 3, 4)), over_pairs.square().mean((0, 3, 4))
        factors = ours((mean, square, 12))
        given = theirs(terms)
        spread = (terms - terms.mean((0, 2, 3), keepdim=True)) * factors.flatten()[:, None, None]
        torch.testing.assert_close(spread, given, rtol=0, atol=1e-10)
    torch.testing.assert_close(ours.running_mean, theirs.running_mean, rtol=0, atol=1e-12)
    torch.testing.assert_close(ours.running_var, theirs.running_var, rtol=1e-12, atol=0)
    assert ours.num_batches_tracked == theirs.num_batches_tracked == 4
    torch.testing.assert_close(
        ours(None).flatten(), ours.weight / (theirs.running_var + 1e-5).sqrt(), rtol=1e-12, atol=0
    )
