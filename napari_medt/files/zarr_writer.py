"""Save labels as OME-Zarr: into the image that they belong to, or as a zarr of their own.

``image.zarr/labels/NAME``, and ``image.zarr`` where that is an image, are labels in that image, on its pixels at each
of its levels. Another ``NAME.zarr`` holds the labels alone, at the place of their layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.viewer.labels.labels_layers import without_background
from src_models.errors import ImageError, OutputError
from src_models.images.axis_names import axis_letter

if TYPE_CHECKING:
    from src_models.images.axes import AxesReading

__all__ = ["is_in_zarr", "write_into_image", "write_zarr_labels"]

_NEAR = 1e-6  # of a pixel


def is_in_zarr(path: str | Path) -> bool:
    """Tell whether a path is called zarr, or lies among the labels of one."""
    path = Path(path)
    return path.suffix.lower() == ".zarr" or (path.parent.name == "labels" and path.parent.parent.suffix == ".zarr")


def write_zarr_labels(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write a labels layer.

    Parameters
    ----------
    path
        What to write. napari has asked whether a path that exists may be replaced: labels and zarrs of labels are. An
        image never is: labels are added to it under the name of their layer, which must be a new one.
    data
        Integers.
    meta
        The layer's attributes.

    Returns
    -------
    list of str
        The folder that was written.

    Raises
    ------
    OutputError
        If the labels do not lie on the image, it has labels of their name, or the path cannot be written.
    """
    from src_models.files.ngff.labels import labels_path

    target = Path(path)
    inside = target.with_suffix("") if target.suffix == ".zarr" and target.parent.name == "labels" else target
    image = inside.parent.parent
    if inside.parent.name == "labels" and _is_image(image):
        asked = labels_path(image, inside.name) == target
        return [str(write_into_image(image, inside.name, data, meta, overwrite=asked))]
    if _is_image(target):
        return [str(write_into_image(target, str(meta.get("name") or "labels"), data, meta))]
    asked = target.suffix.lower() == ".zarr"
    target = target if asked else target.with_name(f"{target.name}.zarr")
    return [str(_write_alone(target, data, meta, overwrite=asked and _are_labels(target)))]


def write_into_image(image: Path, name: str, data: Any, meta: Mapping[str, Any], *, overwrite: bool = False) -> Path:
    """Write a labels layer into an OME-Zarr image.

    Parameters
    ----------
    image
        The image's folder.
    name
        What to call the labels in it.
    data, meta
        The layer's labels and attributes.
    overwrite
        Whether labels of this name may be replaced.

    Raises
    ------
    OutputError
        If the labels do not lie on the image, it has labels of this name, or cannot be written into.
    """
    from src_models.files.images import read_image
    from src_models.files.ngff.labels import write_labels_into

    try:
        reading = read_image(image).reading.without_channels()
    except ImageError as error:
        raise OutputError(f"labels cannot be written into it: {error}") from error
    labels, own = _layer(data, meta)
    if set(own.axes) == set(reading.axes):
        labels = labels.transpose([own.axes.index(letter) for letter in reading.axes])
    if labels.shape != reading.shape:
        raise OutputError(
            f"layer {meta.get('name')!r} has the shape {labels.shape} and the image {image} is read as "
            f"{reading.describe()}: labels in an image cover it; save them as another zarr"
        )
    if _lies_somewhere(own) and not _same_place(own, reading):
        raise OutputError(
            f"layer {meta.get('name')!r} does not lie on the image {image}: its pixels have another size, or begin "
            "elsewhere; give it the scale and translate of the image's layer, or save it as another zarr"
        )
    return write_labels_into(image, name, labels, overwrite=overwrite)


def _is_image(path: Path) -> bool:
    """Whether a path is an OME-Zarr image, which is no labels."""
    from src_models.files.zarr import is_zarr, open_zarr

    try:
        return is_zarr(path) and open_zarr(path, placed=False).group is not None and not _are_labels(path)
    except ImageError:
        return False


def _are_labels(path: Path) -> bool:
    """Whether a path holds labels alone: nothing else is ever replaced by labels."""
    from src_models.files.ngff.labels import are_labels
    from src_models.files.zarr import is_zarr

    try:
        return is_zarr(path) and are_labels(path)
    except ImageError:
        return False


def _write_alone(path: Path, data: Any, meta: Mapping[str, Any], *, overwrite: bool) -> Path:
    from src_models.disk.atomic import atomic_path
    from src_models.files.labels import output_zarr

    labels, reading = _layer(data, meta)
    with atomic_path(path, overwrite=overwrite) as beside:
        array = output_zarr(beside, labels.shape, np.min_scalar_type(int(labels.max(initial=0))), reading=reading)
        array[...] = labels
    return path


def _layer(data: Any, meta: Mapping[str, Any]) -> tuple[NDArray[Any], AxesReading]:
    """Return the labels of a layer, and where they lie."""
    from napari.layers import Labels

    from src_models.files.ngff.grid import Grid
    from src_models.images.axes import read_axes

    labels = without_background(np.asarray(data[0] if meta.get("multiscale") else data), meta.get("metadata", {}))
    name = f"layer {meta.get('name')!r}"
    if labels.size and labels.min() < 0:
        raise OutputError(f"{name} holds negative numbers, which labels in OME-Zarr are not; number them from 1")
    keys = ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels")
    layer = Labels(np.zeros((1,) * labels.ndim, np.uint8), **{key: meta[key] for key in keys if key in meta})
    start = np.asarray(layer.data_to_world(np.zeros(labels.ndim)))
    steps = np.array([layer.data_to_world(step) for step in np.eye(labels.ndim)]) - start
    if not np.allclose(steps, np.diag(np.diag(steps)), atol=_NEAR * np.abs(steps).max()):
        raise OutputError(f"{name} is turned or sheared, which OME-Zarr cannot hold; save it as TIFF")
    letters = "".join(axis_letter(label) or "" for label in layer.axis_labels)
    usable = len(letters) == len(set(letters)) == labels.ndim and {"Y", "X"} <= set(letters) <= set("TZYX")
    grid = Grid(
        letters if usable else "TZYX"[-labels.ndim :],
        tuple(map(float, np.diag(steps))),
        tuple(map(float, start)),
        tuple(str(unit) for unit in layer.units),
    )
    return labels, read_axes(labels.shape, axes=grid.letters, name=name, **grid.known())


def _lies_somewhere(own: AxesReading) -> bool:
    return own.unit != "pixel" or any(step != 1 for step in own.spacing.values()) or bool(own.origin)


def _same_place(own: AxesReading, image: AxesReading) -> bool:
    """Whether pixels of a layer are as large as an image's, and begin where they do."""
    from src_models.images.units import converted

    factor = converted(1.0, own.unit, image.unit)
    for letter, step in image.spacing.items():
        size, start = (
            number * (1.0 if factor is None else factor)
            for number in (own.spacing.get(letter, 1.0), own.origin.get(letter, 0.0))
        )
        if not np.allclose([size, start], [step, image.origin.get(letter, 0.0)], rtol=_NEAR, atol=_NEAR * step):
            return False
    return True
