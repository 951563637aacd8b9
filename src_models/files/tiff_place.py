"""Where the first pixel of a TIFF lies, and the time between its frames, as ImageJ and OME keep them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import tifffile

from src_models.images.units import seconds

__all__ = ["imagej_origin", "read_place"]

_IMAGEJ = {"X": "xorigin", "Y": "yorigin", "Z": "zorigin"}


def read_place(tiff: tifffile.TiffFile, spacing: Mapping[str, float], ome_pixels: Mapping[str, Any]) -> dict[str, Any]:
    """Return `origin` and `frame_seconds` as :func:`src_models.images.axes.read_axes` takes them.

    Parameters
    ----------
    tiff
        The open file.
    spacing
        Size of a pixel by axis.
    ome_pixels
        What OME-XML says of the pixels of the image; empty where there is none.

    Notes
    -----
    ImageJ counts the place x of a pixel as ``(x - xorigin) * width``, its origin in pixels. The positions that OME has
    are those of a stage, whose directions differ from one microscope to the next: they are not read.
    """
    if ome_pixels:
        return {"frame_seconds": _ome_interval(ome_pixels)}
    if not tiff.is_imagej:
        return {}
    metadata = tiff.imagej_metadata or {}
    starts = {letter: _number(metadata.get(key)) for letter, key in _IMAGEJ.items()}
    origin = {letter: -start * spacing[letter] for letter, start in starts.items() if start and letter in spacing}
    interval = _number(metadata.get("finterval"))
    unit = str(metadata.get("tunit") or "s")
    return {"origin": origin, "frame_seconds": seconds(interval, unit) if interval else None}


def imagej_origin(origin: Mapping[str, float], spacing: Mapping[str, float]) -> dict[str, float]:
    """Return ImageJ's metadata for the place of the first pixel."""
    return {key: -origin[letter] / spacing[letter] for letter, key in _IMAGEJ.items() if origin.get(letter)}


def _ome_interval(pixels: Mapping[str, Any]) -> float | None:
    interval = _number(pixels.get("TimeIncrement"))
    return seconds(interval, str(pixels.get("TimeIncrementUnit", "s"))) if interval else None


def _number(value: Any) -> float:
    """Return a finite number; 0 for anything else."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return 0.0
    return number if math.isfinite(number) else 0.0
