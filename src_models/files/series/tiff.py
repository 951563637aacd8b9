"""The images in a TIFF: series of pages that belong together, and positions that a file counts along an axis.

tifffile groups pages to series: the images of OME-TIFF, Micro-Manager's and LSM files, slides, and else pages of one
size and type. Coarser levels of a pyramid belong to their series.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from src_models.files.series.image_series import Found, ImageSeries, numbered

__all__ = ["image_number_in_ome", "stored_axes", "stored_pixels", "tiff_images"]

# Axes along which a file holds images of several places, by tifffile's letters: R tiles or positions, M a mosaic.
_PLACES = "RM"
_LSM_PLACES = "RMP"  # P is a position there, and elsewhere a phase
# What slide scanners add, by the names that they and converters of theirs use.
_BESIDE = {"thumbnail", "label", "macro", "map", "overview", "probability"}


def tiff_images(tiff: tifffile.TiffFile) -> tuple[ImageSeries, ...]:
    """Return the images of an open TIFF; one for a file that is one image, also of many pages."""
    found: list[Found] = []
    for index, series in enumerate(tiff.series):
        found += _positions(index, series, _name(series) if len(tiff.series) > 1 else str(series.name or ""))
    return numbered(found)


def stored_axes(tiff: tifffile.TiffFile, image: ImageSeries) -> str:
    """Return the axes of an image by tifffile's letters."""
    return _without_place(str(tiff.series[image.place[0]].axes), image)


def stored_pixels(tiff: tifffile.TiffFile, image: ImageSeries) -> NDArray[Any]:
    """Return the whole image at full resolution, as it is stored."""
    series = tiff.series[image.place[0]]
    if len(image.place) == 1:
        return np.asarray(series.asarray())
    import zarr

    _, axis, position = image.place
    store = series.aszarr(level=0)
    try:
        array = zarr.open_array(store, mode="r")
        return np.asarray(array[(slice(None),) * axis + (position,)])
    finally:
        store.close()


def image_number_in_ome(tiff: tifffile.TiffFile, image: ImageSeries, names: Sequence[str]) -> int:
    """Return which of the images of OME-XML one is, by its name if that tells, else by its place.

    Parameters
    ----------
    tiff, image
        The open file, and the image.
    names
        Names of the images in the XML, in order; those without pixels are no series.
    """
    index = int(image.place[0])
    name = str(tiff.series[index].name)
    if len(names) != len(tiff.series) and names.count(name) == 1:
        return names.index(name)
    return min(index, len(names) - 1)


def _positions(index: int, series: tifffile.TiffPageSeries, name: str) -> list[Found]:
    axes, shape = str(series.axes), tuple(int(size) for size in series.shape)
    places = _LSM_PLACES if series.kind == "lsm" else _PLACES
    axis = next((number for number, letter in enumerate(axes) if letter in places), None)
    if axis is None:
        return [Found(name, shape, axes, (index,), _is_beside(series, name))]
    rest, letters = shape[:axis] + shape[axis + 1 :], axes[:axis] + axes[axis + 1 :]
    prefix = f"{name} " if name else ""
    return [
        Found(f"{prefix}position {position}", rest, letters, (index, axis, position), _is_beside(series, name))
        for position in range(shape[axis])
    ]


def _name(series: tifffile.TiffPageSeries) -> str:
    """Return what a file calls a series, or which pages it is of."""
    if series.name:
        return str(series.name)
    pages = [page.index if isinstance(page.index, int) else page.index[0] for page in series.pages if page is not None]
    if len(pages) < 2:
        return f"page {series.keyframe.index}"
    whole = pages == list(range(pages[0], pages[-1] + 1))
    return f"pages {pages[0]}-{pages[-1]}" if whole else f"pages {', '.join(map(str, pages))}"


def _is_beside(series: tifffile.TiffPageSeries, name: str) -> bool:
    """Whether an image is there beside another one: called so, or marked as a reduced image or a mask."""
    page = series.keyframe
    called = name.strip().casefold().removesuffix(" image") in _BESIDE
    return called or bool(page.is_reduced) or bool(page.is_mask)


def _without_place(axes: str, image: ImageSeries) -> str:
    return axes if len(image.place) == 1 else axes[: image.place[1]] + axes[image.place[1] + 1 :]
