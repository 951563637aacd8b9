"""Regions of interest of ImageJ and Fiji: a zip that the ROI Manager opens and saves, or one ``.roi``.

ImageJ's coordinates of areas run from the corner of the first pixel, as our outlines do
(https://imagej.net/ij/developer/source/ij/gui/PolygonRoi.java.html), so an outline in whole numbers, as of ImageJ's
own wand, is exactly its pixels; an object with holes or several parts is a composite (ShapeRoi: a path of straight
lines, filled by the even-odd rule). An object's number and class are among the region's properties.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from src_models.disk.atomic import atomic_path
from src_models.errors import ImageError, UserError
from src_models.files.exchange.described import Described, Plane, each_plane
from src_models.files.exchange.outlines import Outline
from src_models.files.exchange.painting import Drawing, Drawn

if TYPE_CHECKING:
    from roifile import ImagejRoi

__all__ = ["is_roi_zip", "read_imagej_rois", "write_imagej_rois"]

_LABEL, _CLASS = "label", "class"
_LARGEST = 60_535  # ImageJ's whole numbers end here: larger ones are kept as floats
_MOST_BYTES = 64 * 2**20  # of one region
_GROUPS = 255  # that ImageJ tells apart by colour


def is_roi_zip(path: Path) -> bool:
    """Tell whether a file is a zip of regions, or one region, by what is in it."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start == b"Iout":
            return True
        if start != b"PK\x03\x04":
            return False
        with zipfile.ZipFile(path) as archive:
            return any(name.lower().endswith(".roi") for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def write_imagej_rois(path: Path, labels: Any, axes: str, described: Described, *, overwrite: bool = False) -> int:
    """Write the outlines of labels for ImageJ's ROI Manager.

    Parameters
    ----------
    path
        The file to make, ``NAME.zip``.
    labels, axes
        As of :func:`~src_models.files.exchange.described.each_plane`.
    described
        What is known of the objects.
    overwrite
        Whether an existing file may be replaced.

    Returns
    -------
    int
        How many regions were written: one for each object and plane.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, or cannot be written.
    UserError
        If the package roifile is missing.
    """
    _roifile()
    groups = {kind: number for number, kind in enumerate(described.all_kinds, start=1) if number <= _GROUPS}
    used: set[str] = set()
    with (
        atomic_path(path, overwrite=overwrite) as beside,
        zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for plane in each_plane(labels, axes):
            for outline in plane.outlines:
                name = _free_name(described.title(outline.number), plane, used)
                region = _region(outline, name, described, groups)
                _place(region, plane, axes, labels, several=described.several)
                # Of a fixed date: equal labels make equal files.
                archive.writestr(zipfile.ZipInfo(f"{name}.roi"), region.tobytes(), zipfile.ZIP_DEFLATED)
    return len(used)


def read_imagej_rois(path: Path) -> Drawing:
    """Read the areas in a zip of regions, or in one ``.roi``; lines and points are passed over, and that is said.

    Raises
    ------
    ImageError
        If it cannot be read.
    UserError
        If the package roifile is missing.
    """
    shapes: list[Drawn] = []
    passed = 0
    for name, content in _contents(path):
        try:
            rings = _rings(_roifile().ImagejRoi.frombytes(content))
        except (ValueError, RuntimeError, NotImplementedError, IndexError, TypeError, OverflowError) as error:
            raise ImageError(
                f"{path}: its region {name!r} cannot be read ({error}); save it again in ImageJ"
            ) from error
        if rings is None:
            passed += 1
            continue
        shapes.append(_drawn(_roifile().ImagejRoi.frombytes(content), name, rings))
    if not shapes:
        raise ImageError(f"{path}: it holds no areas (its {passed} regions are lines or points), and labels are areas")
    notes = (f"{path}: {passed} of its regions are lines or points and were left out",) if passed else ()
    return Drawing(tuple(shapes), None, notes)


def _roifile() -> Any:
    try:
        import roifile
    except ModuleNotFoundError as error:
        raise UserError(
            "ImageJ's regions need the package roifile, which is not installed; install it with "
            "pip install 'napari-medt[exchange]'"
        ) from error
    return roifile


def _free_name(title: str, plane: Plane, used: set[str]) -> str:
    """Return a name for a region, which ImageJ shows and which is its file's in the zip: each one once."""
    name = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", title)[:120]
    if name in used:
        name += "".join(
            f" {letter}{place + 1}" for letter, place in (("t", plane.t), ("z", plane.z)) if place is not None
        )
    further, free = 1, name
    while free in used:
        further += 1
        free = f"{name} ({further})"
    used.add(free)
    return free


def _region(outline: Outline, name: str, described: Described, groups: dict[str, int]) -> ImagejRoi:
    roifile = _roifile()
    region: ImagejRoi
    top, left, bottom, right = outline.box
    region = roifile.ImagejRoi(top=top, left=left, bottom=bottom, right=right, name=name)
    kind = described.kind(outline.number)
    region.group = groups.get(kind, 0)
    region.properties = {_LABEL: outline.number, **({_CLASS: kind.replace("\n", " ")} if kind else {})}
    if len(outline.rings) > 1:
        region.roitype = roifile.ROI_TYPE.RECT
        region.multi_coordinates = np.concatenate([_path(ring) for ring in outline.rings])
        region.shape_roi_size = len(region.multi_coordinates)
        return region
    region.roitype = roifile.ROI_TYPE.TRACED
    points = outline.rings[0][:, ::-1]
    region.n_coordinates = len(points)
    region.integer_coordinates = (points - (left, top)).astype(np.int32)
    if max(bottom, right) > _LARGEST:
        region.options |= roifile.ROI_OPTIONS.SUB_PIXEL_RESOLUTION
        region.subpixel_coordinates = points.astype(np.float32)
    return region


def _path(ring: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return a ring as Java's PathIterator has it: move (0) to the first corner, lines (1) to the others, close (4)."""
    steps = np.ones((len(ring), 3), np.float32)
    steps[0, 0] = 0
    steps[:, 1:] = ring[:, ::-1]
    return np.append(steps.ravel(), np.float32(4))


def _place(region: ImagejRoi, plane: Plane, axes: str, labels: Any, *, several: bool) -> None:
    """Say in which slice and frame a region is: ImageJ counts them from 1, and 0 is in all."""
    if plane.t is None and plane.z is None:
        return
    if several or (
        plane.t is not None and plane.z is not None and min(labels.shape[axes.index(one)] for one in "TZ") > 1
    ):
        region.z_position = 0 if plane.z is None else plane.z + 1
        region.t_position = 0 if plane.t is None else plane.t + 1
        region.c_position = 0
    else:  # of a plain stack, images are counted through
        region.position = max(plane.t or 0, plane.z or 0) + 1


def _contents(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        if not zipfile.is_zipfile(path):
            content = path.read_bytes()
            if content[:4] != b"Iout":
                raise ImageError(f"{path}: it is no region of ImageJ; save it again in ImageJ")
            yield path.stem, content
            return
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if not entry.filename.lower().endswith(".roi"):
                    continue
                if entry.file_size > _MOST_BYTES:
                    raise ImageError(
                        f"{path}: its region {entry.filename!r} is of {entry.file_size} bytes, which none is"
                    )
                yield Path(entry.filename).stem, archive.read(entry)
    except (OSError, zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
        raise ImageError(f"{path}: it cannot be read as a zip ({error}); save it again in ImageJ") from error


def _rings(region: ImagejRoi) -> tuple[NDArray[Any], ...] | None:
    """Return the rings (y, x) of an area; None for what is none."""
    kinds = _roifile().ROI_TYPE
    found: list[Any]
    if region.composite:
        found = list(region.coordinates(multi=True))
    elif region.roitype == kinds.OVAL:
        found = [_ellipse(region)]
    elif region.roitype == kinds.RECT and region.subpixelrect:
        x, y, width, height = region.xd, region.yd, region.widthd, region.heightd
        found = [np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)])]
    elif region.roitype in (kinds.RECT, kinds.POLYGON, kinds.FREEHAND, kinds.TRACED):
        found = [region.coordinates()]
    else:
        return None
    rings = tuple(np.asarray(ring, np.float64)[:, ::-1] for ring in found if len(ring) > 2)
    if not all(np.isfinite(ring).all() for ring in rings):
        raise ValueError("its coordinates are no numbers")
    return rings or None


def _ellipse(region: ImagejRoi, corners: int = 180) -> NDArray[np.float64]:
    """Return the ellipse in a box, by corners beside which it lies within a thousandth of its width."""
    if region.subpixelrect:
        x, y, width, height = region.xd, region.yd, region.widthd, region.heightd
    else:
        x, y, width, height = region.left, region.top, region.right - region.left, region.bottom - region.top
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([x + width / 2 * (1 + np.cos(angle)), y + height / 2 * (1 + np.sin(angle))], axis=1)


def _drawn(region: ImagejRoi, name: str, rings: tuple[NDArray[Any], ...]) -> Drawn:
    told = region.properties
    number = told.get(_LABEL)
    z, t = (place - 1 if place > 0 else None for place in (region.z_position, region.t_position))
    return Drawn(
        rings,
        number if isinstance(number, int) and 0 < number < 2**31 else None,
        region.name or name,
        str(told.get(_CLASS, "")),
        z,
        t,
        region.position - 1 if region.position > 0 and z is None and t is None else None,
    )
