"""What ilastik exports as HDF5: a Simple Segmentation, Object Identities or labels, with the names of their axes.

ilastik writes the array as ``exported_data``, and which axis is what as JSON in its attribute ``axistags``
(https://www.ilastik.org/documentation/basics/export).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError, UserError

__all__ = ["SUFFIXES", "is_hdf5", "read_ilastik"]

SUFFIXES = (".h5", ".hdf5")
_EXPORTED = "exported_data"
_MAGIC = b"\x89HDF\r\n\x1a\n"


def is_hdf5(path: Path) -> bool:
    """Tell whether a file is HDF5, by how it begins."""
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def read_ilastik(path: Path) -> tuple[NDArray[Any], str, tuple[str, ...]]:
    """Read labels that ilastik exported.

    Returns
    -------
    tuple of NDArray, str and tuple of str
        Integers, their axes (Y, X, and T and Z where they are longer than 1), and what a person should know.

    Raises
    ------
    ImageError
        If it cannot be read, or holds probabilities or an image instead of labels.
    UserError
        If the package h5py is missing.
    """
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise UserError(
            f"{path}: files of ilastik need the package h5py, which is not installed; install it with "
            "pip install 'napari-medt[exchange]', or export as TIFF in ilastik"
        ) from error
    try:
        with h5py.File(path, "r") as file:
            dataset = _dataset(file, path, h5py)
            if dataset.dtype.kind not in "biu":
                raise ImageError(
                    f"{path}: it holds {dataset.dtype} values, as probabilities are, and no labels; export Simple "
                    "Segmentation or Object Identities in ilastik"
                )
            data, tags = np.asarray(dataset[()]), dataset.attrs.get("axistags")
    except OSError as error:
        raise ImageError(f"{path}: it cannot be read as HDF5 ({error}); export it again in ilastik") from error
    data, axes = _reduced(data, _letters(tags, data.ndim, path), path)
    notes: tuple[str, ...] = ()
    if data.size and data.min() > 0:
        said = (
            f"{path}: every pixel has a number from {data.min()}, as of ilastik's classes, of which the first is often "
            "the background; numbers were kept"
        )
        notes = (said,)
    return data, axes, notes


def _dataset(file: Any, path: Path, h5py: Any) -> Any:
    """Return the array: what ilastik calls it, or the only one that there is."""
    if isinstance(file.get(_EXPORTED), h5py.Dataset):
        return file[_EXPORTED]
    found: list[str] = []
    file.visititems(lambda name, one: found.append(name) if isinstance(one, h5py.Dataset) and one.ndim > 1 else None)
    if len(found) != 1:
        there = f"it holds {', '.join(found[:5])}" if found else "it holds no array"
        raise ImageError(f"{path}: there is no {_EXPORTED} in it ({there}); export it again in ilastik, or as TIFF")
    return file[found[0]]


def _letters(tags: Any, ndim: int, path: Path) -> str:
    """Return the axes as the file names them; else as ilastik has them unless told otherwise."""
    if tags is None:
        return {2: "YX", 3: "ZYX", 4: "ZYXC", 5: "TZYXC"}.get(ndim, "")
    try:
        named = json.loads(tags if isinstance(tags, str) else bytes(tags).decode())["axes"]
        return "".join(str(one["key"]).upper() for one in named)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ImageError(f"{path}: the names of its axes cannot be read ({error}); export it again") from error


def _reduced(data: NDArray[Any], letters: str, path: Path) -> tuple[NDArray[Any], str]:
    """Leave out axes of one place, but Y and X."""
    if len(letters) != data.ndim or len(set(letters)) != len(letters) or not set("YX") <= set(letters):
        raise ImageError(
            f"{path}: its axes ({letters or 'not named'}) do not fit its shape {data.shape}; export it again"
        )
    kept = [place for place, letter in enumerate(letters) if letter in "YX" or data.shape[place] > 1]
    left = "".join(letters[place] for place in kept)
    if not set(left) <= set("TZYX"):
        raise ImageError(f"{path}: it has several channels ({left}), and labels have one number per pixel")
    return data.reshape([data.shape[place] for place in kept]), left
