"""The image that unfinished labels belong to: how it is named in a journal's notes, and found or opened again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medt.viewer.layer_notes import notes_of
from src_models.errors import UserError

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

__all__ = ["UnfinishedImage", "place_like"]

_PLACE = ("axis_labels", "units", "scale", "translate", "rotate", "shear", "affine")


@dataclass(frozen=True, slots=True)
class UnfinishedImage:
    """An image that was open when a process ended.

    Parameters
    ----------
    name
        The name that it had in the viewer.
    path
        Its file, where it came from one that is still there.
    reader
        The plugin that read it from its file.
    series
        What tells it apart from others in its file; None where there is one.
    """

    name: str
    path: str | None
    reader: str | None
    series: str | None = None

    @staticmethod
    def notes(image: napari.layers.Image) -> dict[str, Any]:
        """Return what a journal keeps of an image."""
        path = image.source.path
        return {
            "image": image.name,
            "path": None if path is None else str(path),
            "reader": image.source.reader_plugin,
            "series": notes_of(image).series,
        }

    @classmethod
    def of(cls, notes: Mapping[str, Any]) -> UnfinishedImage:
        """Return the image that a journal's notes tell of."""
        path = notes.get("path")
        there = path if path and Path(path).exists() else None
        return cls(str(notes.get("image", "an image")), there, notes.get("reader"), notes.get("series"))

    def layer_in(self, viewer: napari.viewer.Viewer) -> napari.layers.Image | None:
        """Return its layer, where it is open; one of its name that is another file is none."""
        from napari.layers import Image

        for layer in viewer.layers:
            path = layer.source.path
            same = self.path is None or (path is not None and Path(path) == Path(self.path))
            if isinstance(layer, Image) and layer.name == self.name and same and self._is_it(layer):
                return layer
        return None

    def open_in(self, viewer: napari.viewer.Viewer) -> napari.layers.Image | None:
        """Open it from its file; None where that is gone.

        Raises
        ------
        UserError
            If its reader fails, or opened other images of its file.
        """
        from napari.layers import Image

        if self.path is None:
            return None
        try:
            layers = viewer.open(self.path, plugin=self.reader or "napari")
        except Exception as error:  # of somebody's reader
            raise UserError(f"{self.path} could not be opened: {error}") from error
        opened = [layer for layer in layers if isinstance(layer, Image)]
        images = [image for image in opened if self._is_it(image)]
        if opened and not images:
            raise UserError(
                f"The labels belong to the image {self.series!r} of {self.path}, and another one was opened: try "
                "again, and tick that one"
            )
        return next((image for image in images if image.name == self.name), images[0] if images else None)

    def _is_it(self, image: napari.layers.Image) -> bool:
        """Whether a layer is this one of several images in a file, as far as that is known."""
        return self.series is None or notes_of(image).series == self.series


def place_like(image: napari.layers.Image, labels: napari.layers.Labels) -> None:
    """Let an image that was opened anew lie where it lay, with the axes that a person named, as its labels tell."""
    same = image.ndim == labels.ndim and image.data.shape[: labels.ndim] == labels.data.shape
    if same and not image.multiscale:
        for name in _PLACE:
            setattr(image, name, getattr(labels, name))
