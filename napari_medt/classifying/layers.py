"""What is shown of classes in a viewer: colours of objects, a layer of tiles, and a frame around the chosen one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from napari_medt.classifying.colours import class_colours, coloured_by_class
from napari_medt.classifying.features import write_features
from napari_medt.viewer.layer_notes import notes_of, own_notes, write_notes
from napari_medt.viewer.lines.place_mark import mark_place
from napari_medt.viewer.lines.screen_lines import ScreenLines
from napari_medt.viewer.map_looks import legend, map_appearance, tell_values
from napari_medt.viewer.own_layers import OwnLayers, move
from napari_medt.viewer.placement import placement
from napari_medt.viewer.viewed_image import bring_into_view
from src_models.attention.words import map_words

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from napari_medt.viewer.viewed_image import ViewedImage
    from src_models.classifying.layer.layer_run import ClassResult
    from src_models.classifying.layer.object_classes import ObjectClasses
    from src_models.classifying.layer.reasons import PictureMap
    from src_models.images.region import Region

__all__ = ["TILES", "ClassLayers"]

TILES, _CHOSEN, _REASON, _MARK = "class tiles", "class chosen", "class reason", "class reason mark"
_FRAME = "#ffffff"
_MARGIN = 2.0  # px of the image between an object and its frame
_TILES_OPACITY = 0.35  # so that the image is seen below them


class ClassLayers:
    """The layers of one viewer; each is added when it is first needed.

    Parameters
    ----------
    viewer
        The viewer.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._layers = OwnLayers(viewer)
        self._lines = ScreenLines(self._layers)
        self._usual: WeakKeyDictionary[napari.layers.Labels, Any] = WeakKeyDictionary()  # colours as they were

    def show_tiles(self, image: napari.layers.Image, result: ClassResult) -> napari.layers.Labels:
        """Add a layer in which each tile is an object, in place of an earlier one of the same model."""
        region, name = result.run.region, f"{image.name} - {result.model_name} tiles"
        for former in self._layers.all_of(image, TILES, result.model_name):
            self._viewer.layers.remove(former)
        notes = replace(own_notes(image, TILES), model=result.model_name)
        layer: napari.layers.Labels = self._layers.add(
            "labels",
            result.tiles,
            notes,
            placement(image, *region.place()),
            select=True,
            name=name,
            opacity=_TILES_OPACITY,
        )
        layer.editable = False  # a tile is not drawn by hand
        return layer

    def note(self, labels: napari.layers.Labels, result: ClassResult) -> None:
        """Keep with labels by which model, settings and versions their objects have classes."""
        notes = notes_of(labels)
        made = {"classes": {"model": result.model_name, **result.found.provenance}}
        write_notes(labels, replace(notes, provenance={**notes.provenance, **made}))

    def write(self, labels: napari.layers.Labels, table: ObjectClasses, *, by_class: bool) -> None:
        """Write classes into the features of labels, and give their objects these colours or those that they had."""
        write_features(labels, table)
        self.colour(labels, table, by_class=by_class)

    def colour(self, labels: napari.layers.Labels, table: ObjectClasses, *, by_class: bool) -> None:
        """Give objects the colours of their classes, or those that they had before."""
        if by_class:
            self._usual.setdefault(labels, labels.colormap)
            labels.colormap = coloured_by_class(table.ids, table.class_numbers(), class_colours(len(table.classes)))
        elif labels in self._usual:
            labels.colormap = self._usual.pop(labels)

    def show_chosen(self, target: ViewedImage, region: Region, table: ObjectClasses, own: int, *, go: bool) -> None:
        """Frame an object, and bring it into view where that is wanted.

        Parameters
        ----------
        target
            The image.
        region
            The part of it in which the positions of the table are.
        table, own
            The objects, and which of them.
        go
            Whether the view is moved.
        """
        row = table.row(own)
        top, left, bottom, right = (float(end) for end in table.boxes[row])
        low, high = np.array([top, left]) - 0.5 - _MARGIN, np.array([bottom, right]) - 0.5 + _MARGIN
        corners = [low, (low[0], high[1]), high, (high[0], low[1]), low]
        line = np.array([region.position(_at(table, row, corner)) for corner in corners])
        vectors = np.stack([line[:-1], np.diff(line, axis=0)], axis=1)
        self._lines.show(target, _CHOSEN, vectors, name=f"{target.layer.name} - chosen object", edge_color=_FRAME)
        self._layers.find(_CHOSEN).visible = True
        if go:
            bring_into_view(self._viewer, target.layer, region.position(table.positions[row]))

    def hide_chosen(self) -> None:
        """Frame nothing any more."""
        self._layers.hide(_CHOSEN)

    def show_reason(self, image: napari.layers.Image, found: PictureMap) -> None:
        """Show a map over the part of the image that the network looked at, and mark the place that was asked about."""
        data = found.region.expand(found.map.data)
        place = placement(image, *found.region.place(found.map.scale, found.map.translate))
        words = replace(map_words(found.map.name, found.map.kind), name=found.title)
        appearance = map_appearance(found.map)
        name = f"{image.name} - {found.title}"
        layer = self._layers.of(image, _REASON)
        if layer is not None and layer.data.shape != data.shape:
            self._layers.remove(_REASON)
            layer = None
        if layer is None:
            notes = own_notes(image, _REASON)
            layer = self._layers.add("image", data, notes, place, name=name, **appearance)
            legend(layer, found.map, words)
        else:
            layer.data = data
            move(layer, place)
            layer.name, layer.colormap = name, appearance["colormap"]
            layer.contrast_limits_range = layer.contrast_limits = appearance["contrast_limits"]
            layer.visible = True
            layer.help = f"{words.name}: {words.meaning}"
            tell_values(layer, words)
        write_notes(layer, replace(notes_of(layer), description=found.map.description))
        self._mark(image, found)

    def _mark(self, image: napari.layers.Image, found: PictureMap) -> None:
        """Mark the place that was asked about; none of a map of no place."""
        if found.query is None:
            self._layers.hide(_MARK)
            return
        place, name = found.region.place(None, found.query)[1], f"{image.name} - place looked from"
        mark_place(self._layers, image, _MARK, place, name=name, size=1.0).visible = True

    def hide_reason(self) -> None:
        """Show no reason any more."""
        self._layers.hide(_REASON)
        self._layers.hide(_MARK)

    def remove(self) -> None:
        """Take the frame and the reasons out of the viewer; labels and tiles stay."""
        self._lines.leave()
        self._layers.remove(_CHOSEN, _REASON, _MARK)


def _at(table: ObjectClasses, row: int, corner: Any) -> list[float]:
    """Return a place in the plane of an object, along the axes of the table."""
    core = dict(zip("YX", corner, strict=True))
    return [float(core.get(letter, table.positions[row, at])) for at, letter in enumerate(table.axes)]
