"""The size of a pixel where scanners of slides keep it apart from the tags of TIFF.

Hamamatsu (NDPI), Leica (SCN) and Akoya (QPTIFF) write it into the tags, from where it is read as of any TIFF.
"""

from __future__ import annotations

import math
import re
from html import unescape

import tifffile

__all__ = ["slide_pixel_size"]

_APERIO = re.compile(r"\|\s*MPP\s*=\s*([\d.,eE+-]+)")  # micrometres per pixel, of width and height alike
_VENTANA = re.compile(rb"<iScan\b[^>]*\bScanRes\s*=\s*[\"']([\d.,]+)")
_PHILIPS = re.compile(r'Name="DICOM_PIXEL_SPACING"[^>]*>\s*"?\s*([\d.eE+-]+)"?[\s\\]+"?\s*([\d.eE+-]+)')
_XMP = 700
_LARGEST = 100.0  # µm; none of a slide is coarser


def slide_pixel_size(series: tifffile.TiffPageSeries) -> dict[str, float]:
    """Return height and width (µm) of a pixel of a slide by Aperio, Ventana or Philips.

    Parameters
    ----------
    series
        The slide itself, at its finest level. Of pictures beside it, such as the thumbnail whose description repeats
        the slide's, and of other files nothing is known.

    Returns
    -------
    dict
        By the letters ``"Y"`` and ``"X"``; empty where it is not known.
    """
    page = series.keyframe
    if series.kind == "svs" and series.name == "Baseline":
        found = _APERIO.search(page.description)
        return _square(found[1]) if found else {}
    if series.kind == "bif" and series.name == "Baseline":
        return _ventana(page)
    if series.kind == "philips" and series.name == "Baseline":
        found = _PHILIPS.search(unescape(page.description))  # mm; of the finest level, which comes first
        height, width = (_micrometres(part, 1000.0) for part in found.groups()) if found else (None, None)
        return {"Y": height, "X": width} if height and width else {}
    return {}


def _ventana(page: tifffile.TiffPage) -> dict[str, float]:
    """Return the size from the XML that the scanner keeps in the tag of XMP, of the slide or of its first page."""
    for one in (page, page.parent.pages.first):
        told = one.tags.valueof(_XMP) if one is not None else None
        told = told.encode() if isinstance(told, str) else told
        found = _VENTANA.search(told) if told else None
        if found:
            return _square(found[1].decode())
    return {}


def _square(text: str) -> dict[str, float]:
    size = _micrometres(text)
    return {"Y": size, "X": size} if size else {}


def _micrometres(text: str, factor: float = 1.0) -> float | None:
    """Return a size that can be one, also with a decimal comma; else None."""
    try:
        size = float(text.replace(",", ".")) * factor
    except ValueError:
        return None
    return size if math.isfinite(size) and 0 < size <= _LARGEST else None
