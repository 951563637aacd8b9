"""What was classified of an image, and the layers that show it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import napari.layers

    from napari_medt.viewer.viewed_image import ViewedImage
    from src_models.classifying.layer.layer_run import ClassResult
    from src_models.classifying.layer.object_classes import ObjectClasses

__all__ = ["ShownClasses"]

_ONE = {"objects": "Object", "tiles": "Tile", "image": "Plane"}


@dataclass(frozen=True, slots=True, eq=False)
class ShownClasses:
    """A result as it is shown.

    Parameters
    ----------
    target
        The image, as it was viewed when the run began.
    result
        What the run gave; its table changes with what a person says.
    labels
        The labels whose objects, or tiles, have classes; None of an image as a whole.
    """

    target: ViewedImage
    result: ClassResult
    labels: napari.layers.Labels | None = None

    @property
    def image(self) -> napari.layers.Image:
        """The image layer."""
        return self.target.layer

    @property
    def table(self) -> ObjectClasses:
        """Objects and their classes."""
        return self.result.table

    def name_of(self, own: int) -> str:
        """Return what to call an object."""
        if self.result.run.looked_at == "image" and len(self.table.ids) == 1:
            return "The image"
        return f"{_ONE[self.result.run.looked_at]} {own}"
