"""The layers of a run: labels and attention maps, placed exactly over their image.

A later run with the same model on the same image updates them instead of adding more, but never overwrites what a
person painted: then it adds new labels. What the model had found goes with the labels, whatever is painted in them.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_medt.viewer.labels.class_names import class_features, name_classes
from napari_medt.viewer.layer_notes import Correction, LayerNotes, notes_of, own_notes, write_notes
from napari_medt.viewer.map_looks import legend, map_appearance, stretch
from napari_medt.viewer.own_layers import OwnLayers, move
from napari_medt.viewer.placement import placement
from src_models.attention.map_contrast import telling_first
from src_models.attention.words import map_words
from src_models.labels.packed import PackedLabels, pack, pack_steps
from src_models.progress import finish

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer
    from napari.utils.events import Event

    from src_models.attention.placed_map import PlacedMap
    from src_models.prediction.jobs import RegionResult

__all__ = [
    "ResultLayers",
    "Shown",
    "labels_tuple_steps",
    "load_what_layers_need",
    "restore_labels",
    "with_layers_ready",
]

S = TypeVar("S")
R = TypeVar("R")

# Labels of one plane are put into labels of the whole layer, but not where these would not fit into memory.
_LARGEST_CANVAS = 2**28
# A checksum of more than this many bytes would be felt in the GUI; such labels are watched by paint events alone.
_LARGEST_CHECKSUM = 2**26


@dataclass(frozen=True, slots=True)
class Shown:
    """What showing a run did.

    Parameters
    ----------
    labels
        The layer with the run's labels.
    kept
        Labels of an earlier run that were left alone because a person edited them.
    """

    labels: napari.layers.Labels
    kept: napari.layers.Labels | None = None


def load_what_layers_need() -> None:
    """Have napari load what it needs for its first labels and maps; it takes a second, and no window.

    It is meant for a worker thread: done when the first layer is added, the window would wait for it.
    """
    from napari.layers import Image, Labels

    labels = np.zeros((2, 2), np.int32)
    pack(labels)
    Labels(labels)
    Image(np.zeros((2, 2), np.float32), rgb=False, colormap="inferno")


def with_layers_ready(steps: Generator[S, None, R]) -> Generator[S, None, R]:
    """Go through the steps of a worker thread, in which napari first loads what the layers of its result need."""
    load_what_layers_need()
    return (yield from steps)


def restore_labels(viewer: napari.viewer.Viewer, data: NDArray[Any], kept: Mapping[str, Any]) -> napari.layers.Labels:
    """Add labels that were kept on disk, as a model or a person had made them.

    Parameters
    ----------
    viewer
        The viewer.
    data
        The labels.
    kept
        Name, place and metadata of their layer. Where these say that nobody had painted in what a model made, that is
        what the model had found, whatever is painted from now on.
    """
    layer = viewer.add_labels(data, multiscale=False, **kept)
    notes = notes_of(layer)
    if notes.role == "labels" and notes.checksum is not None and notes.checksum == _checksum(data):
        write_notes(layer, replace(notes, found=pack(data)))
    return layer


class ResultLayers:
    """The layers of runs in a viewer.

    Parameters
    ----------
    viewer
        The viewer.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._layers = OwnLayers(viewer)

    def labels_of(self, image: napari.layers.Image, model: str) -> napari.layers.Labels | None:
        """Return the newest labels that a model of this name gave for an image layer."""
        return self._find(image, model, "labels")

    def map_of(self, image: napari.layers.Image, model: str, name: str) -> napari.layers.Image | None:
        """Return the layer that shows an attention map."""
        return self._find(image, model, "attention", name)

    def maps_of(self, image: napari.layers.Image) -> list[napari.layers.Image]:
        """Return the layers that show attention maps of an image layer, of whatever model."""
        return self._layers.all_of(image, "attention")

    def show(self, image: napari.layers.Image, outcome: RegionResult) -> Shown:
        """Add or update the layers of a run at once; see :meth:`show_steps`."""
        return finish(self.show_steps(image, outcome))

    def show_steps(self, image: napari.layers.Image, outcome: RegionResult) -> Generator[None, None, Shown]:
        """Add or update the layers of a run, one after each step: napari needs a while to get each ready to be drawn.

        Parameters
        ----------
        image
            The layer that was segmented.
        outcome
            What the run gave.
        """
        wanted = {placed.name for placed in outcome.segmentation.attention}
        for layer in self._layers.all_of(image, "attention", outcome.model_name):
            if notes_of(layer).map not in wanted:  # a map of an earlier run does not belong to the new labels
                self._layers.viewer.layers.remove(layer)
        maps = telling_first(outcome.segmentation.attention, outcome.segmentation.labels)
        for placed in reversed(maps):  # the one that explains the objects best comes to lie on top
            self.show_map(image, outcome, placed)
            yield
        shown = yield from self._show_labels(image, outcome)
        name_classes(shown.labels, _class_names(outcome))
        self._layers.viewer.layers.selection.active = shown.labels
        return shown

    def _show_labels(self, image: napari.layers.Image, outcome: RegionResult) -> Generator[None, None, Shown]:
        existing = self.labels_of(image, outcome.model_name)
        if existing is not None and _takes_in(existing, outcome) and not _holds_edits(existing, outcome):
            _write_part(existing, image, outcome)
            return Shown(existing)
        data, place = _canvas(image, outcome)
        notes = yield from _labels_notes(image, outcome, data)
        existing = self.labels_of(image, outcome.model_name)  # a person may have removed it, or painted, meanwhile
        if existing is None or _holds_edits(existing, outcome):
            return Shown(self._add_labels(_labels_name(image, outcome), data, place, notes), kept=existing)
        _update(existing, data, place, notes)
        return Shown(existing)

    def _add_labels(self, name: str, data: Any, place: dict[str, Any], notes: LayerNotes) -> napari.layers.Labels:
        layer: napari.layers.Labels = self._layers.add(
            "labels", data, notes, place, select=True, name=name, multiscale=False
        )
        layer.events.paint.connect(_note_edit)
        layer.events.data.connect(_note_edit)
        return layer

    def show_map(self, image: napari.layers.Image, outcome: RegionResult, placed: PlacedMap) -> napari.layers.Image:
        """Add the layer of one attention map of a run, hidden, or update it as it is shown."""
        region = outcome.job.region
        data = region.expand(placed.data)
        place = placement(image, *region.place(placed.scale, placed.translate))
        words = map_words(placed.name, placed.kind)
        existing = self._find(image, outcome.model_name, "attention", placed.name)
        appearance = map_appearance(placed)
        notes = replace(
            _map_notes(image, outcome, "attention", placed),
            limits=appearance["contrast_limits"],
            keeps=None if isinstance(data, np.ndarray) else outcome.segmentation,  # else its files would go
        )
        if existing is None:
            name = f"{words.name} - {image.name}"
            existing = self._layers.add(
                "image", data, notes, place, select=True, name=name, visible=False, **appearance
            )
            legend(existing, placed, words)
        else:
            before = notes_of(existing).limits
            _update(existing, data, place, notes)
            stretch(existing, placed, before)
        return existing

    def keep(self, layer: napari.layers.Image) -> str:
        """Let go of a layer that shows attention: no later run changes it or takes it away; return its new name."""
        notes = notes_of(layer)
        write_notes(layer, replace(notes, role="kept"))
        layer.name = f"{layer.name} (kept{f', {notes.model}' if notes.model else ''})"
        return layer.name

    def show_difference(
        self, image: napari.layers.Image, outcome: RegionResult, placed: PlacedMap
    ) -> napari.layers.Image:
        """Add or update the layer with the difference of two maps, in colours that diverge from 0 in the middle."""
        region = outcome.job.region
        data = region.expand(placed.data)
        place = placement(image, *region.place(placed.scale, placed.translate))
        notes = _map_notes(image, outcome, "difference", placed)
        largest = max(float(np.abs(np.asarray(data)).max()), 1e-9)
        words = map_words(placed.name, placed.kind)
        existing: Any = self._find(image, outcome.model_name, "difference", placed.name)
        if existing is None:
            existing = self._layers.add(
                "image",
                data,
                notes,
                place,
                select=True,
                name=f"{words.name} - {image.name}",
                rgb=False,
                multiscale=False,
                colormap="PiYG",
                contrast_limits=(-largest, largest),
                opacity=0.7,
                blending="translucent",
            )
            legend(existing, placed, words)
        else:
            _update(existing, data, place, notes)
            existing.contrast_limits_range = existing.contrast_limits = (-largest, largest)
        existing.visible = True
        return existing

    def _find(self, image: napari.layers.Image, model: str, role: str, name: str = "") -> Any:
        found = [layer for layer in self._layers.all_of(image, role, model) if notes_of(layer).map == name]
        return found[-1] if found else None


def labels_tuple_steps(
    image: napari.layers.Image, outcome: RegionResult
) -> Generator[None, None, tuple[Any, dict[str, Any], str]]:
    """Make napari's layer data tuple of the labels of a run: pixels, how they lie and what is noted, and "labels"."""
    data, place = _canvas(image, outcome)
    notes = yield from _labels_notes(image, outcome, data)
    name = _labels_name(image, outcome)
    options = {"name": name, "multiscale": False, "metadata": notes.metadata(), **place}
    if named := class_features(_class_names(outcome)):
        options["features"] = named
    return data, options, "labels"


def _class_names(outcome: RegionResult) -> list[str]:
    """Return what the numbers from 1 on are called; nothing where they are objects."""
    return list(outcome.segmentation.found.get("pixels", ()))[1:]


def _labels_name(image: napari.layers.Image, outcome: RegionResult) -> str:
    return f"{image.name} - {outcome.model_name} labels"


def _notes(image: napari.layers.Image, outcome: RegionResult, role: str) -> LayerNotes:
    return replace(own_notes(image, role), model=outcome.model_name, provenance=outcome.segmentation.provenance)


def _map_notes(image: napari.layers.Image, outcome: RegionResult, role: str, placed: PlacedMap) -> LayerNotes:
    return replace(_notes(image, outcome, role), map=placed.name, description=placed.description)


def _labels_notes(image: napari.layers.Image, outcome: RegionResult, data: Any) -> Generator[None, None, LayerNotes]:
    found: PackedLabels | None = None
    if isinstance(data, np.ndarray):  # others lie on disk, where nobody paints in them
        found = yield from pack_steps(data)
    return replace(_notes(image, outcome, "labels"), checksum=_checksum(data), found=found)


def _note_edit(event: Event) -> None:
    notes = notes_of(event.source)
    if not notes.edited:
        write_notes(event.source, replace(notes, edited=True))


def _checksum(labels: Any) -> int | None:
    if not isinstance(labels, np.ndarray) or labels.nbytes > _LARGEST_CHECKSUM:
        return None
    return zlib.crc32(np.ascontiguousarray(labels).data)


def _canvas(image: napari.layers.Image, outcome: RegionResult) -> tuple[Any, dict[str, Any]]:
    """Return labels to show, and where: the whole layer where that fits into memory, else the region alone."""
    region = outcome.job.region
    if region.whole:
        return outcome.labels, placement(image, *region.place_canvas())
    if np.prod(region.layer_shape, dtype=np.int64) > _LARGEST_CANVAS:
        return outcome.labels, placement(image, *region.place())
    canvas = np.zeros(region.layer_shape, outcome.labels.dtype)
    canvas[region.layer_index] = outcome.labels
    return canvas, placement(image, *region.place_canvas())


def _was_edited(labels: napari.layers.Labels) -> bool:
    notes = notes_of(labels)
    return notes.edited or notes.checksum != _checksum(labels.data)


def _holds_edits(labels: napari.layers.Labels, outcome: RegionResult) -> bool:
    """Whether showing the run in these labels would overwrite something a person made."""
    if not _was_edited(labels):
        return False
    return not _takes_in(labels, outcome) or bool(np.any(labels.data[outcome.job.region.layer_index]))


def _takes_in(labels: napari.layers.Labels, outcome: RegionResult) -> bool:
    """Whether the run is a part that can be written into these labels, the rest left as it is."""
    region = outcome.job.region
    same_kind = isinstance(labels.data, np.ndarray) and labels.data.dtype == outcome.labels.dtype
    return not region.whole and same_kind and labels.data.shape == region.layer_shape


def _write_part(labels: napari.layers.Labels, image: napari.layers.Image, outcome: RegionResult) -> None:
    """Show a run in a part of labels; of the rest, what was painted and what is known of its objects stays."""
    data, part, before, edited = labels.data, outcome.job.region.layer_index, notes_of(labels), _was_edited(labels)
    data[part] = outcome.labels
    correction = before.correction
    notes = replace(
        _notes(image, outcome, "labels"),
        edited=edited,
        checksum=_checksum(data),
        found=None if before.found is None else before.found.with_part(part, outcome.labels),
        # What had been found is another thing now; background is painted with the same number.
        correction=None if correction is None else Correction(background=correction.background),
        objects=before.objects,
        marked=before.marked,
    )
    _update(labels, data, placement(image, *outcome.job.region.place_canvas()), notes)


def _update(layer: napari.layers.Layer, data: Any, place: dict[str, Any], notes: LayerNotes) -> None:
    layer.data = data  # of labels, this drops the undo history, which no longer fits
    move(layer, place)
    write_notes(layer, notes)  # after the data, whose event notes an edit
