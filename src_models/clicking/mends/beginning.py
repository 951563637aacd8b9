"""An object that a person begins with: a mask of it, such as what a model of organs found, as JSON can hold it, too."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.clicking.answering.known import answer_of
from src_models.clicking.click_image import ClickImage
from src_models.clicking.clicked_object import ObjectInPlane, ObjectState
from src_models.clicking.volume.changes import bounds_of
from src_models.errors import UserError
from src_models.images.labels_axes import LabelsAxes
from src_models.images.planes import Plane

__all__ = ["begun", "from_stored", "object_at", "planes_of", "to_stored"]

Mask = NDArray[np.bool_]
TOUCHING = np.ones((3, 3, 3), bool)


def object_at(
    labels: NDArray[Any], covering: LabelsAxes, plane: Plane, place: tuple[int, int]
) -> tuple[int, dict[Plane, Mask]]:
    """Return the object of labels at a place: its number, and the connected piece of that number, plane by plane.

    Parameters
    ----------
    labels
        The labels.
    covering
        How they cover the image.
    plane, place
        Where: the plane, and row and column in it. The piece lies in the planes along the last of the leading axes.

    Raises
    ------
    UserError
        If nothing lies there.
    """
    value = labels[covering.index(plane, slice(place[0], place[0] + 1), slice(place[1], place[1] + 1))].item()
    if not value:
        raise UserError("there is no object at this place: point at one")
    depth = _depth(covering) if plane else 1
    stack = [(*plane[:-1], at) for at in range(depth)] if plane else [plane]
    there = np.stack([labels[covering.plane_index(each)] == value for each in stack])
    bounds = bounds_of(there)
    assert bounds is not None
    low, around = [first for first, _ in bounds], tuple(slice(*pair) for pair in bounds)
    pieces, _ = ndimage.label(there[around], TOUCHING)
    at = (stack.index(plane) - low[0], place[0] - low[1], place[1] - low[2])
    there[around] = pieces == pieces[at]
    return int(value), {each: mask for each, mask in zip(stack, there, strict=True) if mask.any()}


def planes_of(mask: NDArray[Any], image: ClickImage, plane: Plane) -> dict[Plane, Mask]:
    """Return a mask of an image, plane by plane; of a series of stacks, that of one time.

    Parameters
    ----------
    mask
        As large as the image without its channels, height and width last; what is not 0 is the object.
    image
        The image.
    plane
        In whose stack it lies.

    Raises
    ------
    UserError
        If it has another shape, or nothing lies there.
    """
    shape = (*image.leading_shape, *image.shape)
    if mask.shape != shape:
        raise UserError(
            f"the mask to begin with has the shape {' x '.join(map(str, mask.shape))}, and {image.name} needs "
            f"{' x '.join(map(str, shape))}"
        )
    stack = [(*plane[:-1], at) for at in range(image.depth)] if plane else [plane]
    masks = {each: np.asarray(mask[each] != 0) for each in stack}
    held = {each: part for each, part in masks.items() if part.any()}
    if not held:
        raise UserError(f"the mask to begin with holds nothing{f' in the stack of plane {plane}' if plane else ''}")
    return held


def begun(image: ClickImage, masks: Mapping[Plane, Mask], origin: Plane) -> ObjectState:
    """Return an object that is begun with masks of its planes, as if it had been found."""
    size = image.network.size
    planes = {
        plane: ObjectInPlane(answer_of(mask, size, pixel=image.pixel), begun=True)
        for plane, mask in sorted(masks.items())
    }
    return ObjectState(planes, origin if origin in planes else max(masks, key=lambda each: int(masks[each].sum())))


def to_stored(masks: Mapping[Plane, Mask]) -> list[dict[str, Any]]:
    """Return masks as JSON can hold them."""
    stored = []
    for plane, mask in sorted(masks.items()):
        bounds = bounds_of(mask)
        if bounds is not None:
            packed = np.packbits(mask[tuple(slice(*pair) for pair in bounds)])
            bits = base64.b64encode(zlib.compress(packed.tobytes())).decode("ascii")
            stored.append({"plane": list(plane), "rows": list(bounds[0]), "columns": list(bounds[1]), "bits": bits})
    return stored


def from_stored(stored: Sequence[Mapping[str, Any]], shape: tuple[int, int]) -> dict[Plane, Mask]:
    """Return what :func:`to_stored` stored, of planes of a shape.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is something else, or does not fit.
    """
    masks = {}
    for each in stored:
        rows, columns = slice(*map(int, each["rows"])), slice(*map(int, each["columns"]))
        size = (rows.stop - rows.start, columns.stop - columns.start)
        try:
            bits = np.frombuffer(zlib.decompress(base64.b64decode(each["bits"])), np.uint8)
        except zlib.error as error:
            raise ValueError("a mask that is damaged") from error
        mask = np.zeros(shape, bool)
        mask[rows, columns] = np.unpackbits(bits, count=size[0] * size[1]).reshape(size)
        masks[tuple(int(at) for at in each["plane"])] = mask
    return masks


def _depth(covering: LabelsAxes) -> int:
    """Return the length of the last axis besides height, width and channels."""
    return [size for letter, size in zip(covering.letters, covering.shape, strict=True) if letter not in "YXC"][-1]
