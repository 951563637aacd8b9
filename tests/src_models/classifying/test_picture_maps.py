"""What a network is asked about a picture that it saw."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from src_models.attention.recording import record_attention
from src_models.classifying.picture_maps import PictureMaps
from src_models.classifying.pictures.seen import SeenPicture
from src_models.classifying.relevance import class_relevance
from src_models.errors import UserError
from src_models.models.architectures import create

SIZE = 32


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return create("vit", classes=3, in_channels=1, width=8, depth=2, heads=2, patch=8, image_size=SIZE).eval()


@pytest.fixture(scope="module")
def seen():
    """A picture of a tile of 64 px whose first pixel is (100, 200): two px of the image are one of the picture."""
    values = np.random.default_rng(0).random((1, SIZE, SIZE), np.float32)
    return SeenPicture(values, (), (100, 200), (64, 64), (131.5, 231.5))


def test_among_all_tokens_the_row_of_a_place_s_patch_lies_over_the_patches(network, seen):
    with torch.inference_mode(), record_attention(network) as attention:
        network(torch.from_numpy(seen.values)[None])
    # (120, 245) is (10, 22) in the picture, and so in the patch (1, 2) of 4 x 4: the seventh.
    placed, query = PictureMaps(network, seen).look("layer 2", (120, 245))
    matrix = attention["layer 2 matrix"].tensor[0].mean(0)
    row = matrix[-16:, -16:][6].reshape(4, 4).numpy()
    np.testing.assert_allclose(placed.data, np.kron(row, np.ones((8, 8))), atol=1e-7)
    assert placed.scale == (2, 2)
    assert placed.translate == (100.5, 200.5)
    assert query == (100 + 16 + 7.5, 200 + 32 + 7.5)  # the middle of 16 px of the image
    received = PictureMaps(network, seen).recorded("layer 1 received")
    cells = attention["layer 1 received"].tensor[0, 0].numpy()
    np.testing.assert_allclose(received.data, np.kron(cells, np.ones((8, 8))), atol=1e-6)


def test_relevance_is_that_of_the_class_and_says_of_which(network, seen):
    maps = PictureMaps(network, seen)
    for number, name in ((0, "round"), (2, "long")):
        placed = maps.relevance(number, name)
        by_hand = class_relevance(network, seen.values[None], number).at_image_resolution()[0]
        np.testing.assert_allclose(placed.data, by_hand)
        assert name in placed.description


def test_a_place_that_was_not_seen_is_refused(network, seen):
    with pytest.raises(UserError, match="outside of what the model saw"):
        PictureMaps(network, seen).look("layer 1", (99, 220))
