"""Where a network that classifies looks from a pixel."""

import numpy as np
import pytest
import torch

from src_models.attention.cell_map import cell_map
from src_models.attention.recording import record_attention
from src_models.computing.execution import choose_execution, prepare
from src_models.errors import UserError
from src_models.models.architectures import create
from src_models.probing.cell_probe import CellProbe

WINDOWS = {"width": 8, "head_channels": 4, "stages": 1, "windows": (4, 3)}


@pytest.fixture(scope="module")
def picture():
    return np.random.default_rng(0).random((3, 38, 26), np.float32)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return create("med-former", classes=2, **WINDOWS)


@pytest.mark.parametrize("view", ["large window 1.2", "small window 2.1"])
def test_the_cell_of_a_pixel_is_asked_and_lies_where_the_pixel_is(network, picture, view):
    probe = CellProbe(network, picture)
    assert network.training, "it is left as it was"
    with torch.inference_mode(), record_attention(network.eval()) as attention:
        network(torch.from_numpy(picture)[None])
    network.train()
    stride = attention[f"{view} matrix"].stride
    for pixel in ((0, 0), (37.4, 25.4), (17, 9)):
        cell = (int(min(round(pixel[0]), 37)) // stride, int(min(round(pixel[1]), 25)) // stride)
        found = probe.look(pixel, view, head=1)
        np.testing.assert_allclose(found.weights, cell_map(attention, view, cell, head=1), atol=1e-7)
        assert found.scale == (stride, stride)
        assert all(abs(q - round(p)) <= stride / 2 for p, q in zip(pixel, found.query, strict=True))
        centre = tuple(c * s + t for c, s, t in zip(cell, found.scale, found.translate, strict=True))
        assert found.query == centre


def test_a_network_that_is_ready_to_predict_can_be_asked_and_keeps_nothing_that_listens(network, picture):
    ready = prepare(network, choose_execution("cpu"))
    probe = CellProbe(ready, torch.from_numpy(picture))
    assert probe.views[0] == "large window 1.1"
    assert probe.heads("large window 2.1") == 4
    assert probe.kept_bytes > 0
    assert not any(module._forward_hooks for module in ready.modules())


@pytest.mark.parametrize(
    ("pixel", "view", "head", "words"),
    [
        ((38, 0), "large window 1.1", None, "outside of the picture, which has 38 x 26"),
        ((0, 0), "window 1.1", None, "there is nothing called 'window 1.1' to look at; choose from large window 1.1"),
        ((0, 0), "large window 1.1", 2, "has the heads 0 to 1, not 2"),
    ],
)
def test_what_is_not_there_is_said(network, picture, pixel, view, head, words):
    with pytest.raises(UserError, match=words):
        CellProbe(network, picture).look(pixel, view, head=head)


def test_a_network_without_such_attention_is_refused(picture):
    with pytest.raises(UserError, match="AttentionUNet has no attention in windows or among tokens"):
        CellProbe(create("attention-unet", in_channels=3, widths=(2, 4)), picture)
