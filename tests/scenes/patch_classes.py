"""Pictures with or without a bright patch, and a network of which it is known that it goes by the patch alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from src_models.models.checkpoint import Model
from src_models.models.header import Intensity, ModelHeader
from src_models.nets.architecture import Architecture, Task
from src_models.nets.classifier import Classifier

SIZE, PATCH = 36, 8
EMPTY = -3.0  # log odds of "patch" where there is none


class PatchClassifier(Classifier):
    """What exceeds a half, its mean, and a linear layer."""

    def __init__(self, *, in_channels: int = 1, classes: int = 2) -> None:
        super().__init__()
        self.bright = nn.Conv2d(in_channels, 1, 1)
        self.above = nn.ReLU()
        self.fc = nn.Linear(1, classes)

    def forward(self, image: Tensor) -> Tensor:
        return self.fc(self.above(self.bright(image)).mean((2, 3)))

    def deepest(self) -> nn.Module:
        return self.above


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchRecord(Architecture):
    """The record of it."""

    paper: str = "none"
    family: str = "patches"
    task: Task = "classification"

    def make(self, **config: Any) -> nn.Module:
        return PatchClassifier(**config)


PATCHES = PatchRecord(name="patch-classes", line="for tests")


def patch_model() -> Model:
    """A model whose log odds are -3 without a patch and 3 with one of full brightness."""
    network = PatchClassifier()
    of_patch = PATCH**2 * 0.5 / SIZE**2
    with torch.no_grad():
        network.bright.weight.fill_(1)
        network.bright.bias.fill_(-0.5)
        network.fc.weight.copy_(torch.tensor([[-EMPTY / of_patch], [EMPTY / of_patch]]))
        network.fc.bias.copy_(torch.tensor([EMPTY / 2, -EMPTY / 2]))
    header = ModelHeader(
        name="patches",
        purpose="tests",
        architecture="patch-classes",
        classes=("patch", "empty"),
        channels=("grey",),
        config={"in_channels": 1, "classes": 2},
        tile=(SIZE, SIZE),
        overlap=(0, 0),
        result="class",
        intensity=Intensity(kind="window", low=0, high=1),
    )
    return Model(network.eval(), header)


def patch_picture(row: int, column: int, seed: int = 0) -> np.ndarray:
    """A picture (1, H, W) of faint noise with a patch whose first pixel is given."""
    picture = np.random.default_rng(seed).uniform(0, 0.1, (1, SIZE, SIZE)).astype(np.float32)
    picture[:, row : row + PATCH, column : column + PATCH] = 1
    return picture
