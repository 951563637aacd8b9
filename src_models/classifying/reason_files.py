"""Why each object, tile or plane has its class, as files: maps with their place on the image.

``cells_attention_object_7_class_relevance.ome.tif`` says which places speak for the class of object 7; other maps are
called by their own names, and ``..._large_window_1.1_from_120,64_head_2.ome.tif`` says where a head of a layer looks
from a place. They are OME-TIFF files as :mod:`src_models.attention.map_files` writes them.
"""

from __future__ import annotations

import glob
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from src_models.attention.map_files import map_path, write_map
from src_models.attention.placed_map import PlacedMap
from src_models.errors import UserError
from src_models.progress import Progress

if TYPE_CHECKING:
    from src_models.classifying.class_probabilities import Classified
    from src_models.classifying.picture_maps import PictureMaps
    from src_models.files.images import ImageFile
    from src_models.images.grey.grey_range import GreyRange
    from src_models.models.checkpoint import Model

__all__ = ["Looking", "check_reasons", "reason_path", "reasons_are_there", "write_reasons"]

_ONE = {"objects": "object", "tiles": "tile", "image": "plane"}


@dataclass(frozen=True, slots=True)
class Looking:
    """Where layers of attention are asked to look from.

    Parameters
    ----------
    heads
        The layers, and of each the heads (from 0) whose maps are wanted; None is the mean over heads.
    place
        A pixel along the image's axes without channels: what lies there alone is asked. None takes the middle of each
        object, tile or plane.
    """

    heads: Mapping[str, Sequence[int | None]]
    place: tuple[float, ...] | None = None

    def name(self, layer: str, head: int | None) -> str:
        """Return what a map is called.

        >>> Looking({}, (120.0, 64.0)).name("large window 1.1", 2)
        'large window 1.1 from 120,64 head 2'
        """
        place = "middle" if self.place is None else ",".join(f"{at:g}" for at in self.place)
        return f"{layer} from {place}" + ("" if head is None else f" head {head}")


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
    there = _there(folder, stem, kind)
    if there:
        raise UserError(f"{there[0]} exists already; give another folder for --why, or --overwrite to replace maps")


def reasons_are_there(folder: Path, stem: str, kind: str) -> bool:
    """Return whether a folder holds maps of an image from before."""
    return bool(_there(folder, stem, kind))


def _there(folder: Path, stem: str, kind: str) -> list[Path]:
    begin, end = reason_path(folder, stem, kind, 0, "name").name.split("_0_name")
    return sorted(folder.glob(f"{glob.escape(begin)}_*{end}"))


def write_reasons(
    folder: Path,
    image: ImageFile,
    model: Model,
    found: Classified,
    *,
    maps: Sequence[str] = (),
    looking: Looking | None = None,
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
    looking
        Where layers of attention look from, which is written, too.
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
    UserError
        If nothing that has a class lies at the place to look from.
    """
    from src_models.classifying.class_pointer import row_at
    from src_models.classifying.picture_maps import PictureMaps
    from src_models.classifying.pictures.seen import in_image, seen_picture
    from src_models.images.model_image import ModelImage

    read = ModelImage(image.data, model.header, axes=image.reading, intensity=grey_range, name=f"{image.path}")
    axes = read.planes.label_axes
    asked_row = None if looking is None or looking.place is None else row_at(found, axes, looking.place)
    count = 0
    for row, (own, number) in enumerate(zip(found.ids.tolist(), found.best.tolist(), strict=True)):
        seen = seen_picture(read, found, row)
        asked = PictureMaps(model.network, seen)
        wanted = [asked.relevance(number, found.classes[number]), *(asked.recorded(name) for name in maps)]
        if looking is not None and asked_row in (None, row):
            wanted += _looks(asked, looking, axes)
        for placed in wanted:
            path = reason_path(folder, image.name, found.kind, own, placed.name)
            whole = in_image(placed, axes, seen.plane)
            write_map(path, whole, reading=image.reading, overwrite=overwrite)
            count += 1
        yield Progress(row + 1, len(found.ids), "writing why")
    return count


def _looks(asked: PictureMaps, looking: Looking, axes: str) -> list[PlacedMap]:
    """Return where layers look from a place, or from the middle of what has a class."""
    place = None
    if looking.place is not None:
        at = dict(zip(axes, looking.place, strict=True))
        place = at["Y"], at["X"]
    found = []
    for layer, heads in looking.heads.items():
        for head in heads:
            looked, _ = asked.look(layer, place, head)
            name = looking.name(layer, head)
            found.append(replace(looked, name=name, description=f"{name}: where the network looks from there"))
    return found
