"""How the channels of an OME-Zarr image are called and shown, as its "omero" metadata say."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["ChannelLook", "channel_looks"]


@dataclass(frozen=True, slots=True)
class ChannelLook:
    """How one channel is called and shown.

    Parameters
    ----------
    name
        Empty where it has none.
    colour
        Such as ``"#00ff00"``; None where none is said.
    limits
        The values that are shown darkest and brightest; None where none are said.
    shown
        Whether it is shown at first.
    """

    name: str = ""
    colour: str | None = None
    limits: tuple[float, float] | None = None
    shown: bool = True


def channel_looks(path: Path) -> tuple[ChannelLook, ...]:
    """Return how the channels of an OME-Zarr image are shown, in their order; nothing where it does not say.

    Raises
    ------
    ImageError
        If it is damaged.
    """
    from src_models.files.zarr import open_zarr

    omero = open_zarr(path, placed=False).attributes.get("omero")
    channels = omero.get("channels") if isinstance(omero, Mapping) else None
    if not isinstance(channels, list):
        return ()
    return tuple(_look(channel) if isinstance(channel, Mapping) else ChannelLook() for channel in channels)


def _look(channel: Mapping[str, Any]) -> ChannelLook:
    colour = str(channel.get("color") or "").strip().removeprefix("#")
    window = channel.get("window")
    return ChannelLook(
        name=str(channel.get("label") or "").strip(),
        colour=f"#{colour.lower()}" if re.fullmatch("[0-9A-Fa-f]{6}", colour) else None,
        limits=_limits(window) if isinstance(window, Mapping) else None,
        shown=channel.get("active") is not False,
    )


def _limits(window: Mapping[str, Any]) -> tuple[float, float] | None:
    try:
        low, high = float(window["start"]), float(window["end"])
    except (KeyError, TypeError, ValueError):
        return None
    return (low, high) if math.isfinite(low) and math.isfinite(high) and low < high else None
