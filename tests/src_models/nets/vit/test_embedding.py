"""Patches become tokens."""

import pytest
import torch
from swin_golden import values, weights

from src_models.nets.vit.embedding import PatchEmbedding


def test_it_is_that_of_swin_transformer(shared):
    embedding = PatchEmbedding(3, 24, 4, norm=True).double()
    own = weights(shared, "embed")
    embedding.load_state_dict({name.replace("norm.", "tokens_norm."): each for name, each in own.items()})
    expected = values(shared, "embed.y").view(1, 7, 7, 24)
    found = embedding(values(shared, "embed.x"))
    assert torch.allclose(found, expected, atol=1e-5 * float(expected.abs().max()))


def test_a_token_is_a_linear_map_of_its_patch_and_the_last_row_and_column_are_repeated():
    torch.manual_seed(0)
    embedding = PatchEmbedding(2, 5, 3, norm=False).double()
    image = torch.rand(1, 2, 7, 4, dtype=torch.float64)
    found = embedding(image)
    assert found.shape == (1, 3, 2, 5)
    rows, columns = [6, 6, 6], [3, 3, 3]
    corner = image[0][:, rows][:, :, columns].flatten()
    expected = embedding.proj.weight.flatten(1) @ corner + embedding.proj.bias
    assert torch.allclose(found[0, 2, 1], expected)


def test_another_number_of_channels_is_refused():
    with pytest.raises(ValueError, match="the network takes 3 channels, the image has 1"):
        PatchEmbedding(3, 4, 2, norm=False)(torch.zeros(1, 1, 4, 4))
