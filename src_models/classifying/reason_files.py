"""Why each object, tile or plane has its class, as files: maps with their place on the image.

``cells_attention_object_7_class_relevance.ome.tif`` says which places speak for the class of object 7; other maps are
called by their own names. They are OME-TIFF files as :mod:`src_models.attention.map_files` writes them.
"""

from __future__ import annotations

import glob
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from src_models.attention.map_files import map_path, write_map
from src_models.attention.placed_map import PlacedMap
from src_models.errors import UserError
from src_models.progress import Progress

if TYPE_CHECKING:
    from src_models.classifying.class_probabilities import Classified
    from src_models.files.images import ImageFile
    from src_models.images.grey.grey_range import GreyRange
    from src_models.models.checkpoint import Model

__all__ = ["check_reasons", "reason_path", "write_reasons"]

_ONE = {"objects": "object", "tiles": "tile", "image": "plane"}


def reason_path(folder: Path, stem: str, kind: str, own: int, name: str) -> Path:
    """Return where a map of an object, a tile or a plane goes.

    >>> reason_path(Path("why"), "cells", "objects", 7, "class relevance").name
    'cells_attention_object_7_class_relevance.ome.tif'
    """
    return map_path(folder, stem, f"{_ONE[kind]} {own} {name}")


def check_reasons(folder: Path, stem: str, kind: str) -> None:
    """Refuse a folder that holds maps of an image from before.

    Raises
    ------
    UserError
        If it does.
    """
    begin, end = reason_path(folder, stem, kind, 0, "name").name.split("_0_name")
    there = sorted(folder.glob(f"{glob.escape(begin)}_*{end}"))
    if there:
        raise UserError(f"{there[0]} exists already; give another folder for --why, or --overwrite to replace maps")


def write_reasons(
    folder: Path,
    image: ImageFile,
    model: Model,
    found: Classified,
    *,
    maps: Sequence[str] = (),
    grey_range: GreyRange | None = None,
    overwrite: bool = False,
) -> Generator[Progress, None, int]:
    """Write which places speak for the likeliest class of each object, tile or plane, and other maps of it.

    Parameters
    ----------
    folder
        Where to.
    image, grey_range
        What was classified, and the range of grey values that counted.
    model, found
        By which model, and what it said.
    maps
        Names of recorded maps that are written, too.
    overwrite
        Whether files that exist may be replaced.

    Yields
    ------
    Progress
        After each object.

    Returns
    -------
    int
        How many maps were written.

    Raises
    ------
    OutputError
        If a file exists and may not be replaced, or cannot be written; none is left half-written.
    """
    from src_models.classifying.picture_maps import PictureMaps
    from src_models.classifying.pictures.seen import seen_picture
    from src_models.images.model_image import ModelImage

    read = ModelImage(image.data, model.header, axes=image.reading, intensity=grey_range, name=f"{image.path}")
    count = 0
    for row, (own, number) in enumerate(zip(found.ids.tolist(), found.best.tolist(), strict=True)):
        seen = seen_picture(read, found, row)
        asked = PictureMaps(model.network, seen)
        for placed in (asked.relevance(number, found.classes[number]), *(asked.recorded(name) for name in maps)):
            path = reason_path(folder, image.name, found.kind, own, placed.name)
            whole = _in_image(placed, read.planes.label_axes, seen.plane)
            write_map(path, whole, reading=image.reading, overwrite=overwrite)
            count += 1
        yield Progress(row + 1, len(found.ids), "writing why")
    return count


def _in_image(placed: PlacedMap, axes: str, plane: tuple[int, ...]) -> PlacedMap:
    """Give a map of a plane (Y, X) an axis for every axis of the image less its channels."""
    data = placed.data if axes.index("Y") < axes.index("X") else placed.data.T
    rest = iter(plane)
    at = [placed.translate["YX".index(letter)] if letter in "YX" else float(next(rest)) for letter in axes]
    return replace(
        placed,
        data=data[tuple(slice(None) if letter in "YX" else np.newaxis for letter in axes)],
        scale=tuple(placed.scale["YX".index(letter)] if letter in "YX" else 1.0 for letter in axes),
        translate=tuple(at),
    )
