"""What a network is to learn from five tiles: six subjects, the tiles in the order of a draw, and images to test on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from skimage.measure import label

from benchmarks.vessels import vessels
from src_models.files.dataset import DataSet
from src_models.files.samples import Sample, read_sample

__all__ = ["SUBJECTS", "Picture", "Subject", "Task", "open_task"]

TILE = 256
MOST_TESTS = 8
VESSELS = {"train": range(40), "val": range(1000, 1000 + MOST_TESTS)}  # seeds

Labelling = Callable[[Any], Any]


@dataclass(frozen=True)
class Picture:
    """An image with its labels: numbered objects, or classes."""

    name: str
    image: Any
    labels: Any


@dataclass(frozen=True)
class Task:
    """Tiles, in the order in which they are corrected, and images to test on, of which no tile is shown."""

    tiles: tuple[Picture, ...]
    tests: tuple[Picture, ...]


@dataclass(frozen=True)
class Subject:
    """A data set, what its masks become, and what they mean.

    Parameters
    ----------
    folder
        Its folder; empty for vessels, which are made.
    labels
        Of a mask: numbered objects, or classes.
    classes
        Names of the classes from 1 on; none for objects.
    test
        The split that is tested on.
    group
        Of a name: what it was taken of. Tiles are drawn from all groups in turn.
    fewest
        Labels that a tile must hold.
    """

    folder: str
    labels: Labelling
    classes: tuple[str, ...] = ()
    test: str = "val"
    group: Callable[[Sample], str] = lambda sample: ""
    fewest: int = 1


ORGANS = ("aorta", "gallbladder", "left kidney", "right kidney", "liver", "pancreas", "spleen", "stomach")


def _as_it_is(mask: Any) -> Any:
    return mask


SUBJECTS = {
    "membranes": Subject("isbi2012_em", lambda mask: (mask == 0).astype(np.int32), ("membrane",)),
    "vessels": Subject("", _as_it_is, ("vessel",)),
    "microbes": Subject("phase_microbes", _as_it_is, group=lambda sample: sample.name.split("_")[0]),
    "glands": Subject("glas_half", _as_it_is, test="testA"),
    "CT organs": Subject("btcv_ct", _as_it_is, ORGANS, group=lambda sample: sample.name.split("_")[1], fewest=4),
    "white cells": Subject("bccd_wbc", _as_it_is),
}


def open_task(name: str, folder: Path, draw: int) -> Task:
    """Read a subject.

    Parameters
    ----------
    name
        One of :data:`SUBJECTS`.
    folder
        Where the sets lie.
    draw
        Number of the draw: another one gives other tiles.
    """
    subject = SUBJECTS[name]
    pictures = _made() if not subject.folder else _read(subject, folder / subject.folder)
    tests = pictures[subject.test][""]
    step = max(1, len(tests) // MOST_TESTS)
    tiles = _in_turn(pictures["train"], np.random.default_rng(draw), subject)
    return Task(tiles, tuple(_middle(test) for test in tests[::step][:MOST_TESTS]))


Pictures = dict[str, dict[str, list[Picture]]]  # of each split and group


def _made() -> Pictures:
    made = {}
    for split, seeds in VESSELS.items():
        drawn = [(f"vessels {seed}", *vessels(seed)) for seed in seeds]
        made[split] = {"": [Picture(name, image, truth.astype(np.int32)) for name, image, truth in drawn]}
    return made


def _read(subject: Subject, folder: Path) -> Pictures:
    found: Pictures = {"train": {}, subject.test: {"": []}}
    for sample in DataSet.open(folder).samples:
        if sample.split not in found:
            continue
        image, mask = read_sample(sample)
        picture = Picture(sample.name, image, subject.labels(mask).astype(np.int32))
        group = subject.group(sample) if sample.split == "train" else ""
        found[sample.split].setdefault(group, []).append(picture)
    return found


def _in_turn(groups: dict[str, list[Picture]], rng: np.random.Generator, subject: Subject) -> tuple[Picture, ...]:
    """Return a tile of each image, the groups in turn, both in random order."""
    queues = []
    for group in rng.permutation(sorted(groups)):
        order = [groups[group][number] for number in rng.permutation(len(groups[group]))]
        tiles = [tile for tile in (_tile(picture, rng) for picture in order) if _holds(tile, subject)]
        queues.append(tiles)
    return tuple(tiles[turn] for turn in range(max(map(len, queues))) for tiles in queues if turn < len(tiles))


def _tile(picture: Picture, rng: np.random.Generator) -> Picture:
    starts = [int(rng.integers(0, max(1, size - TILE + 1))) for size in picture.labels.shape]
    return _cut(picture, starts)


def _middle(picture: Picture) -> Picture:
    return _cut(picture, [max(0, (size - TILE) // 2) for size in picture.labels.shape])


def _cut(picture: Picture, starts: list[int]) -> Picture:
    cut = tuple(slice(start, start + TILE) for start in starts)
    return Picture(picture.name, picture.image[cut], picture.labels[cut])


def _holds(tile: Picture, subject: Subject) -> bool:
    numbers = np.unique(tile.labels[tile.labels > 0])
    return len(numbers) >= subject.fewest and bool((tile.labels > 0).mean() > 0.01)


def numbered(mask: Any) -> Any:
    """Return the connected parts of a mask, numbered."""
    return label(mask, connectivity=1)
