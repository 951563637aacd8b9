"""The layers that show what is being clicked: the object's outline, what was given for it, and the attention."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.viewer.layer_notes import own_notes
from napari_medt.viewer.lines.outlines import outline
from napari_medt.viewer.lines.screen_lines import ScreenLines
from napari_medt.viewer.own_layers import OwnLayers, move
from napari_medt.viewer.placement import placement
from src_models.clicking.prompts import Box, Click, Prompt, Scribble
from src_models.errors import UserError
from src_models.images.planes import Plane

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from napari_medt.viewer.viewed_image import ViewedImage
    from src_models.attention.placed_map import PlacedMap

__all__ = ["ClickLayers", "add_objects_layer", "prepare_layers"]

Part = tuple[tuple[slice, slice], NDArray[np.bool_]]

_PREVIEW, _GIVEN, _DRAWN, _ATTENTION = "click preview", "clicks", "click drawing", "click attention"
_POSITIVE, _NEGATIVE, _OUTLINE = "#2ee66b", "#ff3b53", "#ffd500"
_SYMBOLS = {True: "disc", False: "x"}
_DISK_PX = 11  # on the screen, at least
# Of labels of 16 bits napari draws the numbers themselves; others it converts, all of them, at each change.
_DTYPE = np.uint16


@dataclass(frozen=True, slots=True)
class _Outlined:
    """An object in one plane, and the lines around it (px of the layer)."""

    axes: str
    region: tuple[slice, slice]
    mask: NDArray[np.bool_]
    lines: NDArray[np.float64]


def prepare_layers() -> None:
    """Make one layer of each kind, and drop it: at the first one, napari works out colours and checks for 0.2 s.

    This is for a worker thread, before a person clicks.
    """
    from napari.layers import Labels, Points, Vectors

    Labels(np.zeros((1, 1), np.uint16))
    Points(ndim=2)
    Vectors(ndim=2, edge_color=_OUTLINE)


def add_objects_layer(viewer: napari.viewer.Viewer, target: ViewedImage) -> napari.layers.Labels:
    """Add an empty Labels layer over an image.

    Raises
    ------
    UserError
        If it does not fit into memory.
    """
    try:
        data = np.zeros(target.shape, _DTYPE)
    except (MemoryError, ValueError) as error:
        raise UserError(
            f"{target.name} is too large for labels in memory ({' x '.join(map(str, target.shape))} px): crop it first"
        ) from error
    name, notes = f"{target.layer.name} - objects", own_notes(target.layer, "clicked objects")
    layer: napari.layers.Labels = OwnLayers(viewer).add("labels", data, notes, target.place(), name=name)
    return layer


class ClickLayers:
    """The layers of one viewer; each is added when it is first needed and hidden, not removed, when it is empty.

    Parameters
    ----------
    viewer
        The viewer.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._layers = OwnLayers(viewer)
        self._lines = ScreenLines(self._layers)
        self._outlined: dict[Plane, _Outlined] = {}
        self._clicks: list[tuple[tuple[float, ...], bool]] = []

    def preview(self) -> napari.layers.Vectors | None:
        """Return the layer with the object's outline."""
        return self._layers.find(_PREVIEW)

    def points(self) -> napari.layers.Points | None:
        """Return the layer with the clicks."""
        return self._layers.find(_GIVEN)

    def drawing(self) -> napari.layers.Vectors | None:
        """Return the layer with boxes and scribbles."""
        return self._layers.find(_DRAWN)

    def attention(self) -> napari.layers.Image | None:
        """Return the layer with the attention of the last answer."""
        return self._layers.find(_ATTENTION)

    def show_object(self, target: ViewedImage, parts: Mapping[Plane, Part]) -> None:
        """Outline an object.

        Parameters
        ----------
        target
            The image layer.
        parts
            Region (rows and columns) and pixels in it, by plane.
        """
        self._outlined = {plane: self._outline_of(target, plane, part) for plane, part in parts.items()}
        lines = [found.lines for found in self._outlined.values()]
        together = np.concatenate(lines) if lines else _no_lines(target)
        self._lines.show(target, _PREVIEW, together, name=_PREVIEW, edge_color=_OUTLINE)

    def show_given(self, target: ViewedImage, given: Iterable[tuple[Plane, Prompt]]) -> None:
        """Show what was given, in its planes: discs and crosses, boxes and lines."""
        given = list(given)
        clicks = [(target.position(plane, p.y, p.x), p.positive) for plane, p in given if isinstance(p, Click)]
        drawn = [(plane, prompt) for plane, prompt in given if not isinstance(prompt, Click)]
        self._show_clicks(target, clicks)
        lines = [
            (_corners(target, plane, prompt), isinstance(prompt, Box) or prompt.positive) for plane, prompt in drawn
        ]
        self._show_lines(target, lines)

    def show_drag(self, target: ViewedImage, corners: Sequence[Sequence[float]], positive: bool) -> None:
        """Show a drag that goes on, as a line through its corners (px of the layer)."""
        self._show_lines(target, [(np.asarray(corners), positive)])

    def show_attention(self, target: ViewedImage, plane: Plane, found: PlacedMap | None) -> None:
        """Show an attention map of a plane, or none."""
        layer = self._layers.of(target.layer, _ATTENTION)
        if found is None:
            if layer is not None:
                layer.visible = False
            return
        step = target.position(plane, *found.translate)
        scale = [1.0] * len(step)
        for axis, letter in enumerate(target.axes[: len(step)]):
            if letter in "YX":
                scale[axis] = found.scale["YX".index(letter)]
        place = placement(target.layer, scale, step)
        data = found.data[tuple(slice(None) if letter in "YX" else np.newaxis for letter in target.axes[: len(step)])]
        limits = (0.0, 1.0) if found.kind != "attention received" else (0.0, 4.0)
        if layer is None:
            layer = self._layers.add(
                "image",
                data,
                own_notes(target.layer, _ATTENTION),
                place,
                colormap="inferno",
                contrast_limits=limits,
                blending="translucent",
                opacity=0.6,
            )
        else:
            layer.data = data
            move(layer, place)
        layer.name = f"attention of the click: {found.name}"
        layer.visible = True

    def clear(self) -> None:
        """Show nothing any more."""
        preview, points, drawing, attention = self.preview(), self.points(), self.drawing(), self.attention()
        self._outlined, self._clicks = {}, []
        if preview is not None:
            preview.data = np.zeros((0, 2, preview.ndim))
        if points is not None:
            points.data = np.zeros((0, points.ndim))
        if drawing is not None:
            drawing.data = np.zeros((0, 2, drawing.ndim))
        if attention is not None:
            attention.visible = False

    def remove(self) -> None:
        """Take the layers out of the viewer."""
        self._outlined = {}
        self._lines.leave()
        self._layers.remove(_PREVIEW, _GIVEN, _DRAWN, _ATTENTION)

    def _show_clicks(self, target: ViewedImage, clicks: list[tuple[tuple[float, ...], bool]]) -> None:
        layer = self._layers.of(target.layer, _GIVEN)
        if layer is None:
            if not clicks:
                return
            layer = self._layers.add(
                "points",
                None,
                own_notes(target.layer, _GIVEN),
                target.place(),
                name=_GIVEN,
                ndim=len(target.shape),
                size=3,
                border_width=0,
                canvas_size_limits=(_DISK_PX, 10_000),
            )
        shown, self._clicks = self._clicks, clicks
        if clicks == shown and len(layer.data) == len(clicks):
            return
        data = np.asarray([at for at, _ in clicks]).reshape(-1, len(target.shape))
        if clicks[:-1] == shown and len(layer.data) == len(shown):  # one more: each further change would be drawn
            positive = clicks[-1][1]
            layer.current_symbol = _SYMBOLS[positive]
            layer.current_face_color = layer.current_border_color = _POSITIVE if positive else _NEGATIVE
            layer.data = data
            return
        layer.data = data
        if clicks:
            layer.symbol = [_SYMBOLS[positive] for _, positive in clicks]
            layer.face_color = layer.border_color = [_POSITIVE if positive else _NEGATIVE for _, positive in clicks]
            layer.selected_data = set()

    def _show_lines(self, target: ViewedImage, lines: list[tuple[NDArray[Any], bool]]) -> None:
        """Show lines, each from corner to corner."""
        pieces = [np.stack([line[:-1], np.diff(line, axis=0)], axis=1) for line, _ in lines]
        colours = [
            _POSITIVE if positive else _NEGATIVE
            for piece, (_, positive) in zip(pieces, lines, strict=True)
            for _ in piece
        ]
        together = np.concatenate(pieces) if pieces else _no_lines(target)
        self._lines.show(target, _DRAWN, together, colours, name=_DRAWN)

    def _outline_of(self, target: ViewedImage, plane: Plane, part: Part) -> _Outlined:
        """Return the outline in a plane; in a stack, a click changes a few of many."""
        (rows, columns), mask = part
        known = self._outlined.get(plane)
        same = known is not None and (known.axes, known.region) == (target.axes, (rows, columns))
        if known is not None and same and np.array_equal(known.mask, mask):
            return known
        flat = outline(mask)
        lines = _no_lines(target, len(flat))
        lines[:, 0] = target.position(plane, 0.0, 0.0)
        lines[:, :, target.core] = flat
        lines[:, 0, target.core] += (rows.start, columns.start)
        return _Outlined(target.axes, (rows, columns), mask, lines)


def _corners(target: ViewedImage, plane: Plane, prompt: Box | Scribble) -> NDArray[np.float64]:
    """Return the corners of a line (px of the layer), N x axes."""
    if isinstance(prompt, Box):
        top, left, bottom, right = prompt.top, prompt.left, prompt.bottom, prompt.right
        corners = [(top, left), (top, right), (bottom, right), (bottom, left), (top, left)]
    else:
        corners = list(prompt.line) * (2 if len(prompt.line) == 1 else 1)
    return np.asarray([target.position(plane, y, x) for y, x in corners])


def _no_lines(target: ViewedImage, count: int = 0) -> NDArray[np.float64]:
    return np.zeros((count, 2, len(target.shape)))
