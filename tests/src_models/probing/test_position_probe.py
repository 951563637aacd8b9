"""Where a pixel looks in position attention, asked tile by tile, against the whole matrix of that tile."""

import numpy as np
import pytest
import torch

from src_models.computing.execution import choose_execution, prepare
from src_models.errors import UserError
from src_models.nets.guided.attention import PositionAttention, position_blocks
from src_models.probing.position_probe import PositionProbe

CONFIG = {"width": 8, "refinements": 2}


@pytest.fixture(scope="module")
def model():
    from tests.src_models.conftest import random_model

    made = random_model("guided-attention", config=CONFIG)
    for module in made.network.modules():
        if isinstance(module, PositionAttention):  # so that weights differ much from place to place
            module.query.weight.data *= 8
            module.key.weight.data *= 8
    return made


def picture(*shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


def matrices(model, image):
    """Return the attention of all places of an image that is one tile, by block, made from what goes into each."""
    execution = choose_execution("cpu")
    network = prepare(model.network, execution)
    low, high = np.percentile(image, (model.header.intensity.low, model.header.intensity.high))
    batch = torch.from_numpy(((np.clip(image, low, high) - low) / (high - low)).astype(np.float32))[None, None]
    found = {}

    def keep(name):
        def hook(block, given):
            x = given[0]
            query, key = block.query(x).flatten(2)[0], block.key(x).flatten(2)[0]
            found[name] = (query.T @ key).double().softmax(1)

        return hook

    for name, block in position_blocks(network).items():
        block.register_forward_pre_hook(keep(name))
    execution(network, batch)
    return found


def test_a_pixel_looks_where_the_whole_matrix_says(model):
    image = picture(96, 96)
    probe, whole = PositionProbe(image, model, device="cpu"), matrices(model, image)
    assert probe.blocks == list(whole) == [f"scale {s} step {k}" for s in (1, 2, 3, 4) for k in (1, 2)]
    for block in probe.blocks:
        for pixel in ((0, 0), (13, 50), (95, 31)):
            found = probe.look(pixel, block)
            place = pixel[0] // 4 * 24 + pixel[1] // 4
            wanted = whole[block][place].view(24, 24).numpy()
            np.testing.assert_allclose(found.weights, wanted, rtol=1e-3, atol=1e-5)
            assert found.weights.sum() == pytest.approx(1, abs=1e-5)
            assert found.scale == (4, 4)
            assert found.translate == (1.5, 1.5)
            assert all(abs(place - centre) <= 1.5 for place, centre in zip(pixel, found.query, strict=True))
    assert probe.branches == []
    assert probe.heads(probe.blocks[0]) == 0


def test_only_queries_and_keys_are_kept_of_a_tile(model):
    probe = PositionProbe(picture(96, 96), model, device="cpu")
    probe.look((5, 5), "scale 1 step 1")
    numbers = 8 * 24 * 24 * 2 * 1  # blocks, places, queries and keys, of one channel each
    assert probe.kept_bytes == 4 * numbers


def test_a_pixel_of_a_large_image_looks_within_the_tile_that_decides_about_it(model):
    image = picture(96, 256)
    probe = PositionProbe(image, model, device="cpu")
    left, right = probe.look((20, 10), "scale 1 step 2"), probe.look((20, 250), "scale 1 step 2")
    assert left.translate[1] == 1.5
    assert right.translate[1] + 4 * (right.weights.shape[1] - 1) + 1.5 >= 255
    assert abs(right.query[1] - 250) <= 2


def test_tiles_that_do_not_fit_the_budget_are_let_go(model):
    probe = PositionProbe(picture(96, 256), model, device="cpu", budget=1)
    for column in (10, 128, 250):
        probe.look((20, column), "scale 1 step 1")
        assert len(probe._kept) == 1


@pytest.mark.parametrize(
    ("ask", "sentence"),
    [
        ({"block": "scale 9 step 1"}, "no block of position attention 'scale 9 step 1'; choose from scale 1 step 1"),
        ({"pixel": (96, 0)}, "lies outside of the image"),
        ({"heads": (0, None)}, "has no heads that could be asked one by one"),
    ],
)
def test_what_is_not_there_is_refused(model, ask, sentence):
    probe = PositionProbe(picture(96, 96), model, device="cpu")
    with pytest.raises(UserError, match=sentence):
        probe.look(**{"pixel": (1, 1), "block": "scale 1 step 1", **ask})
    with pytest.raises(UserError, match="no branch 'scale' that could be followed"):
        probe.rollout((1, 1), "scale")


def test_a_network_without_position_attention_is_refused(make_model):
    channels = make_model("guided-attention", config={**CONFIG, "attention": "channel"})
    with pytest.raises(UserError, match="is a guided-attention, which has no position attention"):
        PositionProbe(picture(96, 96), channels, device="cpu")
