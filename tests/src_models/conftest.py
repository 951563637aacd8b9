"""Fixtures for the tests of what works on arrays."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings

from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader

MakeModel = Callable[..., Model]

# How long an example takes says nothing on a busy machine.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Small tensors on one thread: on busy cores more threads wait for each other, and sums keep their order."""
    torch = sys.modules["torch"]
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make_model() -> MakeModel:
    """Make a model of a small random network; keywords go to the header, `config` to the network."""
    return random_model


def random_model(
    architecture: str = "attention-unet",
    *,
    config: dict[str, Any] | None = None,
    seed: int = 0,
    sharpness: float = 1.0,
    **header: Any,
) -> Model:
    """Make a model whose weights are random, and whose logits are multiplied by `sharpness`."""
    import torch

    from src_models.models.architectures import create
    from src_models.nets.medt_architectures import AXIAL

    dimensions = header.get("dimensions", 2)
    channels = header.setdefault("channels", ("grey",))
    header.setdefault("classes", ("background", "cell"))
    size: dict[str, Any] = {"widths": [4, 8, 8]}
    if architecture in AXIAL:
        size = {"image_size": 64}
    elif architecture == "guided-attention":
        size = {"width": 4}
    header.setdefault("tile", (96 if architecture == "guided-attention" else 64,) * dimensions)
    header.setdefault("overlap", (16,) * dimensions)
    described = ModelHeader(name="random", purpose="tests", architecture=architecture, config={}, **header)
    config = {**size, **(config or {}), "in_channels": len(channels), "classes": described.outputs}
    config["dimensions"] = dimensions
    torch.manual_seed(seed)
    network = create(architecture, **config)
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
    if architecture in AXIAL:
        last = [network.head]
    elif architecture == "guided-attention":
        last = network.heads
        for name, parameter in network.named_parameters():
            if name.endswith(".gamma"):
                parameter.data.fill_(0.5)
    elif architecture == "fcn":
        last = [network.scores[0]]
    else:
        last = [network.final if config.get("deep_supervision", True) else network.heads[0]]
    for layer in last:
        layer.weight.data *= sharpness
    return Model(network.eval(), replace(described, config=config))
