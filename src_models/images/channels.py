"""Bringing an image's channels to the ones a network takes, and telling colours from dyes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError

if TYPE_CHECKING:
    from src_models.images.axes import AxesReading
    from src_models.models.header import ModelHeader

__all__ = ["as_channels", "channel_note", "check_channels", "looks_like_dyes"]

# ITU-R BT.601: how bright red, green and blue look.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)

# The colours of stained tissue go together and stand on a bright ground. Of 280 pictures of six public sets, none has
# both a pair of colours that correlate less than this and a colour whose ground is as dark as this.
_WEAKLY = 0.5
_DARK = 0.3


def check_channels(count: int, header: ModelHeader, name: str, *, alpha: bool = True) -> None:
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

    Raises
    ------
    ImageError
        If the number of channels does not fit the model.
    """
    wanted = len(header.channels)
    colours = count == 3 or (count == 4 and alpha)
    if count == wanted or (count == 1 and header.rgb) or (colours and (wanted == 1 or header.rgb)):
        return
    raise ImageError(
        f"{name} has {count} channels and the model {header.name!r} takes {wanted} ({', '.join(header.channels)}); "
        + ("choose one of the channels, or another model" if wanted == 1 or header.rgb else "choose another model")
    )


def as_channels(planes: NDArray[Any], header: ModelHeader, name: str) -> NDArray[Any]:
    """Return an image (C, *S) with the model's channels; see :func:`check_channels`."""
    check_channels(len(planes), header, name)
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
    if reading.channels not in (3, 4) or not (header.rgb or len(header.channels) == 1):
        return None
    if dyes:
        return (
            "The three channels look like three dyes and were taken for red, green and blue: if they are dyes, choose "
            "the channel that shows the objects."
        )
    if not reading.rgb:
        return "The three channels were taken for red, green and blue: if they are no colours, choose one of them."
    return None
