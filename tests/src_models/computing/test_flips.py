"""The mean over mirror images: what it makes of networks that prefer a side, of fields of vectors, and of volumes."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from src_models.computing.flips import FLIPS, mean_of_flips, vector_rule


@pytest.fixture
def one_sided():
    """A network that answers differently when the image is mirrored: a convolution with a kernel of no symmetry."""
    kernel = torch.randn(2, 1, 5, 5, generator=torch.Generator().manual_seed(0))
    return lambda batch: torch.softmax(F.conv2d(batch, kernel, padding=2), 1)


@pytest.fixture
def batch():
    return torch.rand(3, 1, 20, 27, generator=torch.Generator().manual_seed(1))


def test_the_mean_is_that_of_the_four_answers_each_turned_back(one_sided, batch):
    found = mean_of_flips(one_sided, batch)
    images = batch.numpy()
    answers = [
        one_sided(torch.from_numpy(images[:, :, ::vertical, ::horizontal].copy())).numpy()[
            :, :, ::vertical, ::horizontal
        ]
        for vertical in (1, -1)
        for horizontal in (1, -1)
    ]
    np.testing.assert_allclose(found, np.mean(answers, 0), atol=1e-6)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-6)


@pytest.mark.parametrize("axes", FLIPS)
def test_a_network_that_prefers_a_side_then_prefers_none(one_sided, batch, axes):
    assert (one_sided(batch.flip(axes)) - one_sided(batch).flip(axes)).abs().max() > 0.1
    torch.testing.assert_close(mean_of_flips(one_sided, batch.flip(axes)), mean_of_flips(one_sided, batch).flip(axes))


def test_an_answer_that_is_there_is_not_asked_for_again(one_sided, batch):
    asked = []

    def network(images):
        asked.append(images)
        return one_sided(images)

    first = one_sided(batch)
    torch.testing.assert_close(mean_of_flips(network, batch, first=first), mean_of_flips(one_sided, batch))
    assert len(asked) == 3


def gradient(images):
    """The image, and its gradient downwards and to the right: it points the other way in a mirror."""
    down, right = (np.gradient(images.numpy(), axis=axis) for axis in (2, 3))
    return torch.from_numpy(np.concatenate([images.numpy(), down, right], 1))


def test_vectors_turn_with_the_image_they_are_of(batch):
    kept = mean_of_flips(gradient, batch, rule=vector_rule({1: -2, 2: -1}))
    torch.testing.assert_close(kept, gradient(batch))
    lost = mean_of_flips(gradient, batch)
    torch.testing.assert_close(lost[:, 0], batch[:, 0])
    assert lost[:, 1:].abs().max() < 1e-6, "without the rule they cancel"


def test_the_planes_of_a_volume_are_mirrored_and_their_order_stays():
    volume = torch.rand(1, 1, 4, 5, 6, generator=torch.Generator().manual_seed(2))
    found = mean_of_flips(lambda images: images * torch.arange(4.0).reshape(1, 1, 4, 1, 1), volume)
    torch.testing.assert_close(found, volume * torch.arange(4.0).reshape(1, 1, 4, 1, 1))
