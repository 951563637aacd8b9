"""Where a corrected plane comes from: as its record keeps it, and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from src_models.corrections.correction import Source

if TYPE_CHECKING:
    from napari_medt.viewer.viewed_image import ViewedImage

__all__ = ["place_words", "source_of"]


def source_of(target: ViewedImage) -> Source:
    """Return what a record keeps of the plane in view."""
    path = target.layer.source.path
    reading = target.reading
    return Source(
        layer=target.layer.name,
        file=None if path is None else str(path),
        axes=reading.axes.replace("C", ""),
        plane=target.plane,
        spacing=(float(reading.spacing.get("Y", 1.0)), float(reading.spacing.get("X", 1.0))),
        unit=reading.unit,
    )


def place_words(source: Source) -> str:
    """Return a plane's name for people."""
    if not source.plane:
        return source.layer
    return f"slice {', '.join(str(number) for number in source.plane)} of {source.layer}"
