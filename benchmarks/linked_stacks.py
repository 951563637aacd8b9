"""How well outlines of a stack are linked into objects: spheres of known identity, and organs that experts drew.

Run as ``python -m benchmarks.linked_stacks [FOLDER_WITH_THE_SETS]``. Each plane's outlines are numbered anew, moved by
up to a pixel, and some are left out; then they are linked. Of the links between outlines that follow each other,
*precision* is the share that is right and *recall* the share of the true ones that is made; an object is *whole* if it
has one number in all its planes, and no other object has that.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import report
from src_models.images.axes import read_axes
from src_models.images.planes import Planes
from src_models.labels.linking import link_objects

SIZE = 150  # px of a plane's side
DIAMETER = 18.0
STACK = 48  # px of depth
STEPS = (1, 2, 4, 6)
SMALLEST = 16  # px of an outline
SEEDS = 3

Labels = NDArray[np.int32]


def main() -> None:
    """Link all stacks, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    arguments = parser.parse_args()
    rows = []
    for touching in (False, True):
        for step in STEPS:
            for missed in (0.0, 0.05):
                stacks = [_spheres(np.random.default_rng(seed), step, touching=touching) for seed in range(SEEDS)]
                scores = [_score(truth, _outlines(truth, seed, missed)) for seed, truth in enumerate(stacks)]
                kind = f"{'touching spheres' if touching else 'spheres'} of {DIAMETER:g} px"
                rows.append(_row(kind, f"{DIAMETER / step:.2g}", missed, scores))
    if arguments.folder:
        scores = [_score(truth, _outlines(truth, 0, 0.0)) for truth in _organs(arguments.folder / "btcv_ct")]
        rows.append(_row("abdominal organs, 15 patients", "", 0.0, scores))
    columns = ("stack", "planes a diameter", "missed", "outlines", "objects", "counted", "precision", "recall", "whole")
    report("linked_stacks", columns, rows)


def _row(kind: str, planes: str, missed: float, scores: list[NDArray[np.int64]]) -> list[Any]:
    right, made, true, outlines, objects, counted, whole = np.sum(scores, axis=0)
    row = [kind, planes, f"{missed:.0%}", outlines, objects, counted]
    row = [int(each) if isinstance(each, np.integer) else each for each in row]
    row += [f"{right / made:.3f}", f"{right / true:.3f}", f"{whole / objects:.1%}"]
    print(row, flush=True)
    return row


def _spheres(random: np.random.Generator, step: float, *, touching: bool) -> Labels:
    """Draw balls at random, apart from each other or touching, in planes some px apart."""
    planes = STACK // int(step)
    truth = np.zeros((planes, SIZE, SIZE), np.int32)
    z, y, x = np.ogrid[:planes, :SIZE, :SIZE]
    placed: list[tuple[NDArray[np.float64], float]] = []
    for _ in range(4000):
        radius = DIAMETER / 2 * random.uniform(0.75, 1.25)
        centre = random.uniform([0, radius, radius], [STACK, SIZE - radius, SIZE - radius])
        room = 0.9 if touching else 1.1
        if any(np.linalg.norm(centre - other) < room * (radius + size) for other, size in placed):
            continue
        placed.append((centre, radius))
        ball = (z * step - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2 < radius**2
        truth[ball & (truth == 0)] = len(placed)
    return truth


def _organs(folder: Path) -> Iterator[Labels]:
    """Yield the masks of each patient's slices that follow each other; an organ is an object."""
    from skimage.io import imread

    cases: dict[str, list[tuple[int, str]]] = defaultdict(list)
    with (folder / "manifest.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            cases[row["case"]].append((int(row["slice"]), row["file"]))
    for slices in cases.values():
        yield np.stack([imread(folder / "masks" / name) for _, name in sorted(slices)]).astype(np.int32)


def _outlines(truth: Labels, seed: int, missed: float) -> tuple[Labels, NDArray[np.int64], NDArray[np.int64]]:
    """Number the connected outlines of each plane anew; return them, and of each number the true one and the plane."""
    from skimage.measure import label

    random = np.random.default_rng(seed)
    outlines = np.zeros_like(truth)
    owners, planes = [0], [-1]
    for index, plane in enumerate(truth):
        pieces = label(plane, background=0)
        for piece in random.permutation(np.arange(1, pieces.max() + 1)):
            mask = pieces == piece
            owner = int(plane[mask][0])
            moved = np.roll(mask, tuple(random.integers(-1, 2, 2)), (0, 1)) & (outlines[index] == 0)
            if moved.sum() < SMALLEST or random.random() < missed:
                continue
            outlines[index][moved] = len(owners)
            owners.append(owner)
            planes.append(index)
    return outlines, np.array(owners), np.array(planes)


def _score(truth: Labels, drawn: tuple[Labels, NDArray[np.int64], NDArray[np.int64]]) -> NDArray[np.int64]:
    outlines, owners, planes = drawn
    linked = outlines.copy()
    for _ in link_objects(linked, Planes(read_axes(truth.shape, axes="ZYX", labels=True), 2), "Z"):
        pass
    numbers = np.zeros_like(owners)
    numbers[outlines[outlines > 0]] = linked[outlines > 0]
    true, made = _links(owners, planes), _links(numbers, planes)
    whole = 0
    for owner in np.unique(owners[1:]):
        given = np.unique(numbers[1:][owners[1:] == owner])
        whole += len(given) == 1 and bool((owners[1:][numbers[1:] == given[0]] == owner).all())
    objects, counted = len(np.unique(owners[1:])), len(np.unique(numbers[1:]))
    return np.array([len(true & made), len(made), len(true), len(owners) - 1, objects, counted, whole])


def _links(numbers: NDArray[np.int64], planes: NDArray[np.int64]) -> set[tuple[int, int]]:
    """Return the pairs of outlines of one number in one plane and in the next one that has it, at most two on."""
    by_number: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for outline in range(1, len(numbers)):
        by_number[int(numbers[outline])][int(planes[outline])].append(outline)
    links = set()
    for found in by_number.values():
        for plane, here in found.items():
            following = found.get(plane + 1) or found.get(plane + 2) or []
            links |= {(one, other) for one in here for other in following}
    return links


if __name__ == "__main__":
    main()
