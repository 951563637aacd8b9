"""The layers that the plugin adds to a viewer: the one place that adds, finds, updates and removes them.

Labels and attention maps of a run are placed exactly over their image. A later run with the same model on the same
image updates them instead of adding more, but never overwrites what a person painted: then it adds new labels.
Layers are found again by their metadata; people may rename them as they like.
"""

from __future__ import annotations

import zlib
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_medt.viewer.map_looks import legend, map_appearance, stretch
from napari_medt.viewer.placement import placement
from src_models.attention.map_contrast import telling_first
from src_models.attention.words import map_words

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer
    from napari.utils.events import Event

    from src_models.attention.placed_map import PlacedMap
    from src_models.prediction.jobs import RegionResult

__all__ = [
    "METADATA_KEY",
    "ResultLayers",
    "Shown",
    "image_id_of",
    "is_own_layer",
    "labels_tuple",
    "load_what_layers_need",
    "notes_of",
    "with_layers_ready",
]

S = TypeVar("S")
R = TypeVar("R")

METADATA_KEY = "napari_medt"

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

    Labels(np.zeros((2, 2), np.int32))
    Image(np.zeros((2, 2), np.float32), rgb=False, colormap="inferno")


def with_layers_ready(steps: Generator[S, None, R]) -> Generator[S, None, R]:
    """Go through the steps of a worker thread, in which napari first loads what the layers of its result need."""
    load_what_layers_need()
    return (yield from steps)


def is_own_layer(layer: napari.layers.Layer) -> bool:
    """Whether this plugin made a layer."""
    return image_id_of(layer) is not None


def image_id_of(layer: napari.layers.Layer) -> str | None:
    """Return the id of the image layer that an own layer was made from."""
    return notes_of(layer).get("image")


class ResultLayers:
    """The plugin's own layers in a viewer.

    Parameters
    ----------
    viewer
        The viewer.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer

    def labels_of(self, image: napari.layers.Image, model: str) -> napari.layers.Labels | None:
        """Return the newest labels that a model of this name gave for an image layer."""
        return self._find(image, model, "labels")

    def map_of(self, image: napari.layers.Image, model: str, name: str) -> napari.layers.Image | None:
        """Return the layer that shows an attention map."""
        return self._find(image, model, "attention", name)

    def maps_of(self, image: napari.layers.Image) -> list[napari.layers.Image]:
        """Return the layers that show attention maps of an image layer, of whatever model."""
        wanted = {"image": str(image.unique_id), "role": "attention"}
        return [layer for layer in self._viewer.layers if wanted.items() <= notes_of(layer).items()]

    def show(self, image: napari.layers.Image, outcome: RegionResult) -> Shown:
        """Add or update the layers of a run at once; see :meth:`show_steps`."""
        steps = self.show_steps(image, outcome)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                shown: Shown = end.value
                return shown

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
        for layer in self._all(image, outcome.model_name, "attention"):
            if notes_of(layer)["map"] not in wanted:  # a map of an earlier run does not belong to the new labels
                self._viewer.layers.remove(layer)
        maps = telling_first(outcome.segmentation.attention, outcome.segmentation.labels)
        for placed in reversed(maps):  # the one that explains the objects best comes to lie on top
            self.show_map(image, outcome, placed)
            yield
        shown = self._show_labels(image, outcome)
        self._viewer.layers.selection.active = shown.labels
        return shown

    def _show_labels(self, image: napari.layers.Image, outcome: RegionResult) -> Shown:
        existing = self.labels_of(image, outcome.model_name)
        if existing is None:
            return Shown(self._add_labels(image, outcome))
        if _holds_edits(existing, outcome):
            return Shown(self._add_labels(image, outcome), kept=existing)
        _update_labels(existing, image, outcome)
        return Shown(existing)

    def _add_labels(self, image: napari.layers.Image, outcome: RegionResult) -> napari.layers.Labels:
        data, options, _ = labels_tuple(image, outcome)
        layer = self._viewer.add_labels(data, **options)
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
        metadata = _metadata(
            image,
            outcome,
            role="attention",
            map=placed.name,
            description=placed.description,
            limits=appearance["contrast_limits"],
            keeps=None if isinstance(data, np.ndarray) else outcome.segmentation,  # else its files would go
        )
        if existing is None:
            existing = self._viewer.add_image(
                data,
                name=f"{words.name} - {image.name}",
                visible=False,
                metadata=metadata,
                **appearance,
                **place,
            )
            legend(existing, placed, words)
        else:
            before = notes_of(existing)["limits"]
            _update(existing, data, place, metadata)
            stretch(existing, placed, before)
        return existing

    def keep(self, layer: napari.layers.Image) -> str:
        """Let go of a layer that shows attention: no later run changes it or takes it away; return its new name."""
        notes = notes_of(layer)
        notes["role"] = "kept"
        layer.name = f"{layer.name} (kept{', ' + notes['model'] if 'model' in notes else ''})"
        return layer.name

    def show_difference(
        self, image: napari.layers.Image, outcome: RegionResult, placed: PlacedMap
    ) -> napari.layers.Image:
        """Add or update the layer with the difference of two maps, in colours that diverge from 0 in the middle."""
        region = outcome.job.region
        data = region.expand(placed.data)
        place = placement(image, *region.place(placed.scale, placed.translate))
        metadata = _metadata(image, outcome, role="difference", map=placed.name, description=placed.description)
        largest = max(float(np.abs(np.asarray(data)).max()), 1e-9)
        words = map_words(placed.name, placed.kind)
        existing: Any = self._find(image, outcome.model_name, "difference", placed.name)
        if existing is None:
            existing = self._viewer.add_image(
                data,
                name=f"{words.name} - {image.name}",
                rgb=False,
                multiscale=False,
                colormap="PiYG",
                contrast_limits=(-largest, largest),
                opacity=0.7,
                blending="translucent",
                metadata=metadata,
                **place,
            )
            legend(existing, placed, words)
        else:
            _update(existing, data, place, metadata)
            existing.contrast_limits_range = existing.contrast_limits = (-largest, largest)
        existing.visible = True
        return existing

    def _all(self, image: napari.layers.Image, model: str, role: str) -> list[napari.layers.Layer]:
        wanted = {"image": str(image.unique_id), "model": model, "role": role}
        return [layer for layer in self._viewer.layers if wanted.items() <= notes_of(layer).items()]

    def _find(self, image: napari.layers.Image, model: str, role: str, name: str | None = None) -> Any:
        found = [layer for layer in self._all(image, model, role) if notes_of(layer).get("map") == name]
        return found[-1] if found else None


def labels_tuple(image: napari.layers.Image, outcome: RegionResult) -> tuple[Any, dict[str, Any], str]:
    """Return the labels of a run as napari's layer data tuple: pixels, how they lie and what is noted, and "labels"."""
    data, place = _canvas(image, outcome)
    options = {
        "name": f"{image.name} - {outcome.model_name} labels",
        "multiscale": False,
        "metadata": _metadata(image, outcome, role="labels", edited=False, checksum=_checksum(data)),
        **place,
    }
    return data, options, "labels"


def notes_of(layer: napari.layers.Layer) -> dict[str, Any]:
    """Return what the plugin noted about its own layer; nothing for other layers."""
    notes = layer.metadata.get(METADATA_KEY, {})
    return notes.get("layer", {}) if isinstance(notes, dict) else {}


def _metadata(image: napari.layers.Image, outcome: RegionResult, **notes: Any) -> dict[str, Any]:
    layer = {"image": str(image.unique_id), "image_name": image.name, "model": outcome.model_name, **notes}
    return {METADATA_KEY: {**outcome.segmentation.provenance, "layer": layer}}


def _note_edit(event: Event) -> None:
    notes_of(event.source)["edited"] = True


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


def _holds_edits(labels: napari.layers.Labels, outcome: RegionResult) -> bool:
    """Whether showing the run in these labels would overwrite something a person made."""
    notes = notes_of(labels)
    edited = notes["edited"] or notes["checksum"] != _checksum(labels.data)
    if not edited:
        return False
    return not _takes_in(labels, outcome) or bool(np.any(labels.data[outcome.job.region.layer_index]))


def _takes_in(labels: napari.layers.Labels, outcome: RegionResult) -> bool:
    """Whether the run is a part that can be written into these labels, the rest left as it is."""
    region = outcome.job.region
    same_kind = isinstance(labels.data, np.ndarray) and labels.data.dtype == outcome.labels.dtype
    return not region.whole and same_kind and labels.data.shape == region.layer_shape


def _update_labels(labels: napari.layers.Labels, image: napari.layers.Image, outcome: RegionResult) -> None:
    edited = False
    if _takes_in(labels, outcome):
        data, place = labels.data, placement(image, *outcome.job.region.place_canvas())
        edited = notes_of(labels)["edited"] or notes_of(labels)["checksum"] != _checksum(data)
        data[outcome.job.region.layer_index] = outcome.labels
    else:
        data, place = _canvas(image, outcome)
    metadata = _metadata(image, outcome, role="labels", edited=edited, checksum=_checksum(data))
    # Setting the data drops the undo history, which no longer fits.
    _update(labels, data, place, metadata)


def _update(layer: napari.layers.Layer, data: Any, place: dict[str, Any], metadata: dict[str, Any]) -> None:
    layer.data = data
    for name, value in place.items():
        if not np.array_equal(getattr(layer, name), value):  # each change is drawn
            setattr(layer, name, value)
    layer.metadata = {**layer.metadata, **metadata}  # after the data, whose event notes an edit
