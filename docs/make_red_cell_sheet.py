"""Lay pictures of red blood cells side by side, as one image, with labels of the cell in the middle of each.

    python docs/make_red_cell_sheet.py FOLDER OUT

FOLDER is Chula RBC-12 as a set of classes (MIT). The pictures are the first of each class, by the hash of their names,
of those that judge: no model here learnt from them. OUT gets ``red_cells.tif`` and ``red_cells_labels.tif``. The cells
are what is darker in green than Otsu's threshold around the middle, with its holes filled.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import tifffile
from numpy.typing import NDArray
from scipy import ndimage
from skimage.filters import threshold_otsu

from src_models.files.class_sets.opening import open_class_set
from src_models.files.split_by_name import fraction_of

EACH, COLUMNS = 2, 6


def main(folder: str, output: str) -> None:
    """Write both files."""
    data = open_class_set(folder)
    chosen = []
    for label in range(len(data.classes)):
        own = [sample for sample in data.split("val") if sample.label == label]
        chosen += sorted(own, key=lambda sample: fraction_of(sample.name))[:EACH]
    pictures = [data.picture(sample, data.size).transpose(1, 2, 0) for sample in chosen]
    labels = [middle_cell(picture) * (number + 1) for number, picture in enumerate(pictures)]
    out = Path(output)
    out.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(out / "red_cells.tif", side_by_side(pictures).astype(np.uint8), photometric="rgb")
    tifffile.imwrite(out / "red_cells_labels.tif", side_by_side(labels).astype(np.uint16))


def middle_cell(picture: NDArray[np.generic]) -> NDArray[np.int64]:
    """Return 1 where the cell in the middle of a picture (H, W, 3) is."""
    green = ndimage.gaussian_filter(np.asarray(picture[..., 1], float), 1.0)
    parts, _ = ndimage.label(ndimage.binary_fill_holes(green < threshold_otsu(green)))
    distance, place = ndimage.distance_transform_edt(parts == 0, return_indices=True)
    middle = tuple(size // 2 for size in parts.shape)
    nearest = tuple(axis[middle] for axis in place)
    return np.asarray(parts == parts[nearest], np.int64) if distance[middle] < 20 else np.zeros(parts.shape, np.int64)


def side_by_side(parts: list[NDArray[np.generic]]) -> NDArray[np.generic]:
    """Return pictures in rows."""
    return np.concatenate([np.concatenate(parts[row : row + COLUMNS], 1) for row in range(0, len(parts), COLUMNS)], 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
