"""Bringing an image's channels to the ones a network takes, and telling colours from dyes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError, UserError

if TYPE_CHECKING:
    from src_models.images.axes import AxesReading
    from src_models.models.header import ModelHeader

__all__ = [
    "as_channels",
    "channel_note",
    "channel_trouble",
    "check_channels",
    "looks_like_alpha",
    "looks_like_dyes",
    "parse_channels",
]

# ITU-R BT.601: how bright red, green and blue look.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)

# The colours of stained tissue go together and stand on a bright ground. Of 280 pictures of six public sets, none has
# both a pair of colours that correlate less than this and a colour whose ground is as dark as this.
_WEAKLY = 0.5
_DARK = 0.3
_OPAQUE = 0.5  # share of an alpha's pixels that are opaque, at least

# What names the channels, where a person can be.
_HOW = "--channels in the shell, channels= in Python, Channels in the window"


def parse_channels(text: str) -> tuple[int, ...]:
    """Read channels as people list them, such as ``"0"`` or ``"2,0,1"``, counted from 0.

    Raises
    ------
    UserError
        If it is no such list.
    """
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or min(found) < 0:
        raise UserError(
            f"the channels {text!r} are no list of numbers; give one, such as 0 for the first, or several in the order "
            "of the model's, such as 2,0,1"
        )
    return found


def check_channels(count: int, header: ModelHeader, name: str, *, alpha: bool = True, chosen: bool = False) -> None:
    """Check that a model can take an image.

    Grey is repeated for a model of colour images, and colours become grey for a model of grey ones; an alpha channel is
    left out.

    Parameters
    ----------
    count
        Number of channels of the image.
    header
        The model's.
    name
        The image, for errors.
    alpha
        Whether the last of four channels is an alpha, which may be left out.
    chosen
        Whether these are the channels that a person chose.

    Raises
    ------
    ImageError
        If the number of channels does not fit the model.
    """
    wanted = len(header.channels)
    colours = count == 3 or (count == 4 and alpha)
    if count == wanted or (count == 1 and header.rgb) or (colours and (wanted == 1 or header.rgb)):
        return
    kinds = ", ".join(header.channels)
    has = f"{name}: {count} channels were chosen" if chosen else f"{name} has {count} channels"
    raise ImageError(
        f"{has} and the model {header.name!r} takes {wanted} ({kinds}); {_advice(header)}, or another model"
    )


def _advice(header: ModelHeader) -> str:
    """Say which channels to name for a model, and how."""
    wanted = len(header.channels)
    if wanted == 1 or header.rgb:
        return f"choose the one that shows the objects, such as 0 for the first ({_HOW})"
    example = ",".join(str(index) for index in range(wanted))
    return f"choose {wanted} of them in this order, such as {example} ({_HOW})"


def as_channels(planes: NDArray[Any], header: ModelHeader, name: str, *, alpha: bool = True) -> NDArray[Any]:
    """Return an image (C, *S) with the model's channels; see :func:`check_channels`."""
    check_channels(len(planes), header, name, alpha=alpha)
    wanted = len(header.channels)
    if len(planes) == wanted:
        return planes
    if len(planes) == 1:
        return np.repeat(planes, wanted, axis=0)
    return planes[:3] if wanted == 3 else np.tensordot(LUMA, planes[:3].astype(np.float32), 1)[None]


def looks_like_dyes(values: NDArray[Any]) -> bool:
    """Whether three channels hold a dye each, as in fluorescence, rather than the colours of one picture.

    Parameters
    ----------
    values
        Values of the first three channels in the same pixels: (3 or more, ...).

    Returns
    -------
    bool
        True where two of the channels have little to do with each other (or one holds nothing) and one has a dark
        ground, on which something is bright. The three equal channels of a grey picture are no dyes.
    """
    flat = np.asarray(values[:3], dtype=np.float64).reshape(3, -1)
    flat = flat[:, np.isfinite(flat).all(axis=0)]
    if flat.shape[1] < 2:
        return False
    low, middle, high = np.percentile(flat, (1, 50, 99.5), axis=1)
    varied = flat.std(axis=1) > 0
    if not varied.any():
        return False
    dark = (middle - low) / np.maximum(high - low, 1e-9) < _DARK
    if not (dark & varied).any():
        return False
    pairs = np.corrcoef(flat[varied]) if varied.sum() > 1 else np.ones((1, 1))
    return bool(not varied.all() or np.atleast_2d(pairs).min() < _WEAKLY)


def looks_like_alpha(values: NDArray[Any]) -> bool:
    """Whether the last of four channels is a transparency: at one value, its largest, nearly everywhere.

    Parameters
    ----------
    values
        (4, ...).
    """
    alpha = np.asarray(values[3])
    return bool(np.mean(alpha == alpha.max()) >= _OPAQUE)


def channel_trouble(reading: AxesReading, header: ModelHeader, values: NDArray[Any], name: str) -> str | None:
    """Return why an image cannot be read before a person has chosen channels; None where it can.

    Channels that are named as such (and no colours of a picture) and look like dyes would be mixed into one grey, in
    which what a model looks for is lost; and a fourth channel that is no transparency would be left out.

    Parameters
    ----------
    reading
        How the image is read.
    header
        The model's.
    values
        Values of all channels in the same pixels: (C, ...).
    name
        The image.
    """
    if reading.chosen is not None or not (header.rgb or len(header.channels) == 1):
        return None
    whole = ",".join(str(index) for index in range(3))
    if reading.rgb and reading.channels == 4 and not looks_like_alpha(values):
        return (
            f"{name} has four channels, and the fourth is no transparency: {_advice(header)}, or {whole} to take the "
            "first three for red, green and blue"
        )
    if reading.channels == 3 and not reading.rgb and looks_like_dyes(values):
        return (
            f"{name} has three channels that look like three dyes, not like the colours of one picture: "
            f"{_advice(header)}, or {whole} to take them for red, green and blue"
        )
    return None


def channel_note(reading: AxesReading, header: ModelHeader, dyes: bool) -> str | None:
    """Return what a person should know of how an image's channels are used, in a sentence; None where it is plain.

    Parameters
    ----------
    reading
        How the image is read.
    header
        The model's.
    dyes
        Whether they look like dyes (:func:`looks_like_dyes`).
    """
    if reading.channels not in (3, 4) or not (header.rgb or len(header.channels) == 1) or reading.chosen is not None:
        return None
    if dyes:
        return (
            "The three channels look like three dyes and were taken for red, green and blue: if they are dyes, choose "
            f"the channel that shows the objects, such as 0 for the first ({_HOW})."
        )
    if not reading.rgb:
        return (
            "The three channels were taken for red, green and blue: if they are no colours, choose one of them, such "
            f"as 0 for the first ({_HOW})."
        )
    return None
