"""The layers that follow a person's pointer: what the network attends to at a place, and a mark on that place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medt.viewer.map_looks import legend, map_appearance, stretch, tell_values
from napari_medt.viewer.placement import placement
from napari_medt.viewer.result_layers import METADATA_KEY, notes_of
from src_models.attention.words import map_words

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from src_models.images.region import Region
    from src_models.probing.pointer import Pointed, View

__all__ = ["PointerLayers"]

_PLACED = ("scale", "translate", "rotate", "shear", "affine")
_MARK_COLOR = "#00e5ff"
_MARK_PX = 16  # on the screen, at least
_SENTENCE = "attention at pointer"  # name of the line on the canvas


class PointerLayers:
    """The map at the pointer and the mark, in a viewer: added at the first answer, found again by their metadata.

    Parameters
    ----------
    viewer
        The viewer.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._drawn: Any = None
        self._limits: tuple[float, float] | None = None
        self._view: View | None = None
        self._hidden = False

    def show(self, image: napari.layers.Image, region: Region, pointed: Pointed) -> None:
        """Show an answer for a part of an image layer; the layer that was active stays active.

        Parameters
        ----------
        image
            The layer that the person points at.
        region
            The part of it that was looked at.
        pointed
            The answer.
        """
        if any(notes_of(layer)["image"] != str(image.unique_id) for layer in self.shown()):
            self.remove()  # its axes and units may be others
        active = self._viewer.layers.selection.active
        self._show_map(image, region, pointed)
        self._show_mark(image, region, pointed)
        self._say(pointed.sentence)
        self.to_top()
        if self._hidden:
            self._hidden = False
            for layer in self.shown():
                layer.visible = True
        if self._viewer.layers.selection.active is not active:
            self._viewer.layers.selection.active = active

    def map(self) -> napari.layers.Image | None:
        """Return the layer with the map, if it is there."""
        return self._find("pointer")

    def mark(self) -> napari.layers.Points | None:
        """Return the layer with the mark, if it is there."""
        return self._find("pointer mark")

    def show_mark(self, shown: bool) -> None:
        """Show or hide the mark: beside each other, it would be a picture of its own."""
        mark = self.mark()
        if mark is not None:
            mark.visible = shown

    def hide(self) -> None:
        """Hide both layers until the next answer.

        They are not removed: where the processor draws the graphics, napari 0.9 can crash when two layers are removed
        before it draws again.
        """
        for layer in self.shown():
            layer.visible = False
        self._say("")
        self._hidden = True

    def remove(self) -> None:
        """Take both layers away."""
        for layer in self.shown():
            self._viewer.layers.remove(layer)
        self._say("")

    def to_top(self) -> None:
        """Bring map and mark to the top, where other layers were added since."""
        layers = self._viewer.layers
        ours = self.shown()
        if list(layers)[len(layers) - len(ours) :] != ours:
            for layer in ours:
                layers.move(layers.index(layer), len(layers))

    def _show_map(self, image: napari.layers.Image, region: Region, pointed: Pointed) -> None:
        place = placement(image, *region.place(pointed.map.scale, pointed.map.translate))
        words = map_words(pointed.view.title, pointed.map.kind)
        name = f"{words.name} - at the pointer"
        layer = self.map()
        if layer is None:
            appearance = map_appearance(pointed.map)
            self._limits = appearance["contrast_limits"]
            layer = self._viewer.add_image(
                region.expand(pointed.map.data),
                name=name,
                metadata=_metadata(image, "pointer", pointed.map.description),
                **appearance,
                **place,
            )
            legend(layer, pointed.map, words)
        elif self._drawn is not pointed.map.data:  # the map of a gate stays the same along a plane
            layer.data = region.expand(pointed.map.data)
            self._limits = stretch(layer, pointed.map, self._limits)
        if self._view != pointed.view:
            self._view = pointed.view
            layer.name = name
            tell_values(layer, words)
        self._drawn = pointed.map.data
        _move(layer, place)
        notes_of(layer)["description"] = pointed.map.description

    def _say(self, sentence: str) -> None:
        """Show a line at the bottom of the canvas; none if it is empty."""
        overlays = self._viewer.canvas.overlays
        if _SENTENCE not in overlays:
            if not sentence:
                return
            from napari.components.overlays import TextOverlay

            overlays[_SENTENCE] = TextOverlay(position="bottom_left")
        if sentence:
            overlays[_SENTENCE].text = sentence
        overlays[_SENTENCE].visible = bool(sentence)

    def _show_mark(self, image: napari.layers.Image, region: Region, pointed: Pointed) -> None:
        point = np.asarray([region.place(None, pointed.query)[1]])
        cell = max(pointed.map.scale)
        place = placement(image)
        layer = self.mark()
        if layer is None:
            self._viewer.add_points(
                point,
                name="place asked about",
                symbol="cross",
                size=cell,
                face_color=_MARK_COLOR,
                border_color=_MARK_COLOR,
                canvas_size_limits=(_MARK_PX, 10_000),
                out_of_slice_display=False,
                metadata=_metadata(image, "pointer mark", "the place that was asked about"),
                **place,
            )
            return
        if not np.array_equal(layer.data, point):
            layer.data = point
            if layer.selected_data:
                layer.selected_data = set()
        _move(layer, place)

    def shown(self) -> list[Any]:
        """Return both layers, those that are there."""
        return [layer for layer in (self.map(), self.mark()) if layer is not None]

    def _find(self, role: str) -> Any:
        return next((layer for layer in self._viewer.layers if notes_of(layer).get("role") == role), None)


def _metadata(image: napari.layers.Image, role: str, description: str) -> dict[str, Any]:
    notes = {"image": str(image.unique_id), "image_name": image.name, "role": role, "description": description}
    return {METADATA_KEY: {"layer": notes}}


def _move(layer: napari.layers.Layer, place: dict[str, Any]) -> None:
    for name in _PLACED:
        if not np.array_equal(getattr(layer, name), place[name]):  # each change is drawn
            setattr(layer, name, place[name])
