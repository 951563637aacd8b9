"""A set of squares, bright or dark, and as small a network as can tell them: for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from src_models.models.architectures import ARCHITECTURES
from src_models.models.checkpoint import Model
from src_models.models.header import Intensity, ModelHeader
from src_models.nets.architecture import HEAD, Architecture, Task
from src_models.nets.classifier import Classifier

CLASSES = ("bright", "dark", "striped")


class ToyClassifier(Classifier):
    """Means and slopes of an image, and a linear layer."""

    def __init__(self, *, in_channels: int = 1, classes: int = 3) -> None:
        super().__init__()
        self.features = nn.Conv2d(in_channels, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.fc = nn.Linear(6, classes)

    def forward(self, image: Tensor) -> Tensor:
        return self.fc(torch.relu(self.norm(self.features(image))).mean((2, 3)))

    def learnable(self):
        return {HEAD: list(self.fc.parameters())}

    def deepest(self) -> nn.Module:
        return self.norm

    def new_head(self, classes: int) -> list[nn.Parameter]:
        self.fc = nn.Linear(6, classes)
        return list(self.fc.parameters())


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyRecord(Architecture):
    """The record of the toy network."""

    paper: str = "none"
    family: str = "toys"
    task: Task = "classification"

    def make(self, **config: Any) -> nn.Module:
        return ToyClassifier(**config)

    def recipe(self, images: int) -> dict[str, Any]:
        return {"learning_rate": 0.05, "weight_decay": 0.0}


TOY = ToyRecord(name="toy-classes", line="a toy")


@contextmanager
def toy_among_architectures() -> Iterator[None]:
    """Have the toy network among the architectures."""
    ARCHITECTURES.append(TOY)
    try:
        yield
    finally:
        ARCHITECTURES.remove(TOY)


class MiddlePixel(Classifier):
    """Logits that are the value of the middle pixel, its negative, and how much the edge differs from the middle."""

    def forward(self, image: Tensor) -> Tensor:
        middle = image[:, 0, image.shape[2] // 2, image.shape[3] // 2]
        return torch.stack([4 * middle, -4 * middle, 8 * (image[:, 0, 0, 0] - middle)], dim=1)


def toy_header(size: int = 16, *, channels: tuple[str, ...] = ("grey",), **fields: Any) -> ModelHeader:
    """A header of the toy network; grey values from 0 to 200 become 0 to 1."""
    about: dict[str, Any] = {
        "name": "toy", "purpose": "tests", "architecture": "toy-classes", "classes": CLASSES, "channels": channels,
        "config": {"in_channels": len(channels), "classes": len(CLASSES)}, "tile": (size, size), "overlap": (0, 0),
        "result": "class", "intensity": Intensity(kind="window", low=0, high=200),
    }  # fmt: skip
    return ModelHeader(**{**about, **fields})


def toy_model(**fields: Any) -> Model:
    """A toy that has learnt nothing."""
    torch.manual_seed(1)
    return Model(ToyClassifier(), toy_header(**fields))


def middle_pixel_model(size: int = 16, **fields: Any) -> Model:
    """A model whose answers are known by a formula."""
    return Model(MiddlePixel(), toy_header(size, **fields), sha256="0" * 64)


def square(kind: str, number: int, size: int = 16) -> np.ndarray:
    """A picture of a class: noise around 160, noise around 40, or stripes."""
    random = np.random.default_rng((CLASSES.index(kind), number))
    base = {"bright": 160, "dark": 40, "striped": 100}[kind]
    picture = base + random.normal(0, 12, (size, size))
    if kind == "striped":
        picture += 60 * np.sign(np.sin(np.arange(size) * np.pi / 2 + 0.1))[:, None]
    return picture.clip(0, 255).astype(np.uint8)


def write_squares(root: Path, count: int = 20, size: int = 16) -> Path:
    """Write a folder of classes, of which every fourth picture validates."""
    rows = ["file,split,source_image"]
    for kind in CLASSES:
        folder = root / "images" / kind
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.fromarray(square(kind, number, size)).save(folder / f"{number}.png")
            split = "val" if number % 4 == 0 else "train"
            rows.append(f"{kind}/{number}.png,{split},slide {number % 10} {split}")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root
