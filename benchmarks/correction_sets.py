"""Sets that the shipped model was not trained on, as a pool of tiles to correct and images to test on."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from skimage.measure import label

from src_models.files.dataset import DataSet
from src_models.files.samples import Sample, read_sample

__all__ = ["SETS", "TILE", "Pool", "Tile", "open_pool"]

TILE = 256
TEST_SIZE = 512
MOST_TESTS = 8


@dataclass(frozen=True)
class Tile:
    """A tile of a pool: name of its image, index of its place, pixels, and true objects."""

    image_name: str
    index: tuple[int, int]
    image: Any
    labels: Any


@dataclass(frozen=True)
class Pool:
    """Tiles that can be corrected, and untouched test images with their true foreground."""

    name: str
    tiles: tuple[Tile, ...]
    tests: tuple[tuple[str, Any, Any], ...]


@dataclass(frozen=True)
class _Set:
    folder: str
    objects: Callable[[Any], Any]  # of a mask: numbered objects
    test: Callable[[Sample], bool]
    window: tuple[float, float] | None = None
    only: str | None = None


def _numbered(mask: Any) -> Any:
    return mask


def _pieces_of(value: int) -> Callable[[Any], Any]:
    return lambda mask: label(mask == value)


def _organs(mask: Any) -> Any:
    """Spleen, kidneys and liver."""
    return label(np.isin(mask, (1, 2, 3, 5)))


def _pieces(mask: Any) -> Any:
    return label(mask > 0, connectivity=1)


SETS = {
    "phase contrast": _Set("usiigaci_phase", _numbered, lambda s: s.name > "set40"),
    "axons": _Set("sem_axon_myelin", _pieces_of(2), lambda s: False),
    "membranes": _Set("isbi2012_em", _pieces, lambda s: s.split == "val"),
    "CT organs": _Set("ct_totalseg", _organs, lambda s: False, (-160.0, 240.0), only="abdomen_512.nii.gz"),
    "glands": _Set("glas_half", _numbered, lambda s: s.split == "testA"),
}


def open_pool(name: str, folder: str | Path) -> Pool:
    """Read a set.

    Parameters
    ----------
    name
        One of :data:`SETS`.
    folder
        Where the sets lie.
    """
    kind = SETS[name]
    samples = DataSet.open(Path(folder) / kind.folder).samples
    chosen_samples = [sample for sample in samples if kind.only in (None, sample.name)]
    planes = [(sample, plane) for sample in chosen_samples for plane in _planes(sample, kind)]
    tests = [plane for sample, plane in planes if kind.test(sample)]
    if not tests:  # the last quarter of the images, or of the slices
        tests = [plane for _, plane in planes[-max(1, len(planes) // 4) :]]
    names = {name for name, _, _ in tests}
    tiles = tuple(
        Tile(plane_name, place, image[cut], labels[cut])
        for _, (plane_name, image, labels) in planes
        if plane_name not in names
        for place, cut in _cuts(labels.shape)
        if (labels[cut] > 0).mean() > 0.01
    )
    chosen = tests[:: max(1, len(tests) // MOST_TESTS)][:MOST_TESTS]
    return Pool(name, tiles, tuple(_middle(plane) for plane in chosen))


def _planes(sample: Sample, kind: _Set) -> list[tuple[str, Any, Any]]:
    image, mask = read_sample(sample)
    if kind.window is not None:
        low, high = kind.window
        image = (np.clip((image.astype(np.float32) - low) / (high - low), 0, 1) * 255).astype(np.uint8)
    if mask.ndim == 2:
        return [(sample.name, image, kind.objects(mask))]
    return [(f"{sample.name} {index}", image[index], kind.objects(mask[index])) for index in range(len(mask))]


def _cuts(shape: tuple[int, ...]) -> list[tuple[tuple[int, int], tuple[slice, slice]]]:
    """Return all tiles of a plane, side by side; of a smaller plane, what there is."""
    starts = [range(0, max(1, size - TILE + 1), TILE) for size in shape]
    return [((y, x), (slice(y, y + TILE), slice(x, x + TILE))) for y, x in itertools.product(*starts)]


def _middle(plane: tuple[str, Any, Any]) -> tuple[str, Any, Any]:
    name, image, labels = plane
    cut = tuple(slice(max(0, (n - TEST_SIZE) // 2), max(0, (n - TEST_SIZE) // 2) + TEST_SIZE) for n in labels.shape)
    return name, image[cut], labels[cut] > 0
