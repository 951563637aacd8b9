"""Open zarr and OME-Zarr lazily, with what their metadata say of axes, scale, place and unit.

Covers zarr formats 2 and 3, OME-Zarr 0.1 to 0.5, and what xarray writes. Nothing but metadata is read until the dask
array is computed, chunk by chunk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src_models.errors import ImageError
from src_models.files.ngff.grid import Grid, coordinates_grid, multiscale_grids
from src_models.images.axes import AXES, AxesReading, read_axes

if TYPE_CHECKING:
    import dask.array as da
    import zarr

__all__ = ["ZarrNode", "is_zarr", "lazy_array", "ome_attributes", "open_zarr", "read_zarr"]

_SMALL_CHUNK = 512  # px; a graph of many tiny chunks takes longer to walk than to read
_MARKS = ("zarr.json", ".zarray", ".zgroup", ".zattrs")
_NAMED = 8  # of what is inside, in a sentence


@dataclass(frozen=True, slots=True)
class ZarrNode:
    """An image in a zarr.

    Parameters
    ----------
    path
        Its folder.
    levels
        Its arrays, finest first.
    grids
        Where the pixels of each level lie; None where nothing says.
    group
        The group of a multiscale image; None of an array.
    """

    path: Path
    levels: tuple[zarr.Array[Any], ...]
    grids: tuple[Grid | None, ...]
    group: zarr.Group | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """The OME attributes of a multiscale image."""
        return {} if self.group is None else ome_attributes(self.group)


def is_zarr(path: Path) -> bool:
    """Tell whether a folder is a zarr array or group."""
    return path.is_dir() and any((path / mark).is_file() for mark in _MARKS)


def read_zarr(
    path: Path, *, axes: str | None = None, labels: bool = False, multiscale: int = 0
) -> tuple[tuple[da.Array, ...], AxesReading]:
    """Open a zarr array, or an OME-Zarr image with all its levels.

    Parameters
    ----------
    path
        The folder of the array, of the image, or of a group that holds one array.
    axes
        Axes by hand, such as ``"ZYX"``; they win over the metadata, of which sizes and places still count.
    labels
        Whether to read it as labels (see :func:`src_models.images.axes.read_axes`).
    multiscale
        Which of the images that its ``multiscales`` list.

    Returns
    -------
    levels, reading
        Lazy arrays, the finest first, and how that one is read. Unless `axes` are given, T, Z and C of length 1 are
        left out.

    Raises
    ------
    ImageError
        If it is damaged, or holds several images.
    """
    node = _open(path, multiscale, placed=axes is None)
    levels, grid = tuple(lazy_array(array, path) for array in node.levels), node.grids[0]
    shape, dtype = levels[0].shape, levels[0].dtype
    if axes is not None:
        letters = axes.strip().upper()
        placed = {} if grid is None or len(letters) != len(shape) else replace(grid, letters=letters).known()
        return levels, read_axes(shape, dtype=dtype, axes=axes, labels=labels, name=str(path), **placed)
    known: dict[str, Any] = {} if grid is None else {"axes": grid.letters, **grid.known()}
    stored = read_axes(shape, dtype=dtype, labels=labels, name=str(path), **known)
    kept = [place for place, letter in enumerate(stored.axes) if letter in "YX" or stored.shape[place] > 1]
    squeezed = tuple(level[tuple(slice(None) if axis in kept else 0 for axis in range(len(shape)))] for level in levels)
    known |= {"axes": "".join(stored.axes[place] for place in kept), "spacing": stored.spacing}
    return squeezed, read_axes(squeezed[0].shape, dtype=dtype, name=str(path), **known)


def _open(path: Path, multiscale: int, *, placed: bool) -> ZarrNode:
    """Open an image with its place, or without one that cannot be read and need not be `placed`."""
    try:
        return open_zarr(path, multiscale=multiscale)
    except ImageError:
        if placed:
            raise
        return open_zarr(path, multiscale=multiscale, placed=False)


def open_zarr(path: Path, *, multiscale: int = 0, placed: bool = True) -> ZarrNode:
    """Find the image in a zarr.

    Parameters
    ----------
    path, multiscale
        See :func:`read_zarr`.
    placed
        Whether its grids are wanted; without, places that cannot be read do not matter.

    Raises
    ------
    ImageError
        If it is damaged, or holds several images.
    """
    try:
        return _find(path, multiscale, placed)
    except ImageError:
        raise
    except Exception as error:  # zarr meets damaged metadata with KeyError, TypeError, ValueError and its own
        raise ImageError(f"{path}: the zarr cannot be opened ({error}); copy or export it again") from error


def ome_attributes(group: zarr.Group) -> dict[str, Any]:
    """Return the OME attributes of a group, which version 0.5 moved under a key of their own."""
    attributes = dict(group.attrs)
    nested = attributes.get("ome")
    return nested if isinstance(nested, dict) else attributes


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


def lazy_array(array: zarr.Array[Any], path: Path) -> da.Array:
    """Return a dask array whose chunks are the stored ones, or several together where these are small.

    Parameters
    ----------
    array
        Of any byte order; the result has the machine's.
    path
        The file, for errors when a chunk is read.
    """
    import dask.array as da

    colours = [array.shape[-1]] if array.ndim > 2 and array.shape[-1] <= 4 else []  # RGB, RGBA
    small = [1] * array.ndim + [_SMALL_CHUNK] * 2 + colours
    stored = array.shards or array.chunks
    chunks = tuple(chunk * max(1, wish // chunk) for chunk, wish in zip(stored, small[-array.ndim :], strict=True))
    meta = np.empty((0,) * array.ndim, array.dtype)
    lazy: da.Array = da.from_array(_Stored(array, path), chunks=chunks, name=False, meta=meta)  # type: ignore[no-untyped-call]
    if not lazy.dtype.isnative:
        lazy = lazy.astype(lazy.dtype.newbyteorder("="))  # type: ignore[no-untyped-call]
    return lazy


def _find(path: Path, multiscale: int, placed: bool) -> ZarrNode:
    import zarr

    node = zarr.open(str(path), mode="r")
    if isinstance(node, zarr.Array):
        return _level_of_image(path, node, placed) or _named_array(path, node, _parent(path))
    attributes = ome_attributes(node)
    if "bioformats2raw.layout" in attributes and "0" in node:
        path, node = path / "0", node["0"]
        assert isinstance(node, zarr.Group)
        attributes = ome_attributes(node)
    if "plate" in attributes or "well" in attributes:
        raise ImageError(_which_field(path, node, attributes))
    if "multiscales" in attributes:
        return _multiscale(path, node, attributes["multiscales"][multiscale], placed)
    return _only_array(path, node)


def _multiscale(path: Path, group: zarr.Group, multiscale: Mapping[str, Any], placed: bool) -> ZarrNode:
    import zarr

    levels = tuple(group[dataset["path"]] for dataset in multiscale["datasets"])
    arrays = tuple(level for level in levels if isinstance(level, zarr.Array))
    if not levels or len(arrays) < len(levels):
        raise ValueError("its levels are no arrays")
    if not placed:
        return ZarrNode(path, arrays, (None,) * len(arrays), group)
    grids = multiscale_grids(multiscale, str(path))
    for grid, array in zip(grids, arrays, strict=True):
        if len(grid.steps) != array.ndim:
            raise ValueError(f"{len(grid.steps)} axes are named and it has {array.ndim}")
    return ZarrNode(path, arrays, tuple(grids), group)


def _level_of_image(path: Path, array: zarr.Array[Any], placed: bool) -> ZarrNode | None:
    """Return an array as the level of an image that it is, which knows its axes; None where it is none."""
    import zarr

    for parent in list(path.absolute().parents)[:2]:
        if not placed or not is_zarr(parent):
            return None
        group = zarr.open(str(parent), mode="r")
        listed = ome_attributes(group).get("multiscales") if isinstance(group, zarr.Group) else None
        inside = path.absolute().relative_to(parent).as_posix()
        for multiscale in listed or ():
            paths = [dataset["path"] for dataset in multiscale["datasets"]]
            if inside in paths:
                return ZarrNode(path, (array,), (multiscale_grids(multiscale, str(path))[paths.index(inside)],))
    return None


def _parent(path: Path) -> zarr.Group | None:
    import zarr

    parent = path.absolute().parent
    group = zarr.open(str(parent), mode="r") if is_zarr(parent) else None
    return group if isinstance(group, zarr.Group) else None


def _only_array(path: Path, group: zarr.Group) -> ZarrNode:
    """Return the one array of a group that holds no coordinates of another."""
    arrays = dict(group.arrays())
    images = [name for name, array in arrays.items() if not (array.ndim == 1 and _dimensions(array) == [name])]
    if len(images) == 1:
        return _named_array(path, arrays[images[0]], group)
    inside = ", ".join(sorted(name for name, _ in group.members())[:_NAMED]) or "nothing"
    raise ImageError(f"{path}: it is a zarr group without an image of its own (inside: {inside}); name one of these")


def _dimensions(array: zarr.Array[Any]) -> list[str] | None:
    """Return the names of an array's dimensions: zarr 3 has a field for them, and xarray an attribute in zarr 2."""
    names = getattr(array.metadata, "dimension_names", None) or array.attrs.get("_ARRAY_DIMENSIONS")
    if not isinstance(names, Sequence) or isinstance(names, str) or len(names) != array.ndim:
        return None
    return [str(name) for name in names]


def _named_array(path: Path, array: zarr.Array[Any], group: zarr.Group | None) -> ZarrNode:
    """Return an array with what the names of its dimensions say, and the coordinates beside it."""
    import zarr

    names = _dimensions(array)
    if names is None:
        return ZarrNode(path, (array,), (None,))
    coordinates = {}
    for name in names:
        beside = group.get(name) if group is not None else None
        if isinstance(beside, zarr.Array) and beside.ndim == 1:
            coordinates[name] = (np.asarray(beside[...]), str(beside.attrs.get("units") or ""))
    grid = coordinates_grid(names, coordinates)
    letters = grid.letters or ""
    usable = len(letters) <= len(AXES) and all(letters.count(letter) == 1 for letter in set(letters) & set(AXES))
    return ZarrNode(path, (array,), (grid if usable and letters else None,))


def _which_field(path: Path, group: zarr.Group, attributes: Mapping[str, Any]) -> str:
    """Return a sentence that names fields of a plate or well which are there."""
    if "plate" in attributes:
        wells = [str(well["path"]) for well in attributes["plate"].get("wells", ())]
        found = [f"{well}/{field}" for well in wells[:_NAMED] for field in _fields(group.get(well))[:1]]
        kind = "plate of many images"
    else:
        found, kind = _fields(group), "well of a plate"
    if not found:
        return f"{path}: it is a {kind}, and none of them is there; copy or export it again"
    others = f" (or another of {', '.join(found[1:_NAMED])})" if len(found) > 1 else ""
    return f"{path}: it is a {kind}; name one of its fields, such as {path / found[0]}{others}"


def _fields(well: Any) -> list[str]:
    """Return the fields of a well that are there."""
    if well is None:
        return []
    listed = ome_attributes(well).get("well", {}).get("images", ())
    return [str(image["path"]) for image in listed if str(image["path"]) in well]
