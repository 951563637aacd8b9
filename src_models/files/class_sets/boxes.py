"""Boxes around objects in images: ``images/NAME`` and ``boxes.csv`` with the columns file, class, x0, y0, x1, y1.

Each object is a square around the middle of its box, of one size for all, so that large objects stay larger than small
ones. All objects of an image train or all validate, by the column ``split`` or else by the image's name. Boxes whose
image is not there are passed over. Some sets have boxes in the pixels of larger images than those there are: where
boxes reach beyond their images, all are divided by the whole number that brings them inside.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import DataSetError
from src_models.files.class_sets.class_set import ClassSample, ClassSet
from src_models.files.class_sets.folder import few, read_picture, read_table
from src_models.images.mirroring import mirrored

__all__ = ["cut_square", "open_class_boxes"]

_log = logging.getLogger(__name__)

COLUMNS = ("file", "class", "x0", "y0", "x1", "y1")
MOST_DIVIDED = 8
FITTING = 90  # percentage of objects that are whole in the squares
STEP = 8  # px of which the squares' size is a multiple


def open_class_boxes(folder: str | Path) -> ClassSet:
    """List the objects of a folder with boxes.

    Raises
    ------
    DataSetError
        If images or columns are missing, or boxes are none.
    """
    root = Path(folder)
    table = root / "boxes.csv"
    rows = read_table(table, *COLUMNS)
    images = {path.name: path for path in (root / "images").glob("*") if path.is_file()}
    present = [row for row in rows if row["file"] in images]
    if not present:
        raise DataSetError(f"{table}: none of its images is in {root / 'images'}; put them there")
    absent = {row["file"] for row in rows} - images.keys()
    if absent:
        _log.warning("%s: the images of %d boxes are not there: %s", table, len(rows) - len(present), few(absent))
    boxes = np.array([_box(row, table) for row in present])
    full = (boxes[:, :2] < boxes[:, 2:]).all(axis=1) & np.array([bool(row["class"]) for row in present])
    if not full.all():
        _log.warning("%s: %d boxes that are empty or have no class are passed over", table, int((~full).sum()))
        present, boxes = [row for row, kept in zip(present, full, strict=True) if kept], boxes[full]
    boxes = boxes / _divisor(boxes, [images[row["file"]] for row in present], table)
    classes = tuple(sorted({row["class"] for row in present}))
    if len(classes) < 2:
        raise DataSetError(f"{table}: there is one class, {classes[0]}, and it takes two to tell apart")
    numbers: dict[str, int] = {}
    samples = []
    for row, (x0, y0, x1, y1) in zip(present, boxes, strict=True):
        numbers[row["file"]] = number = numbers.get(row["file"], 0) + 1
        square = _Square(images[row["file"]], float(y0 + y1) / 2, float(x0 + x1) / 2)
        name, label = f"{row['file']} {number:04d}", classes.index(row["class"])
        extent = float(y1 - y0), float(x1 - x0)
        samples.append(ClassSample(name, label, square, row.get("split") or None, row["file"], extent))
    sides = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    size = int(STEP * np.ceil(np.percentile(sides, FITTING) / STEP))
    return ClassSet(root, classes, tuple(sorted(samples, key=lambda sample: sample.name)), size)


def cut_square(picture: NDArray[Any], y: float, x: float, size: int) -> NDArray[Any]:
    """Cut a square out of a picture, which is mirrored where it ends.

    Parameters
    ----------
    picture
        (H, W) or (H, W, C).
    y, x
        Where its middle lies: edges of pixels are whole numbers.
    size
        Its side (px).
    """
    rows, columns = (
        mirrored(round(place - size / 2), size, length) for place, length in zip((y, x), picture.shape[:2], strict=True)
    )
    return picture[np.ix_(rows, columns)]


@dataclass(frozen=True, slots=True)
class _Square:
    """A square around a place in an image, of the size that is asked for."""

    path: Path
    y: float
    x: float

    def __call__(self, size: int) -> NDArray[Any]:
        return cut_square(_picture(self.path), self.y, self.x, size)


@lru_cache(maxsize=4)
def _picture(path: Path) -> NDArray[Any]:
    """Read an image once for the objects in it, which follow each other."""
    return read_picture(path)


def _box(row: dict[str, str], table: Path) -> tuple[float, float, float, float]:
    try:
        x0, y0, x1, y1 = (float(row[name]) for name in COLUMNS[2:])
    except ValueError:
        raise DataSetError(f"{table}: a box of {row['file']} has no four numbers; mend its row") from None
    return x0, y0, x1, y1


def _divisor(boxes: NDArray[np.float64], images: Sequence[Path], table: Path) -> int:
    """Return the whole number by which boxes are to be divided to lie in their images."""
    sizes = {path: read_picture(path).shape[:2] for path in dict.fromkeys(images)}
    widths = np.array([sizes[path][::-1] for path in images])
    most = float(np.max(boxes[:, 2:] / widths))
    divisor = max(1, int(np.ceil(most - 1e-6 - 1 / widths.min())))  # some count their last pixel from 1
    if divisor > MOST_DIVIDED:
        raise DataSetError(f"{table}: boxes reach {most:.3g} times as far as their images; are these the right ones?")
    if divisor > 1:
        _log.warning("%s: boxes reach %.3g times as far as their images; they are divided by %d", table, most, divisor)
    return divisor
