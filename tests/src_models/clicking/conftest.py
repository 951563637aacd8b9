"""A network of clicks whose answer is known beforehand."""

from __future__ import annotations

import pytest
import torch

from src_models.checkpoint import Model
from src_models.clicking.network import ClickNetwork
from src_models.clicking.prompts import PROMPT_CHANNELS
from src_models.header import Intensity, ModelHeader
from src_models.registry import create

CONFIG = {"in_channels": 6, "classes": 2, "widths": [2, 2], "deep_supervision": False}


def bright_network() -> torch.nn.Module:
    """A network that finds what is brighter than 0.5 in its first channel, whatever was clicked."""
    network = create("unet", **CONFIG).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.weight.fill_(1)
            if isinstance(module, torch.nn.Conv2d):
                middle = [size // 2 for size in module.kernel_size]
                # Each hands on its first channel; where two grids are joined, that is the finer one's.
                module.weight[:, 0, middle[0], middle[1]] = 1
        network.heads[0].weight[0], network.heads[0].weight[1] = 0, 0
        network.heads[0].weight[1, 0] = 80
        network.heads[0].bias[1] = -40
    return network


@pytest.fixture(scope="session")
def bright_model() -> Model:
    """The same as a model for grey values from 0 to 1."""
    header = ModelHeader(
        name="bright",
        purpose="Tests",
        architecture="unet",
        config=CONFIG,
        classes=("background", "object"),
        channels=("red", "green", "blue"),
        prompts=PROMPT_CHANNELS,
        intensity=Intensity(kind="window", low=0.0, high=1.0),
        tile=(64, 64),
        overlap=(16, 16),
    )
    return Model(bright_network(), header, sha256="ab" * 32)


@pytest.fixture(scope="session")
def bright(bright_model) -> ClickNetwork:
    """The same made ready."""
    return ClickNetwork(bright_model, device="cpu")
