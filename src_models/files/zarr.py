"""Open zarr and OME-Zarr lazily, with what their metadata say of axes, scale and unit.

Covers zarr formats 2 and 3 and OME-Zarr 0.1 to 0.5. Of a pyramid the finest level is taken. Nothing but metadata is
read until the dask array is computed, chunk by chunk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src_models.errors import ImageError
from src_models.images.axes import AXES, AxesReading, read_axes

if TYPE_CHECKING:
    import dask.array as da
    import zarr

__all__ = ["is_zarr", "read_zarr"]

_SMALL_CHUNK = 512  # px; a graph of many tiny chunks takes longer to walk than to read
_MARKS = ("zarr.json", ".zarray", ".zgroup", ".zattrs")


def is_zarr(path: Path) -> bool:
    """Tell whether a folder is a zarr array or group."""
    return path.is_dir() and any((path / mark).is_file() for mark in _MARKS)


def read_zarr(
    path: Path, *, axes: str | None = None, labels: bool = False, multiscale: int = 0
) -> tuple[da.Array, AxesReading]:
    """Open a zarr array, or the finest level of an OME-Zarr image.

    Parameters
    ----------
    path
        The folder of the array, of the image, or of a group that holds one array.
    axes
        Axes by hand, such as ``"ZYX"``; they win over the metadata.
    labels
        Whether to read it as labels (see :func:`src_models.images.axes.read_axes`).
    multiscale
        Which of the images that its ``multiscales`` list.

    Returns
    -------
    data, reading
        The lazy array, and how it is read. Unless `axes` are given, T, Z and C of length 1 are left out.

    Raises
    ------
    ImageError
        If it is damaged, or holds several images.
    """
    try:
        array, names, steps, unit = _find(path, multiscale)
        data = _lazy(array, path)
    except ImageError:
        raise
    except Exception as error:  # zarr meets damaged metadata with KeyError, TypeError, ValueError and its own
        raise ImageError(f"{path}: the zarr cannot be opened ({error}); copy or export it again") from error
    if not data.dtype.isnative:
        data = data.astype(data.dtype.newbyteorder("="))  # type: ignore[no-untyped-call]
    if axes is not None:
        names = axes
    stored = read_axes(
        data.shape, dtype=data.dtype, axes=names, spacing=steps, unit=unit, labels=labels, name=str(path)
    )
    if axes is not None:
        return data, stored
    kept = [place for place, letter in enumerate(stored.axes) if letter in "YX" or stored.shape[place] > 1]
    squeezed = data[tuple(slice(None) if place in kept else 0 for place in range(data.ndim))]
    letters = "".join(stored.axes[place] for place in kept)
    reading = read_axes(
        squeezed.shape, dtype=data.dtype, axes=letters, spacing=stored.spacing, unit=unit, name=str(path)
    )
    return squeezed, reading


class _Stored:
    """A zarr array whose damaged chunks are an error about the file when they are read, from whatever thread."""

    def __init__(self, array: zarr.Array[Any], path: Path) -> None:
        self.array, self.path = array, path
        self.shape, self.ndim, self.dtype = array.shape, array.ndim, array.dtype

    def __getitem__(self, place: Any) -> Any:
        try:
            return self.array[place]
        except Exception as error:  # each codec has its own way to fail
            raise ImageError(f"{self.path}: a chunk cannot be read ({error}); copy or export it again") from error


def _lazy(array: zarr.Array[Any], path: Path) -> da.Array:
    """Return a dask array whose chunks are the stored ones, or several together where these are small."""
    import dask.array as da

    small = [1] * (array.ndim - 2) + [_SMALL_CHUNK] * 2
    stored = array.shards or array.chunks
    chunks = tuple(chunk * max(1, wish // chunk) for chunk, wish in zip(stored, small[-array.ndim :], strict=True))
    meta = np.empty((0,) * array.ndim, array.dtype)
    lazy: da.Array = da.from_array(_Stored(array, path), chunks=chunks, name=False, meta=meta)  # type: ignore[no-untyped-call]
    return lazy


def _find(path: Path, multiscale: int) -> tuple[zarr.Array[Any], str | None, list[float] | None, str | None]:
    """Return the array of an image, its axes, its pixel size per axis, and the unit; None where not said."""
    import zarr

    node = zarr.open(str(path), mode="r")
    if isinstance(node, zarr.Array):
        return node, _dimension_names(node), None, None
    attributes = _ome(node)
    if "bioformats2raw.layout" in attributes and "0" in node:
        image = node["0"]
        assert isinstance(image, zarr.Group)
        node, attributes = image, _ome(image)
    if "plate" in attributes or "well" in attributes:
        raise ImageError(f"{path}: it is a plate of many images; name one of them, such as {path}/A/1/0")
    if "multiscales" in attributes:
        return _finest(node, attributes["multiscales"][multiscale])
    arrays = list(node.arrays())
    if len(arrays) != 1:
        inside = ", ".join(sorted(name for name, _ in node.members())[:8]) or "nothing"
        raise ImageError(
            f"{path}: it is a zarr group without an image of its own (inside: {inside}); name one of these"
        )
    return arrays[0][1], _dimension_names(arrays[0][1]), None, None


def _ome(group: zarr.Group) -> dict[str, Any]:
    """Return the OME attributes, which version 0.5 moved under a key of their own."""
    attributes = dict(group.attrs)
    nested = attributes.get("ome")
    return nested if isinstance(nested, dict) else attributes


def _dimension_names(array: zarr.Array[Any]) -> str | None:
    names = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        return None
    letters = "".join(str(name) for name in names).upper()
    usable = len(letters) == array.ndim == len(set(letters)) and {"Y", "X"} <= set(letters) <= set(AXES)
    return letters if usable else None


def _finest(group: zarr.Group, multiscale: Mapping[str, Any]) -> tuple[zarr.Array[Any], str, list[float], str | None]:
    """Return level 0 of a multiscale image, its axes, pixel sizes, and unit."""
    import zarr

    dataset = multiscale["datasets"][0]
    array = group[dataset["path"]]
    assert isinstance(array, zarr.Array)
    axes = [axis if isinstance(axis, Mapping) else {"name": axis} for axis in multiscale.get("axes", "tczyx")]
    names = [str(axis["name"]).upper() for axis in axes]
    letters = "".join(name if name in AXES else "Q" for name in names)
    scale = _scale(dataset, len(axes)) * _scale(multiscale, len(axes))
    units = [axis.get("unit") for axis, letter in zip(axes, letters, strict=True) if letter == "X"]
    return array, letters, [float(step) for step in scale], units[0] if units else None


def _scale(part: Mapping[str, Any], ndim: int) -> Any:
    """Return the product of the scales among the coordinate transformations of a data set or multiscale."""
    scale = np.ones(ndim)
    for transformation in part.get("coordinateTransformations", ()):
        if transformation.get("type") == "scale":
            scale = scale * np.asarray(transformation["scale"], float)
    return scale
