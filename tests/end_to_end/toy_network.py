"""A family of one network that the program does not know, as somebody would add it: its network, its record.

A program that knows it begins with :func:`register`; run as a script, this is the command line of such a program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src_models.models.architectures import ARCHITECTURES
from src_models.nets.architecture import DECODER, Architecture, Config, LearnablePart, TrainOption
from src_models.nets.network import Network
from src_models.nets.tap import AttentionTap

LIGHT = LearnablePart("light", "Only what it lights", "It learns where to put its light.", "The spotlight")


class Seeing(nn.Module):
    """The encoder: a convolution and its norm."""

    def __init__(self, in_channels: int, beams: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, beams, 3, padding=1)
        self.norm = nn.BatchNorm2d(beams)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.norm(self.conv(x)))


class Gain(nn.Module):
    """A factor that is learnt as its logarithm, which need not be known any more once the network only predicts."""

    factor: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.logarithm = nn.Parameter(torch.zeros(()))
        self.folded = False

    def forward(self, x: Tensor) -> Tensor:
        return x * (self.factor if self.folded else self.logarithm.exp())

    def fold(self) -> None:
        self.register_buffer("factor", self.logarithm.detach().exp(), persistent=False)
        self.folded = True


class Spotlight(Network):
    """What is seen is weighed by one map, the spotlight, of 2 px per cell."""

    stride = 2

    def __init__(
        self, *, in_channels: int = 1, classes: int = 2, dimensions: int = 2, beams: int = 4, most: int | None = None
    ) -> None:
        super().__init__()
        if dimensions != 2:
            raise ValueError(f"dimensions {dimensions!r} must be 2")
        self.most = most
        self.seeing = Seeing(in_channels, beams)
        self.light = nn.Conv2d(beams, 1, 1)
        self.gain = Gain()
        self.drawing = nn.Conv2d(beams, classes, 1)
        self.tap = AttentionTap(name="spotlight", kind="spotlight", level=2, stride=2, description="where it is bright")

    def forward(self, image: Tensor) -> Tensor:
        height, width = image.shape[2:]
        if self.most is not None and max(height, width) > self.most:
            raise ValueError(f"the image has {height} x {width} px, and {self.most} are the most")
        x = self.seeing(F.pad(image, (0, width % 2, 0, height % 2), mode="replicate"))
        lit = self.tap(torch.sigmoid(self.light(F.avg_pool2d(x, 2))))
        logits: Tensor = self.drawing(self.gain(x * F.interpolate(lit, size=x.shape[2:])))
        return logits[..., :height, :width]

    def learnable(self) -> dict[LearnablePart, list[nn.Parameter]]:
        light = [*self.light.parameters(), *self.gain.parameters()]
        return {DECODER: list(self.drawing.parameters()), LIGHT: light}

    def deepest(self) -> nn.Module:
        return self.seeing

    def new_head(self, classes: int) -> list[nn.Parameter]:
        self.drawing = nn.Conv2d(self.drawing.in_channels, classes, 1)
        return list(self.drawing.parameters())

    def late(self) -> list[nn.Parameter]:
        return [self.gain.logarithm]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotlightArchitecture(Architecture):
    def make(self, **config: Any) -> nn.Module:
        return Spotlight(**config)

    def maps(self, config: Config) -> list[str]:
        return ["spotlight"]

    def largest(self, config: Config) -> int | None:
        return config.get("most")

    def configure(self, chosen: Mapping[str, Any], patch: int) -> dict[str, Any]:
        if chosen["beams"] < 1:
            raise ValueError("--beams must be at least 1")
        return dict(chosen)

    def recipe(self, images: int) -> dict[str, Any]:
        return {
            "steps": 10 * images,
            "batch": 4,
            "patch": 32,
            "learning_rate": 0.03,
            "gates_from": 5,
            "augment": "flip",
        }


SPOTLIGHT = SpotlightArchitecture(
    name="spotlight",
    line="a toy that looks at what is bright",
    paper="none",
    family="spotlights",
    options=(TrainOption("beams", 4, "How many beams the light has."),),
    settings=("gates_from",),
    parts=(DECODER, LIGHT),
)


def register() -> None:
    """Add the family to the list."""
    ARCHITECTURES.append(SPOTLIGHT)


if __name__ == "__main__":
    register()
    from napari_medt.cli import main

    main()
