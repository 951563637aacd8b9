"""Write labels so that they lie over their image in other programs too.

Labels go to TIFF: an ImageJ hyperstack where ImageJ can hold their numbers and the order of their axes, else OME-TIFF;
both keep axes and pixel sizes. Labels too large for memory go to OME-Zarr, chunk by chunk.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
from numpy.typing import DTypeLike, NDArray

from src_models.disk.atomic import atomic_path, check_new, check_writable, output_error
from src_models.files.tiff_place import imagej_origin
from src_models.images.axes import SPATIAL, AxesReading

if TYPE_CHECKING:
    import zarr

__all__ = ["check_writable", "output_zarr", "write_labels"]

_IMAGEJ_AXES = ("YX", "ZYX", "TYX", "TZYX")
_IMAGEJ_LIMIT = 2**32 - 2**25  # bytes: offsets of a classic TIFF, less room for its directories
_ZARR_UNITS = {
    "Å": "angstrom", "nm": "nanometer", "µm": "micrometer", "mm": "millimeter", "cm": "centimeter", "m": "meter",
    "inch": "inch",
}  # fmt: skip
_CHUNK = {"X": 1024, "Y": 1024, "Z": 64}
_AXIS_TYPES = {"T": "time", "C": "channel"}


def write_labels(path: str | Path, labels: Any, *, reading: AxesReading, overwrite: bool = False) -> Path:
    """Write labels as a TIFF.

    Parameters
    ----------
    path
        The file to make.
    labels
        Integers or booleans, in the axes of the image less its channels; any array NumPy can take. Z and T are
        written in the image's order. A TIFF is made of planes (y, x): of an image that has them in another order, or
        before other axes, the labels have theirs last.
    reading
        How the image is read: its axes and pixel sizes are written with the labels.
    overwrite
        Whether an existing file may be replaced.

    Returns
    -------
    Path
        `path`. The numbers are unsigned: 8 bits where `labels` are of 8 bits, else 16 bits, else (more than 65,535
        objects) 32 bits.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, or cannot be written; nothing half-written is left.
    ValueError
        If the labels are negative or do not have the axes of the image.
    """
    mask = _unsigned(np.asarray(labels))
    axes = reading.without_channels().axes
    if mask.ndim != len(axes):
        raise ValueError(f"labels of shape {mask.shape} do not have the axes {axes} of their image")
    mask, axes = _planes_last(mask, axes)
    as_imagej = mask.dtype.itemsize <= 2 and mask.nbytes < _IMAGEJ_LIMIT and axes in _IMAGEJ_AXES
    with atomic_path(path, overwrite=overwrite) as beside:
        if as_imagej:
            tifffile.imwrite(beside, mask, imagej=True, compression="zlib", **_imagej_metadata(axes, reading))
        else:
            tifffile.imwrite(beside, mask, ome=True, compression="zlib", metadata=_ome_metadata(axes, reading))
    return Path(path)


def output_zarr(
    path: str | Path,
    shape: Sequence[int],
    dtype: DTypeLike,
    *,
    reading: AxesReading | None = None,
    overwrite: bool = False,
) -> zarr.Array[Any]:
    """Make an OME-Zarr image of zeros for labels that are too large for memory.

    Parameters
    ----------
    path
        The folder to make. To have it appear only when it is whole, make it at a path from
        :func:`src_models.disk.atomic.atomic_path`.
    shape, dtype
        Of the labels.
    reading
        How the image is read; its axes and pixel sizes are written with the labels.
    overwrite
        Whether an existing folder may be replaced.

    Returns
    -------
    zarr.Array
        The array to write to, chunk by chunk.

    Raises
    ------
    OutputError
        If the folder exists and may not be replaced, or cannot be made.
    """
    import zarr

    check_new(path, overwrite=overwrite)
    axes = reading.without_channels().axes if reading is not None else "TZYX"[-len(shape) :]
    chunks = tuple(min(size, _CHUNK.get(letter, 1)) for size, letter in zip(shape, axes, strict=True))
    try:
        group = zarr.open_group(str(path), mode="w")
        array = group.create_array("0", shape=tuple(shape), dtype=np.dtype(dtype), chunks=chunks)
        group.attrs["ome"] = {"version": "0.5", "multiscales": [_multiscale(axes, reading)], "image-label": {}}
    except OSError as error:
        raise output_error(path, error) from error
    return array


def _unsigned(labels: NDArray[Any]) -> NDArray[Any]:
    """Bring labels to the smallest unsigned type that programs expect of them."""
    if labels.dtype.kind not in "biu":
        raise ValueError(f"labels are integers, not {labels.dtype}")
    if labels.size and labels.min() < 0:
        raise ValueError("labels are not negative")
    if labels.dtype.itemsize == 1:
        return labels.astype(np.uint8, copy=False)
    highest = int(labels.max()) if labels.size else 0
    return labels.astype(np.uint16 if highest <= np.iinfo(np.uint16).max else np.uint32, copy=False)


def _planes_last(mask: NDArray[Any], axes: str) -> tuple[NDArray[Any], str]:
    """Bring labels into planes (y, x), the other axes in front in their order."""
    letters = "".join(letter for letter in axes if letter not in "YX") + "YX"
    return mask.transpose([axes.index(letter) for letter in letters]), letters


def _imagej_metadata(axes: str, reading: AxesReading) -> dict[str, Any]:
    metadata: dict[str, Any] = {"axes": axes, **imagej_origin(reading.origin, reading.spacing)}
    if "T" in axes and reading.frame_seconds is not None:
        metadata |= {"finterval": reading.frame_seconds, "tunit": "s"}
    if reading.unit == "pixel" and set(reading.spacing.values()) <= {1.0}:
        return {"metadata": metadata}
    metadata["unit"] = "um" if reading.unit == "µm" else reading.unit  # ImageJ's metadata are ASCII
    if "Z" in axes:
        metadata["spacing"] = reading.spacing["Z"]
    return {"metadata": metadata, "resolution": (1 / reading.spacing["X"], 1 / reading.spacing["Y"])}


def _ome_metadata(axes: str, reading: AxesReading) -> dict[str, Any]:
    metadata: dict[str, Any] = {"axes": axes}
    for letter in axes:
        if letter in SPATIAL:
            metadata[f"PhysicalSize{letter}"] = reading.spacing[letter]
            metadata[f"PhysicalSize{letter}Unit"] = reading.unit
    metadata |= _ome_positions(axes, reading)
    if "T" in axes and reading.frame_seconds is not None:
        metadata |= {"TimeIncrement": reading.frame_seconds, "TimeIncrementUnit": "s"}
    return metadata


def _ome_positions(axes: str, reading: AxesReading) -> dict[str, Any]:
    """Return where each plane lies, as OME-TIFF has it: the only place it has for that of the first pixel."""
    sizes = dict(zip(reading.without_channels().axes, reading.without_channels().shape, strict=True))
    steps = {letter: number for letter, number in reading.origin.items() if letter in SPATIAL}
    if not steps:
        return {}
    planes = list(itertools.product(*(range(sizes[letter]) for letter in axes if letter not in "YX")))
    places = {letter: [steps.get(letter, 0.0)] * len(planes) for letter in "YX"}
    if "Z" in axes:
        depth = [letter for letter in axes if letter not in "YX"].index("Z")
        places["Z"] = [steps.get("Z", 0.0) + plane[depth] * reading.spacing["Z"] for plane in planes]
    positions: dict[str, Any] = {}
    for letter, along in places.items():
        positions |= {f"Position{letter}": along, f"Position{letter}Unit": [reading.unit] * len(planes)}
    return {"Plane": positions}


def _multiscale(axes: str, reading: AxesReading | None) -> dict[str, Any]:
    """Return the OME-Zarr metadata of an image with one level."""
    described: list[dict[str, str]] = []
    for letter in axes:
        axis = {"name": letter.lower(), "type": _AXIS_TYPES.get(letter, "space")}
        if letter in SPATIAL and reading is not None and reading.unit in _ZARR_UNITS:
            axis["unit"] = _ZARR_UNITS[reading.unit]
        if letter == "T" and reading is not None and reading.frame_seconds is not None:
            axis["unit"] = "second"
        described.append(axis)
    steps = {**reading.spacing, "T": reading.frame_seconds or 1.0} if reading is not None else {}
    starts = reading.origin if reading is not None else {}
    transformations: list[dict[str, Any]] = [
        {"type": "scale", "scale": [float(steps.get(letter, 1.0)) for letter in axes]}
    ]
    if any(starts.get(letter) for letter in axes):
        transformations.append({"type": "translation", "translation": [starts.get(letter, 0.0) for letter in axes]})
    return {"axes": described, "datasets": [{"path": "0", "coordinateTransformations": transformations}]}
