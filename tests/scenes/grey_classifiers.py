"""Models that tell classes of grey pictures, of architectures that ship: for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from src_models.models.checkpoint import Model
    from src_models.models.header import ModelHeader

# A Med-Former of two stages, as small as one can be.
SMALL_MED_FORMER = {"width": 8, "head_channels": 4, "stages": 1, "windows": (4, 3)}


def grey_header(
    name: str,
    classes: tuple[str, ...],
    size: int,
    *,
    architecture: str = "resnet18",
    options: dict[str, Any] | None = None,
    **fields: Any,
) -> ModelHeader:
    """The header of a model that looks at squares of so many pixels, one channel of values from 0 to 1."""
    from src_models.models.header import Intensity, ModelHeader

    about: dict[str, Any] = {
        "name": name, "purpose": "Tests", "architecture": architecture, "classes": classes, "channels": ("grey",),
        "config": {"in_channels": 1, "classes": len(classes), **(options or {})}, "tile": (size, size),
        "overlap": (0, 0), "result": "class", "intensity": Intensity(kind="window", low=0.0, high=1.0),
    }  # fmt: skip
    return ModelHeader(**{**about, **fields})


def grey_classifier(header: ModelHeader, network: nn.Module | None = None, *, seed: int = 0) -> Model:
    """A model of such a header: a network that was taught, or one of weights drawn at random."""
    import torch

    from src_models.models.architectures import create
    from src_models.models.checkpoint import Model

    if network is None:
        torch.manual_seed(seed)
        network = create(header.architecture, **header.config)
    return Model(network.eval(), header)
