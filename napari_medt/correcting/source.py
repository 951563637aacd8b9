"""Where a corrected plane comes from: as its record keeps it, and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_medt.viewer.viewed_image import ViewedImage
    from src_models.corrections.correction import Source

__all__ = ["place_words", "source_of"]


def source_of(target: ViewedImage) -> Source:
    """Return what a record keeps of the plane in view."""
    return target.source


def place_words(source: Source) -> str:
    """Return a plane's name for people."""
    if not source.plane:
        return source.layer
    return f"slice {', '.join(str(number) for number in source.plane)} of {source.layer}"
