"""Guessing which axis of an array is what, from nothing but its shape; asking where that would be a toss-up.

The type of the values says nothing: colours come as bytes, as floats from 0 to 1 and as signed integers.

Examples
--------
>>> guess_axes((256, 320, 3)), guess_axes((3, 256, 320)), guess_axes((40, 256, 320))
('YXC', 'CYX', 'ZYX')
"""

from __future__ import annotations

from collections.abc import Sequence

from src_models.errors import ImageError

__all__ = ["MOST_CHANNELS", "ends_with_channels", "guess_axes"]

MOST_CHANNELS = 5  # a longer axis is not taken for channels unless its name says so
_MOST_AXES = 5
_AN_IMAGE = 32  # px; of an array that is smaller in every direction, anything may be the plane


def ends_with_channels(shape: Sequence[int]) -> bool:
    """Whether the last axis of an array is too short to be the width of what the two before it are the height of.

    Examples
    --------
    >>> ends_with_channels((256, 320, 2)), ends_with_channels((2, 256, 320)), ends_with_channels((4, 4, 4))
    (True, False, False)
    """
    return len(shape) > 2 and shape[-1] <= MOST_CHANNELS < min(shape[-3:-1])


def guess_axes(
    shape: tuple[int, ...], *, rgb: bool | None = None, dimensions: int = 2, labels: bool = False, name: str = "image"
) -> str:
    """Guess which axis of an array is what.

    Parameters
    ----------
    shape
        Of the array, with two to five axes.
    rgb, dimensions, labels, name
        As of :func:`src_models.images.axes.read_axes`.

    Returns
    -------
    str
        One of T, Z, C, Y, X for each axis.

    Raises
    ------
    ImageError
        Where no guess is defensible; the message names the axes that may be meant.

    Notes
    -----
    A last axis of 1 to 5 behind two longer ones is channels (:func:`ends_with_channels`); else an axis of 2 to 5 in
    front of the image plane (or volume) is, the nearest of several; what is left in front is Z, then T. No guess is
    made where planes would be strips of a few rows or columns. No axis of labels is channels.
    """
    channel = None if labels else _channel_axis(shape, rgb, dimensions, name)
    letters = _lettered(len(shape), channel)
    if len(letters) < len(shape):
        raise ImageError(f"{name}: labels have at most four axes (T, Z, Y, X), and it has five (shape {shape})")
    if not labels and len(shape) > dimensions:
        _check_plane(shape, letters, name)
    return letters


def _channel_axis(shape: tuple[int, ...], rgb: bool | None, dimensions: int, name: str) -> int | None:
    """Guess which axis holds channels; None for none."""
    last = len(shape) - 1
    if rgb:
        if shape[-1] not in (3, 4) or last < 2:
            raise ImageError(f"{name}: it is marked RGB, but its last axis has {shape[-1]} values (shape {shape})")
        return last
    if len(shape) <= dimensions:
        return None
    if ends_with_channels(shape):
        if rgb is False and shape[-1] in (3, 4) and len(shape) < _MOST_AXES:
            meant = f"{_lettered(len(shape), last)!r} for channels, {_lettered(len(shape), None)!r} for a width"
            raise ImageError(
                f"{name}: its last axis has {shape[-1]} values (shape {shape}) and is not shown as colours; name the "
                f"axes by hand: {meant}"
            )
        return last
    return _small_axis(shape, dimensions, name)


def _small_axis(shape: tuple[int, ...], dimensions: int, name: str) -> int | None:
    """Find an axis in front of the plane, or volume, that is so short that it must be channels."""
    front = len(shape) - 2
    # Of five axes, one of the three in front is channels in any case; of fewer, only one next to what the network sees.
    candidates = range(front) if len(shape) == _MOST_AXES else range(max(0, front - dimensions + 1), front)
    allowed = range(2, min(MOST_CHANNELS + 1, *shape[-2:]))
    fitting = [axis for axis in candidates if shape[axis] in allowed]
    if len(shape) == _MOST_AXES:
        fitting = fitting or [axis for axis in candidates if shape[axis] == 1]
        fitting = fitting or [axis for axis in candidates if shape[axis] <= MOST_CHANNELS]
        if not fitting:
            raise ImageError(
                f"{name}: it has five axes (shape {shape}), none of them short enough to be channels; "
                "name the axes by hand, such as 'TZCYX'"
            )
    return fitting[-1] if fitting else None  # nearest to the plane, as ImageJ and OME-Zarr order them


def _check_plane(shape: tuple[int, ...], letters: str, name: str) -> None:
    """Refuse a guess that makes strips of an image."""
    rows, columns = (shape[letters.index(letter)] for letter in "YX")
    others = [size for size, letter in zip(shape, letters, strict=True) if letter not in "YX"]
    if min(rows, columns) <= MOST_CHANNELS < max(others) and max(shape) >= _AN_IMAGE:
        raise ImageError(
            f"{name}: its planes would have {rows} rows and {columns} columns (shape {shape}); name the axes by hand, "
            f"{letters!r} if that is meant"
        )


def _lettered(ndim: int, channel: int | None) -> str:
    rest = "TZYX"[-(ndim - (channel is not None)) :]
    return rest if channel is None else rest[:channel] + "C" + rest[channel:]
