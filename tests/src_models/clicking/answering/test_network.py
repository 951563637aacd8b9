"""A network of clicks as it is asked, with one whose answer is known for any image."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.prompts import PROMPT_CHANNELS
from src_models.errors import UserError
from src_models.models.architectures import create
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader


def test_each_square_of_a_batch_is_answered_for_itself(bright):
    random = np.random.default_rng(0)
    images = np.repeat(random.random((3, 1, 64, 64), np.float32), 3, axis=1)
    given = np.zeros((3, 3, 64, 64), np.float32)
    found = bright(images, given)
    assert found.shape == (3, 64, 64)
    clear = np.abs(images[:, 0] - 0.5) > 0.05
    np.testing.assert_array_equal((found > 0.5)[clear], (images[:, 0] > 0.5)[clear])
    for number in range(3):
        alone = bright(images[number : number + 1], given[:1])
        np.testing.assert_allclose(found[number], alone[0], atol=1e-5)
    assert bright.size == 64


def test_a_model_that_takes_no_clicks_is_refused(make_model):
    with pytest.raises(UserError, match="'random' takes no clicks: choose a model of clicks"):
        ClickNetwork(make_model(), "cpu")


def test_attention_is_that_of_every_gate_and_asking_for_it_changes_no_answer():
    torch.manual_seed(0)
    config = {"in_channels": 6, "classes": 2, "widths": [4, 8, 8, 8]}
    header = ModelHeader(
        name="gated", purpose="Tests", architecture="attention-unet", config=config, classes=("background", "object"),
        channels=("red", "green", "blue"), prompts=PROMPT_CHANNELS, tile=(64, 64), overlap=(16, 16),
    )  # fmt: skip
    network = ClickNetwork(Model(create("attention-unet", **config).eval(), header), "cpu")
    random = np.random.default_rng(0)
    image, given = random.random((3, 64, 64), np.float32), np.zeros((3, 64, 64), np.float32)
    before = network(image[None], given[None])
    maps = network.attention(image, given)
    assert len(maps) == 2  # two gates for four widths
    assert [found.stride for found in maps] == sorted(found.stride for found in maps)
    for found in maps:
        assert 0 <= float(found.tensor.min()) <= float(found.tensor.max()) <= 1
    np.testing.assert_array_equal(network(image[None], given[None]), before)


@pytest.mark.parametrize(("size", "widths"), [(64, [4, 8, 8]), (52, [4, 8, 8, 8])])
def test_features_are_those_of_which_the_head_makes_the_answer(size, widths):
    torch.manual_seed(0)
    config = {"in_channels": 6, "classes": 2, "widths": widths, "deep_supervision": False}
    made = create("attention-unet", **config).eval()
    header = ModelHeader(
        name="plain", purpose="Tests", architecture="attention-unet", config=config, classes=("background", "object"),
        channels=("red", "green", "blue"), prompts=PROMPT_CHANNELS, tile=(size, size), overlap=(16, 16),
    )  # fmt: skip
    network = ClickNetwork(Model(made, header), "cpu")
    random = np.random.default_rng(0)
    image, given = random.random((3, size, size), np.float32), random.random((3, size, size), np.float32)
    found, features = network.with_features(image, given)
    np.testing.assert_array_equal(found, network(image[None], given[None])[0])
    logits = made.finest_head()(torch.from_numpy(features)[None])
    np.testing.assert_allclose(torch.softmax(logits, 1)[0, 1].detach().numpy(), found, atol=1e-5)


def test_features_of_a_coarser_grid_are_brought_to_the_answers():
    torch.manual_seed(0)
    config = {"in_channels": 6, "classes": 2, "widths": [4, 8], "skips": 0}
    made = create("fcn", **config).eval()
    header = ModelHeader(
        name="coarse", purpose="Tests", architecture="fcn", config=config, classes=("background", "object"),
        channels=("red", "green", "blue"), prompts=PROMPT_CHANNELS, tile=(64, 64), overlap=(16, 16),
    )  # fmt: skip
    network = ClickNetwork(Model(made, header), "cpu")
    image, given = np.random.default_rng(0).random((2, 3, 64, 64), np.float32)
    found, features = network.with_features(image, given)
    logits = made.finest_head()(torch.from_numpy(features)[None])  # a linear map and an interpolation can be swapped
    np.testing.assert_allclose(torch.softmax(logits, 1)[0, 1].detach().numpy(), found, atol=1e-5)
