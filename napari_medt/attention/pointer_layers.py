"""The layers that follow a person's pointer: what the network attends to at a place, and a mark on that place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_medt.viewer.layer_notes import LayerNotes, notes_of, own_notes, write_notes
from napari_medt.viewer.lines.place_mark import mark_place
from napari_medt.viewer.map_looks import legend, map_appearance, stretch, tell_values
from napari_medt.viewer.own_layers import OwnLayers, move
from napari_medt.viewer.placement import placement
from src_models.attention.words import map_words

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from src_models.images.region import Region
    from src_models.probing.pointer import Pointed, View

__all__ = ["PointerLayers"]

_MAP, _MARK = "pointer", "pointer mark"
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
        self._layers = OwnLayers(viewer)
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
        self._show_map(image, region, pointed)
        self._show_mark(image, region, pointed)
        self._say(pointed.sentence)
        self.to_top()
        if self._hidden:
            self._hidden = False
            for layer in self.shown():
                layer.visible = True

    def map(self) -> napari.layers.Image | None:
        """Return the layer with the map, if it is there."""
        return self._layers.find(_MAP)

    def mark(self) -> napari.layers.Points | None:
        """Return the layer with the mark, if it is there."""
        return self._layers.find(_MARK)

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
        self._layers.remove(_MAP, _MARK)
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
        layer = self._layers.of(image, _MAP)
        if layer is None:
            appearance = map_appearance(pointed.map)
            self._limits = appearance["contrast_limits"]
            notes, data = _notes(image, _MAP, pointed.map.description), region.expand(pointed.map.data)
            layer = self._layers.add("image", data, notes, place, name=name, **appearance)
            legend(layer, pointed.map, words)
        elif self._drawn is not pointed.map.data:  # the map of a gate stays the same along a plane
            layer.data = region.expand(pointed.map.data)
            self._limits = stretch(layer, pointed.map, self._limits)
        if self._view != pointed.view:
            self._view = pointed.view
            layer.name = name
            tell_values(layer, words)
        self._drawn = pointed.map.data
        move(layer, place)
        notes = notes_of(layer)
        if notes.description != pointed.map.description:
            write_notes(layer, replace(notes, description=pointed.map.description))

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
        mark_place(
            self._layers,
            image,
            _MARK,
            region.place(None, pointed.query)[1],
            name="place asked about",
            size=max(pointed.map.scale),
            description="the place that was asked about",
        )

    def shown(self) -> list[Any]:
        """Return both layers, those that are there."""
        return [layer for layer in (self.map(), self.mark()) if layer is not None]


def _notes(image: napari.layers.Image, role: str, description: str) -> LayerNotes:
    return replace(own_notes(image, role), description=description)
