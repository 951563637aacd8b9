"""Where pixels inside objects look: the pointing game for every query of a block of attention."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.auditing.figures import ObjectAttention
from src_models.probing.look_probe import LookProbe, PointedMap

__all__ = ["look_at_objects", "queries_in_objects", "shares"]

QUERIES = 12

Pixel = tuple[int, int]


def queries_in_objects(
    labels: NDArray[np.integer], region: Sequence[slice], generator: np.random.Generator
) -> list[Pixel]:
    """Choose a random pixel in each of at most 12 objects of a region; pixels (row, column) of the whole plane."""
    part = labels[tuple(region)]
    numbers = np.unique(part[part > 0])
    chosen = generator.permutation(numbers)[:QUERIES]
    pixels = []
    for number in chosen:
        rows, columns = np.nonzero(part == number)
        one = generator.integers(rows.size)
        pixels.append((int(rows[one]) + region[0].start, int(columns[one]) + region[1].start))
    return pixels


def look_at_objects(
    probe: LookProbe[Any], labels: NDArray[np.integer], queries: Sequence[Pixel], plane: tuple[int, ...]
) -> Generator[str, None, tuple[ObjectAttention, ...]]:
    """Ask every block, and every branch by attention rollout, where pixels inside objects look.

    Parameters
    ----------
    probe
        Of the image that the labels belong to.
    labels
        Objects of the plane (H, W); 0 is background.
    queries
        Pixels inside objects, at least one.
    plane
        The plane's position in a stack.

    Yields
    ------
    str
        What is being done, after each block.
    """
    found = []
    for name in (*probe.blocks, *probe.branches):
        ask = probe.look if name in probe.blocks else probe.rollout
        of_queries = [shares(ask(pixel, name, plane=plane), labels, int(labels[pixel])) for pixel in queries]
        title = name if name in probe.blocks else f"{name} (rollout)"
        found.append(ObjectAttention(title, len(queries), *(float(mean) for mean in np.mean(of_queries, axis=0))))
        yield f"following attention of {title}"
    return tuple(found)


def shares(looked: PointedMap, labels: NDArray[np.integer], number: int) -> tuple[float, float, float, float]:
    """Return how much of the weight lies in one object, its chance, how much in any object, its chance.

    Chance is the share of the area: of the image, and of the patch where a block works on patches. Weight outside of
    the image, in its padding, is left out.
    """
    same, any_, inside = _covers(looked, labels, number)
    rows, columns = (np.flatnonzero(looked.weights.any(axis=axis)) for axis in (1, 0))
    reach = np.zeros(looked.weights.shape)
    reach[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = 1
    area, weights = reach * inside, looked.weights.astype(np.float64)
    mass, size = (weights * inside).sum(), area.sum()
    return (
        float((weights * same).sum() / mass),
        float((reach * same).sum() / size),
        float((weights * any_).sum() / mass),
        float((reach * any_).sum() / size),
    )


def _covers(looked: PointedMap, labels: NDArray[np.integer], number: int) -> tuple[NDArray[np.float64], ...]:
    """Return the share of each cell that lies in one object, in any, and in the image."""
    places = []
    for cells, scale, first, length in zip(
        looked.weights.shape, looked.scale, looked.translate, labels.shape, strict=True
    ):
        samples = max(1, int(np.ceil(scale)))
        offsets = (np.arange(samples) + 0.5) / samples - 0.5
        place = np.floor(first + scale * (np.arange(cells)[:, None] + offsets) + 0.5).astype(int)
        places.append(np.where((place >= 0) & (place < length), place, length))
    padded = np.pad(labels.astype(np.int64), (0, 1), constant_values=-1)
    blocks = padded[places[0].ravel()][:, places[1].ravel()].reshape(*places[0].shape, *places[1].shape)
    return tuple(np.asarray(hit.mean(axis=(1, 3))) for hit in (blocks == number, blocks > 0, blocks >= 0))
