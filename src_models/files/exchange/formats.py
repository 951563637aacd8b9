"""Which program a file of labels is from, and reading it: outlines are painted onto the image's pixels.

Examples
--------
>>> program_of(Path("cells_seg.npy"))
'Cellpose'
>>> program_of(Path("cells.tif")) is None
True
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from numpy.typing import NDArray

from src_models.errors import ImageError, OutputError
from src_models.files.exchange import cellpose, coco, geojson, ilastik, imagej_rois
from src_models.files.exchange.described import Described
from src_models.files.exchange.painting import Drawing, paint
from src_models.images.axes import AxesReading, read_axes

__all__ = ["ENDINGS", "Foreign", "Format", "format_of", "labels_stem", "program_of", "read_foreign", "write_foreign"]

Format = Literal["roi", "geojson", "coco"]
Program = Literal["Cellpose", "ImageJ", "QuPath", "COCO", "ilastik"]

#: What files of labels for other programs are called, behind the name of the image.
ENDINGS: dict[Format, str] = {"roi": "_rois.zip", "geojson": ".geojson", "coco": "_coco.json"}
_SUFFIXES: dict[str, Program] = {
    cellpose.SUFFIX: "Cellpose",
    ".roi": "ImageJ",
    ".zip": "ImageJ",
    ".geojson": "QuPath",
    ".json": "COCO",
    **dict.fromkeys(ilastik.SUFFIXES, "ilastik"),
}  # fmt: skip
# What programs add to the name of an image, longest first.
_STEMS = ("_Simple Segmentation.h5", "_Object Identities.h5", "_rois.zip", "_coco.json", *_SUFFIXES)


@dataclass(frozen=True, slots=True, eq=False)
class Foreign:
    """Labels of another program.

    Parameters
    ----------
    data
        Integers, in the image's axes where these were given.
    reading
        Their axes.
    names
        What objects are called, by number, as far as the file tells.
    kinds
        The classes of objects, by number.
    notes
        What a person should know, in sentences.
    """

    data: NDArray[Any]
    reading: AxesReading
    names: dict[int, str] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def program_of(path: Path) -> Program | None:
    """Return which program a file of labels is from, by its name; a zip and JSON also by what is in it."""
    name = path.name.lower()
    program = next((program for suffix, program in _SUFFIXES.items() if name.endswith(suffix)), None)
    if name.endswith(".zip") and not imagej_rois.is_roi_zip(path):
        return None
    if name.endswith(".json"):
        return _program_of_json(path)
    return program


def labels_stem(path: Path) -> str:
    """Return the name of the image that a file of labels is of; that of the file where nothing tells."""
    for suffix in _STEMS:
        if path.name.lower().endswith(suffix.lower()) and len(path.name) > len(suffix):
            return path.name[: -len(suffix)]
    return path.stem


def read_foreign(path: Path, *, like: AxesReading | None = None, image: str = "") -> Foreign:
    """Read labels of another program.

    Parameters
    ----------
    path
        The file: of Cellpose, ImageJ, QuPath or ilastik, or COCO JSON.
    like
        The reading of the image that they are of: outlines are painted onto its pixels. Without it, they are as large
        as they need.
    image
        Name of that image without its ending, for a COCO JSON of several; what the file is called unless given.

    Raises
    ------
    ImageError
        If the file cannot be read, or does not fit the image.
    UserError
        If a package is missing that reads it.
    """
    program = program_of(path)
    letters = None if like is None else like.without_channels()
    if program == "Cellpose":
        masks = cellpose.read_cellpose(path)
        axes = "YX" if masks.ndim == 2 else "TYX" if letters is not None and "Z" not in letters.axes else "ZYX"
        return Foreign(masks, read_axes(masks.shape, axes=axes, labels=True, name=str(path)))
    if program == "ilastik":
        data, axes, notes = ilastik.read_ilastik(path)
        return Foreign(data, read_axes(data.shape, axes=axes, labels=True, name=str(path)), notes=notes)
    if program is None:
        raise ImageError(
            f"{path}: it is no file of labels that Cellpose, ImageJ, QuPath or ilastik write, nor COCO JSON"
        )
    drawing = _read_drawing(program, path, image or labels_stem(path))
    wanted = (None, None) if letters is None else (letters.axes, letters.shape)
    painted = paint(drawing, str(path), axes=wanted[0], shape=wanted[1])
    reading = read_axes(painted.labels.shape, axes=painted.axes, labels=True, name=str(path))
    # A number alone is no name.
    names = {number: name for number, name in painted.names.items() if not f"0 {name}".split()[-1].isdecimal()}
    return Foreign(painted.labels, reading, names, painted.kinds, painted.notes)


def format_of(path: Path) -> Format:
    """Return the format of a file to write, by its name.

    Raises
    ------
    OutputError
        If it ends in none that is written.
    """
    endings: dict[str, Format] = {".zip": "roi", ".geojson": "geojson", ".json": "coco"}
    try:
        return endings[path.suffix.lower()]
    except KeyError:
        raise OutputError(
            f"{path}: labels for other programs are written as NAME.zip (ImageJ's regions), NAME.geojson (QuPath) or "
            "NAME.json (COCO); end the name so"
        ) from None


def write_foreign(
    path: Path,
    labels: Any,
    axes: str,
    described: Described | None = None,
    *,
    kind: geojson.ObjectType = "detection",
    overwrite: bool = False,
) -> int:
    """Write the outlines of labels, in the format that the name ends in.

    Parameters
    ----------
    path
        ``NAME.zip`` for ImageJ, ``NAME.geojson`` for QuPath, ``NAME.json`` for COCO.
    labels, axes
        Integers from 0, in memory or lazy, and which axis is what.
    described
        What is known of the objects.
    kind
        What objects become in QuPath.
    overwrite
        Whether an existing file may be replaced.

    Returns
    -------
    int
        How many outlines were written: one for each object and plane.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, cannot be written, or the labels have other axes.
    UserError
        If a package is missing that writes it.
    """
    described = described or Described()
    form = format_of(path)
    if form == "geojson":
        return geojson.write_geojson(path, labels, axes, described, kind=kind, overwrite=overwrite)
    write = imagej_rois.write_imagej_rois if form == "roi" else coco.write_coco
    return write(path, labels, axes, described, overwrite=overwrite)


def _read_drawing(program: Program, path: Path, image: str) -> Drawing:
    if program == "COCO":
        return coco.read_coco(path, image)
    readers: dict[str, Callable[[Path], Drawing]] = {
        "ImageJ": imagej_rois.read_imagej_rois,
        "QuPath": geojson.read_geojson,
    }
    return readers[program](path)


def _program_of_json(path: Path) -> Program | None:
    """Tell COCO and GeoJSON under the name .json apart from other JSON."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None
    if coco.is_coco(content):
        return "COCO"
    return "QuPath" if isinstance(content, dict) and content.get("type") == "FeatureCollection" else None
