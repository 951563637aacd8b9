"""Colours of labels that outline something."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari.utils.colormaps import CyclicLabelColormap

__all__ = ["outline_colormap"]


def outline_colormap(*colours: str) -> CyclicLabelColormap:
    """Return colours that labels 1, 2, ... take in turn; 0 cannot be seen.

    For colours by number (a ``DirectLabelColormap``), napari compiles code for seconds at first use, in the GUI thread.
    """
    from napari.utils.colormaps import CyclicLabelColormap

    return CyclicLabelColormap(colors=["transparent", *colours], background_value=0)
