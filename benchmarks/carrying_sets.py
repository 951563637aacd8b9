"""Stacks with objects whose slices are known: made-up ones, and organs of CT.

Every other stack of a kind is one that the rule for an object's end was chosen on, the others are those that it is
checked on.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.files.dataset import DataSet
from src_models.files.samples import read_sample
from src_models.images.grey.ct_windows import ct_window
from src_models.models.header import Intensity

__all__ = ["Case", "made_up", "organs"]

BTCV = {7: "spleen", 3: "left kidney", 4: "right kidney", 5: "liver"}
TOTALSEG = {"spleen": "spleen", "kidney_left": "left kidney", "kidney_right": "right kidney", "liver": "liver"}
OPENKBP = {1: "brainstem", 3: "right parotid", 4: "left parotid", 7: "mandible"}
FEWEST = 4  # slices that an object takes at the least
SMALLEST = 16  # px; a slice that holds less of an organ does not count


@dataclass(frozen=True)
class Case:
    """One object in a stack.

    Parameters
    ----------
    kind
        What it is.
    name
        The stack.
    image, truth
        (Z, Y, X).
    chosen_on
        Whether the rule was chosen on it.
    intensity
        How grey values are normalised.
    """

    kind: str
    name: str
    image: NDArray[Any]
    truth: NDArray[np.bool_]
    chosen_on: bool
    intensity: Intensity | None = None

    @property
    def middle(self) -> int:
        """The slice that holds most of the object."""
        return int(self.truth.sum((1, 2)).argmax())

    def slices(self, found: NDArray[np.bool_]) -> tuple[int, int]:
        """Return the first and the last slice of a mask."""
        held = np.flatnonzero(found.any((1, 2)))
        return int(held[0]), int(held[-1])


def made_up(count: int = 8) -> Iterator[Case]:
    """Make discs that end abruptly, spheres, and tubes that wander: noisy, faint, and with neighbours that touch."""
    for number in range(count):
        for kind in ("disc", "sphere", "tube"):
            random = np.random.default_rng([number, len(kind)])
            depth, side = int(random.integers(9, 22)), int(random.integers(90, 200))
            truth, other = _shapes(kind, random, depth, side)
            noise, contrast = random.uniform(0.5, 1.0), random.uniform(2.0, 5.0)
            image = 10 + contrast * truth + random.choice([0.5, 0.7, 1.3]) * contrast * (other & ~truth)
            image = ndimage.gaussian_filter(image, (0, 1, 1)) + noise * random.normal(size=image.shape)
            image = ndimage.gaussian_filter(image, (0, 0.7, 0.7)).astype(np.float32)
            yield Case(kind, f"{kind} {number}", image, truth, number % 2 == 0)


def organs(data: Path) -> Iterator[Case]:
    """Read the organs of slices of CT that form stacks, and of volumes."""
    yield from _btcv(data / "btcv_ct")
    yield from _volumes(data / "ct_totalseg", None, TOTALSEG, "abdomen")
    yield from _volumes(data / "openkbp_ct", OPENKBP, {}, "okbp")


def _shapes(
    kind: str, random: np.random.Generator, depth: int, side: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    first, last = 2 + int(random.integers(0, depth // 4)), depth - 3 - int(random.integers(0, depth // 4))
    z, y, x = np.mgrid[:depth, :side, :side]
    radius = random.uniform(0.08, 0.2) * side
    cy, cx = random.uniform(0.4, 0.6, 2) * side
    moved = random.normal(0, 0.02 * side, 2) if kind == "tube" else np.zeros(2)
    away = np.hypot(y - cy - moved[0] * (z - depth / 2), x - cx - moved[1] * (z - depth / 2))
    size = radius * np.sqrt(np.clip(1 - ((z - (first + last) / 2) / ((last - first) / 2 + 0.6)) ** 2, 0, 1))
    truth = away < (size if kind == "sphere" else np.where((z >= first) & (z <= last), radius, 0))
    angle = random.uniform(0, 2 * np.pi)
    oy, ox = cy + 2.1 * radius * np.sin(angle), cx + 2.1 * radius * np.cos(angle)
    other = (np.hypot(y - oy, x - ox) < radius * 1.1) & (z >= random.integers(0, depth // 2))
    return truth, other


def _btcv(folder: Path) -> Iterator[Case]:
    with (folder / "manifest.csv").open() as file:
        rows = list(csv.DictReader(file))
    samples = {sample.name: sample for sample in DataSet.open(folder).samples}
    patients = sorted({int(row["case"]) for row in rows})
    for number, patient in enumerate(patients):
        of = sorted((row for row in rows if int(row["case"]) == patient), key=lambda row: int(row["slice"]))
        read = [read_sample(samples[row["file"]]) for row in of]
        image, labels = (np.stack(part) for part in zip(*read, strict=True))
        image = image[..., 0] if image.ndim == 4 else image
        for value, organ in BTCV.items():
            yield from _case(organ, f"btcv {patient}", image, labels == value, number % 2 == 0, None)


def _volumes(folder: Path, values: dict[int, str] | None, names: dict[str, str], part: str) -> Iterator[Case]:
    data = DataSet.open(folder)
    window = ct_window("soft tissue").intensity
    for number, sample in enumerate(sample for sample in data.samples if part in sample.name):
        image, labels = read_sample(sample)
        wanted = values or {v: names[name] for v, name in data.class_names(sample).items() if name in names}
        for value, organ in wanted.items():
            yield from _case(organ, sample.name, image, labels == value, number % 2 == 1, window)


def _case(
    kind: str, name: str, image: NDArray[Any], truth: NDArray[np.bool_], chosen_on: bool, look: Intensity | None
) -> Iterator[Case]:
    """Yield the largest part of an organ, if it takes some slices and both of its ends are in the stack."""
    parts, _ = ndimage.label(truth)
    if not parts.any():
        return
    truth = parts == np.bincount(parts[parts > 0]).argmax()
    areas = truth.sum((1, 2))
    truth = truth & (areas >= SMALLEST)[:, None, None]
    held = np.flatnonzero(truth.any((1, 2)))
    if held[-1] - held[0] + 1 >= FEWEST and areas.max() >= 40:
        yield Case(kind, name, image, truth, chosen_on, look)
