"""The layers with which a person corrects: labels to paint in, and outlines that show what is or would be different.

Outlines cover one plane, or the part of it in view; they are layers of their own that nobody paints in, and go when the
widget does. The labels stay.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.correcting.background_colour import usual_colours
from napari_medt.correcting.labels import LABELS_ROLE, background_number, changed_cells, prediction_of
from napari_medt.viewer.labels.set_pixels import set_pixels
from napari_medt.viewer.layer_notes import own_notes
from napari_medt.viewer.lines.outline_colours import outline_colormap
from napari_medt.viewer.lines.screen_lines import ScreenLines
from napari_medt.viewer.own_layers import OwnLayers, move
from napari_medt.viewer.placement import placement
from napari_medt.viewer.viewed_image import bring_into_view
from src_models.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari.layers
    import napari.viewer

    from napari_medt.viewer.viewed_image import ViewedImage
    from src_models.images.region import Region

__all__ = ["AFTER", "BEFORE", "CHANGES", "NEXT", "PREVIEW", "CorrectionLayers", "step_of"]

CHANGES, PREVIEW, BEFORE, AFTER, NEXT = (
    "correction changes",
    "correction preview",
    "correction before",
    "correction after",
    "correction next",
)
_NAMES = {CHANGES: "changes", PREVIEW: "preview", BEFORE: "before", AFTER: "after", NEXT: "look here"}
_COLOURS = {PREVIEW: "#35d0ff", BEFORE: "#ff5fd2", AFTER: "#2ee66b"}
_CHANGED, _BACKGROUND = "#ffe14d", "#d0d0d0"
_BOX = "#ffffff"
_LARGEST_CANVAS = 2**28
_MOST_CELLS = 2**19  # of an outline


class CorrectionLayers:
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

    def new_labels(
        self, target: ViewedImage, cut: tuple[slice, ...] = (), found: NDArray[Any] | int = 0
    ) -> napari.layers.Labels:
        """Add labels over an image, to be painted in.

        Parameters
        ----------
        target
            The image.
        cut, found
            A part of the labels, and what is in it; the rest is empty.

        Raises
        ------
        UserError
            If they do not fit into memory.
        """
        if np.prod(target.shape, dtype=np.int64) > _LARGEST_CANVAS:
            sizes = " x ".join(map(str, target.shape))
            raise UserError(f"{target.name} is too large for labels in memory ({sizes} px): crop it first")
        data = np.zeros(target.shape, np.int32)
        if cut:
            data[cut] = found
        layer: napari.layers.Labels = self._layers.add(
            "labels",
            data,
            own_notes(target.layer, LABELS_ROLE),
            target.place(),
            select=True,
            name=f"{target.layer.name} - to correct",
            colormap=usual_colours(background_number(data)),
        )
        return layer

    def find(self, role: str) -> Any:
        """Return the layer of a role; None where there is none."""
        return self._layers.find(role)

    def changes_in(
        self, labels: napari.layers.Labels, region: Region
    ) -> Callable[[], tuple[NDArray[np.uint8], int]] | None:
        """Return what works out, in another thread, what differs from what was found in a part of a plane.

        None where the outline is hidden: then nothing is worked out.
        """
        prediction, layer = prediction_of(labels), self.find(CHANGES)
        if prediction is None or (layer is not None and not layer.visible):
            return None
        now, before = region.cut_labels(labels.data), region.cut_labels(prediction.data)
        return partial(changed_cells, now, before, prediction.background, step_of(region))

    def show_changes(self, image: napari.layers.Image, region: Region, changed: NDArray[np.uint8]) -> None:
        """Outline what :meth:`changes_in` has found in a part of a plane."""
        self._show(image, CHANGES, region, changed, (_CHANGED, _BACKGROUND))

    def show_outlines(
        self,
        image: napari.layers.Image,
        role: str,
        region: Region,
        labels: Any,
        what: str = "",
        view: Region | None = None,
    ) -> None:
        """Outline objects or classes of a plane, in the colour of a role.

        Parameters
        ----------
        image
            The layer that was segmented.
        role
            What the outlines are.
        region
            The part that was.
        labels
            What was found, with one axis for every axis of the layer.
        what
            Said in the layer's name.
        view
            Only what lies in this part of the plane is outlined, as finely as that allows.
        """
        region, flat = _in_view(region, region.flat(np.asarray(labels)), view)
        step = step_of(region)
        self._show(image, role, region, flat[::step, ::step].copy(), (_COLOURS[role],))
        if what:
            self.find(role).name = f"{_name(image, role)} ({what})"

    def show_place(self, target: ViewedImage, plane: tuple[int, ...], region: Any) -> None:
        """Draw a box around rows and columns of a plane, and bring it into view."""
        (top, bottom), (left, right) = region
        corners = [(top, left), (top, right), (bottom, right), (bottom, left), (top, left)]
        self.show_box(target, plane, [(y - 0.5, x - 0.5) for y, x in corners])
        self._go_to(target, plane, region)

    def show_box(self, target: ViewedImage, plane: tuple[int, ...], corners: Any) -> None:
        """Draw a line through corners (row, column) of a plane; no corners hide it."""
        if not len(corners):
            self.hide(NEXT)
            return
        line = np.asarray([target.position(plane, y, x) for y, x in corners])
        vectors = np.stack([line[:-1], np.diff(line, axis=0)], axis=1)
        self._lines.show(target, NEXT, vectors, name=_name(target.layer, NEXT), edge_color=_BOX)
        self.find(NEXT).visible = True

    def hide(self, role: str) -> None:
        """Hide the layer of a role."""
        self._layers.hide(role)

    def remove(self) -> None:
        """Take the outlines out of the viewer; labels stay."""
        self._lines.leave()
        self._layers.remove(*_NAMES)

    def drop(self, role: str) -> None:
        """Take the layer of a role out of the viewer."""
        self._layers.remove(role)

    def _go_to(self, target: ViewedImage, plane: tuple[int, ...], region: Any) -> None:
        (top, bottom), (left, right) = region
        middle = target.position(plane, (top + bottom - 1) / 2, (left + right - 1) / 2)
        bring_into_view(self._viewer, target.layer, middle)

    def _show(
        self,
        image: napari.layers.Image,
        role: str,
        region: Region,
        cells: NDArray[Any],
        colours: tuple[str, ...],
    ) -> None:
        """Show cells of a plane, as many pixels wide as :func:`step_of` says."""
        data, step = region.expand(cells), step_of(region)
        place = placement(image, *region.place((step, step), ((step - 1) / 2,) * 2))
        layer = self._layers.of(image, role)
        if layer is None:
            layer = self._layers.add(
                "labels",
                data,
                own_notes(image, role),
                place,
                name=_name(image, role),
                opacity=1.0,
                colormap=outline_colormap(*colours),
            )
            layer.contour = 2
            layer.editable = False  # what is painted here would be lost at the next change
            return
        _change(layer, data)
        move(layer, place)
        if role != CHANGES:
            layer.visible = True


def _name(image: napari.layers.Image, role: str) -> str:
    return f"{image.name} - {_NAMES[role]}"


def _change(layer: Any, data: NDArray[Any]) -> None:
    """Give an outline other data; where a stroke changed little of it, napari draws only that anew."""
    if layer.data.shape == data.shape and layer.data.dtype == data.dtype:
        places = np.nonzero(layer.data != data)
        if places[0].size < data.size // 8:
            if places[0].size:
                set_pixels(layer, places, data[places])
            return
    layer.data = data


def _in_view(region: Region, labels: NDArray[Any], view: Region | None) -> tuple[Region, NDArray[Any]]:
    """Return what two parts of a plane have in common; the first one where they are of different planes."""
    if view is None:
        return region, labels
    index: list[int | slice] = []
    cuts = []
    for letter, cut, seen in zip(region.letters, region.index, view.index, strict=True):
        if isinstance(cut, int) or isinstance(seen, int):
            if cut != seen:
                return region, labels
            index.append(cut)
            continue
        common = slice(max(cut.start, seen.start), min(cut.stop, seen.stop))
        if common.start >= common.stop:
            return region, labels
        index.append(common)
        if letter != "C":
            cuts.append(slice(common.start - cut.start, common.stop - cut.start))
    return replace(region, index=tuple(index)), labels[tuple(cuts)]


def step_of(region: Region) -> int:
    """Return how many pixels wide a cell of an outline is.

    napari looks at each cell in the window's thread; as many as a window has pixels show all that can be seen.
    """
    height, width = region.flat_shape
    return max(1, math.ceil(math.sqrt(height * width / _MOST_CELLS)))
