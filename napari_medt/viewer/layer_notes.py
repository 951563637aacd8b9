"""What the plugin knows of a layer: the one place that reads and writes it.

It lies in the layer's metadata under ``"napari_medt"``, in plain dictionaries, so that it goes wherever napari takes
the layer. Journals hold what JSON can hold of it: what is read from one has no arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import napari.layers

    from src_models.files.volumes.geometry import VolumeGeometry
    from src_models.labels.packed import PackedLabels

__all__ = [
    "METADATA_KEY",
    "Correction",
    "LayerNotes",
    "Prediction",
    "is_own_layer",
    "notes_of",
    "own_notes",
    "write_notes",
]

METADATA_KEY = "napari_medt"

Record = Mapping[str, Any]

_LAYER, _CORRECTION, _OBJECTS, _MARKED, _VOLUME = "layer", "correction", "objects", "marked planes", "volume"
_PARTS = (_LAYER, _CORRECTION, _OBJECTS, _MARKED, _VOLUME)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Correction:
    """Labels that are being corrected.

    Parameters
    ----------
    background
        The number that a person paints background with: napari's eraser leaves no trace where nothing was.
    model_name, model_sha256
        The model that had found something in them; None for labels that no model made.
    """

    background: int | None = None
    model_name: str | None = None
    model_sha256: str | None = None

    def written(self) -> dict[str, Any]:
        """Return it as it lies in metadata."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction(Correction):
    """Labels that are being corrected, with what the network had found in them.

    Parameters
    ----------
    data
        As large as the labels; 0 where nothing was found.
    background, model_name, model_sha256
        See :class:`Correction`.
    """

    data: NDArray[Any]
    background: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LayerNotes:
    """What is known of a layer; of a layer that the plugin did not make, mostly nothing.

    Parameters
    ----------
    role
        What the layer is to the part of the plugin that made it, which finds it again by this.
    image, image_name
        Id and name of the image layer that it was made from.
    model
        Name of the model that made it.
    map, description
        The attention map that it shows, and what that is.
    limits
        Contrast limits that the map was shown with; a person may have set others.
    keeps
        Lives as long as the layer: what has the files that its data are read from.
    edited
        Whether a person changed what a model had made.
    checksum
        Of the data as a model made them; None where that would take too long.
    found
        What the model had found in labels, whatever was painted in them since.
    correction
        What is known of labels that are being corrected; a :class:`Prediction` once they are.
    objects
        What is known of objects that were clicked into labels.
    marked
        Checksums of planes as they were marked as corrected, by plane.
    volume
        Where the voxels of a scan are in the patient.
    series
        What tells the image apart from others in its file; None where there is one.
    modality, padding, value_unit
        What made the scan, which values are no tissue, and what values are, by its file's word; see
        :class:`~src_models.images.axes.AxesReading`.
    windows
        The windows that the file of a scan brings along, each with its name and the values that are black and white.
    provenance
        How a model made it: its SHA-256 and header, settings, versions; and whatever else is noted there.
    """

    role: str = ""
    image: str | None = None
    image_name: str | None = None
    model: str | None = None
    map: str = ""
    description: str = ""
    limits: tuple[float, float] | None = None
    keeps: Any = None
    edited: bool = False
    checksum: int | None = None
    found: PackedLabels | None = None
    series: str | None = None
    correction: Correction | None = None
    objects: tuple[Record, ...] = ()
    marked: Mapping[str, int] = field(default_factory=dict)
    volume: VolumeGeometry | None = None
    modality: str | None = None
    padding: tuple[tuple[float, float], ...] = ()
    value_unit: str = ""
    windows: tuple[tuple[str, float, float], ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, metadata: Mapping[Any, Any]) -> LayerNotes:
        """Read the notes in a layer's metadata, or in what a journal stored of these."""
        notes = _mapping(metadata.get(METADATA_KEY))
        layer = _mapping(notes.get(_LAYER))
        return cls(
            **{name: layer[name] for name in _OF_LAYER if layer.get(name) is not None},
            correction=_read_correction(_mapping(notes.get(_CORRECTION))),
            objects=tuple(notes.get(_OBJECTS, ())),
            marked=_mapping(notes.get(_MARKED)),
            volume=notes.get(_VOLUME),
            provenance={name: value for name, value in notes.items() if name not in _PARTS},
        )

    def metadata(self) -> dict[str, Any]:
        """Return the notes as metadata of a layer."""
        parts = {
            _LAYER: {name: value for name, usual in _OF_LAYER.items() if (value := getattr(self, name)) is not usual},
            _CORRECTION: None if self.correction is None else self.correction.written(),
            _OBJECTS: list(self.objects),
            _MARKED: dict(self.marked),
            _VOLUME: self.volume,
        }
        return {METADATA_KEY: {**self.provenance, **{name: part for name, part in parts.items() if part}}}


_APART = ("correction", "objects", "marked", "volume", "provenance")  # beside the rest, which is under _LAYER
_OF_LAYER = {each.name: each.default for each in fields(LayerNotes) if each.name not in _APART}


def notes_of(layer: napari.layers.Layer) -> LayerNotes:
    """Return what the plugin knows of a layer."""
    return LayerNotes.read(layer.metadata)


def write_notes(layer: napari.layers.Layer, notes: LayerNotes) -> None:
    """Replace what the plugin knows of a layer; other metadata stay."""
    layer.metadata = {**layer.metadata, **notes.metadata()}


def own_notes(image: napari.layers.Layer, role: str) -> LayerNotes:
    """Return the first notes of a layer that is made from an image layer."""
    return LayerNotes(role=role, image=str(image.unique_id), image_name=image.name)


def is_own_layer(layer: napari.layers.Layer) -> bool:
    """Whether this plugin made a layer."""
    return notes_of(layer).image is not None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _read_correction(noted: Mapping[str, Any]) -> Correction | None:
    if not noted:
        return None
    known = {each.name: noted.get(each.name) for each in fields(Correction)}
    data, background = noted.get("data"), known["background"]
    if isinstance(data, np.ndarray) and background is not None:
        return Prediction(**{**known, "data": data, "background": background})
    return Correction(**known)
