"""A small picture of an image with the outlines of what was found in it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from src_models.files.images import ImageFile

__all__ = ["draw_thumbnail", "outlined", "png"]

OUTLINE = (255, 214, 10)
_LARGEST = 4096  # px; of larger planes the middle is drawn
_CUT = (0.5, 99.5)  # percent of the grey values between which a picture is stretched


def draw_thumbnail(image: ImageFile, labels: ImageFile, side: int = 256) -> NDArray[np.uint8]:
    """Draw the middle plane of an image, with outlines; of one that is very large the middle part.

    Parameters
    ----------
    image
        The image.
    labels
        Its labels, of the same axes without channels.
    side
        Longest side of the picture (px).

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
    """
    grey = _plane(image.data, image.reading.axes)
    mask = _plane(labels.data, labels.reading.axes)
    return outlined(_in_colour(grey), mask[..., 0] if mask.ndim == 3 else mask, side)


def outlined(picture: NDArray[np.uint8], mask: NDArray[Any], side: int) -> NDArray[np.uint8]:
    """Bring a picture to a size, and draw where labels end.

    Parameters
    ----------
    picture
        (H, W, 3).
    mask
        (H, W); numbers of objects or classes, 0 for none.
    side
        Longest side of the result (px). It is never larger than the picture.

    Returns
    -------
    ndarray of uint8, shape (h, w, 3)
    """
    height, width = picture.shape[:2]
    shrunk = min(1.0, side / max(height, width))
    size = max(1, round(height * shrunk)), max(1, round(width * shrunk))
    small = np.array(Image.fromarray(picture).resize(size[::-1], Image.Resampling.BOX))
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.intp) for new, old in zip(size, (height, width), strict=True)
    )
    small[_inner_edges(mask[np.ix_(rows, columns)])] = OUTLINE
    return small


def png(picture: NDArray[np.uint8]) -> bytes:
    """Return a picture as the content of a PNG file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format="png", optimize=True)
    return file.getvalue()


def _inner_edges(mask: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the pixels of objects beside which another object, or none, begins."""
    edges = np.zeros(mask.shape, bool)
    across, down = mask[:, 1:] != mask[:, :-1], mask[1:] != mask[:-1]
    edges[:, 1:] |= across
    edges[:, :-1] |= across
    edges[1:] |= down
    edges[:-1] |= down
    return edges & (mask > 0)


def _plane(data: Any, axes: str) -> NDArray[Any]:
    """Return the middle plane (y, x), or (y, x, channels), of an array."""
    cut = []
    for letter, size in zip(axes, data.shape, strict=True):
        if letter in "YX" and size > _LARGEST:
            start = (size - _LARGEST) // 2
            cut.append(slice(start, start + _LARGEST))
        else:
            cut.append(slice(None) if letter in "YXC" else size // 2)
    kept = [letter for letter in axes if letter in "YXC"]
    order = [kept.index(letter) for letter in "YXC" if letter in kept]
    return np.asarray(data[tuple(cut)]).transpose(order)


def _in_colour(plane: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a plane in colours: those that it has, or of two or three channels one each, or grey."""
    channels = plane[..., None] if plane.ndim == 2 else plane
    if channels.dtype == np.uint8 and channels.shape[-1] in (3, 4):
        return np.ascontiguousarray(channels[..., :3])
    if channels.shape[-1] > 3:
        channels = channels.astype(np.float32).mean(axis=-1, keepdims=True)
    stretched = [_stretched(channels[..., number]) for number in range(channels.shape[-1])]
    if len(stretched) == 2:  # magenta and green, as they are opened
        stretched = [stretched[0], stretched[1], stretched[0]]
    return np.stack(stretched * (3 // len(stretched)), axis=-1)


def _stretched(values: NDArray[Any]) -> NDArray[np.uint8]:
    finite = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = np.percentile(finite, _CUT)
    return np.asarray(255 * np.clip((finite - low) / max(high - low, 1e-9), 0, 1), np.uint8)
