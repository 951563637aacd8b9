"""Bringing an image's channels to the ones a network takes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.header import ModelHeader

__all__ = ["as_channels", "check_channels"]

# ITU-R BT.601: how bright red, green and blue look.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def check_channels(count: int, header: ModelHeader, name: str) -> None:
    """Check that a model can take an image.

    Grey is repeated for a model of colour images, and colours become grey for a model of grey ones; an alpha channel is
    left out.

    Raises
    ------
    ImageError
        If the number of channels does not fit the model.
    """
    wanted = len(header.channels)
    if count == wanted or (count == 1 and header.rgb) or (count in (3, 4) and (wanted == 1 or header.rgb)):
        return
    raise ImageError(
        f"{name} has {count} channels and the model {header.name!r} takes {wanted} ({', '.join(header.channels)}); "
        "choose channels or another model"
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
