"""Strokes are kept on disk until they are marked, and what an earlier process left is gone on with."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from pathlib import Path
from typing import Any

import napari.layers
import numpy as np

from napari_medt.click_target import ClickTarget
from napari_medt.correction_desk import checksum
from napari_medt.correction_labels import prediction_of
from napari_medt.corrections_autosave import CorrectionsAutosave, UnfinishedCorrection, find_unfinished
from napari_medt.layers import METADATA_KEY
from napari_medt.unfinished_image import UnfinishedImage
from napari_medt.widgets.correcting import Correcting
from src_models.errors import UserError

__all__ = ["UnsavedCorrections"]

_MARKED = "marked planes"  # of the metadata: checksums of planes as they were marked


class UnsavedCorrections:
    """The labels of one widget that are being corrected.

    Parameters
    ----------
    correcting
        The state of the widget.
    choose
        Goes on correcting labels.
    """

    def __init__(self, correcting: Correcting, choose: Callable[[napari.layers.Labels], None]) -> None:
        self._at = correcting
        self._choose = choose
        self._edited: set[Hashable] = set()
        self._told: str | None = None
        self.autosave = CorrectionsAutosave()
        recovery = correcting.controls.recovery
        recovery.wanted.connect(correcting.trying(self.go_on))
        recovery.unwanted.connect(correcting.trying(lambda work: work.discard()))

    def offer(self) -> None:
        """Offer what processes that are gone have left."""
        self._at.controls.recovery.offer(find_unfinished())  # type: ignore[arg-type]

    def watch(self, labels: napari.layers.Labels, target: ClickTarget) -> None:
        """Keep labels on disk from now on."""
        own = getattr(labels, "__wrapped__", labels)
        self.autosave.watch(labels, partial(self._notes, target.layer))
        own.events.paint.connect(self._on_paint)

    def note_marked(self, labels: napari.layers.Labels, plane: Any, kept: int) -> None:
        """Note that a plane is kept as labels of this checksum."""
        if isinstance(plane[-1], slice) and isinstance(plane[-2], slice):
            notes = labels.metadata[METADATA_KEY]
            marked = {**notes.get(_MARKED, {}), str(list(plane[:-2])): kept}
            labels.metadata = {**labels.metadata, METADATA_KEY: {**notes, _MARKED: marked}}

    def new_problem(self) -> str | None:
        """Say why strokes are not on disk, once for each reason."""
        problem = self.autosave.problem()
        told, self._told = self._told, problem
        return problem if problem != told else None

    def go_on(self, work: UnfinishedCorrection) -> None:
        """Go on with what was not marked when a process ended.

        Raises
        ------
        UserError
            If it cannot be read, or its image is not there.
        """
        there, opened = work.image.layer_in(self._at.viewer), None
        if there is None:
            opened = work.image.open_in(self._at.viewer)
        image = opened if there is None else there
        labels = work.open(self._at.viewer)
        if opened is not None:
            _place_like(opened, labels)
        self._edited.add(labels.unique_id)
        if image is None:
            raise UserError(f"open the image {work.image.name!r} to go on; its labels are in the layer {labels.name!r}")
        if work.folder is not None:
            self._at.set_folder(image, Path(work.folder))
        self._at.viewer.layers.selection.active = image
        self._choose(labels)
        self._at.viewer.layers.selection.active = labels
        self.autosave.flush()  # the new journal has it before the old one goes
        if self.autosave.problem() is None:
            work.discard()
        self._at.say("Your labels are as they were. Go on mending, then mark the slice as corrected.")

    def leave(self) -> None:
        """Stop watching; what was painted and not marked is found at the next start."""
        self.autosave.leave(self._is_unsaved)

    def _is_unsaved(self, labels: Any) -> bool:
        prediction = prediction_of(labels)
        if prediction is None or labels.unique_id not in self._edited:
            return False
        marked = labels.metadata[METADATA_KEY].get(_MARKED, {})
        data = labels.data
        if prediction.data.shape != data.shape:
            return True
        return any(
            marked.get(str(list(plane))) != checksum(data[plane])
            for plane in np.ndindex(data.shape[:-2])
            if (data[plane] != prediction.data[plane]).any()
        )

    def _on_paint(self, event: Any) -> None:
        self._edited.add(event.source.unique_id)

    def _notes(self, image: napari.layers.Image) -> dict[str, Any]:
        return {**UnfinishedImage.notes(image), "folder": str(self._at.folder_of(image))}


def _place_like(image: napari.layers.Image, labels: napari.layers.Labels) -> None:
    """Let an image that was opened anew lie where it lay, with the axes that a person named, as its labels tell."""
    if not image.multiscale and image.data.shape[: labels.ndim] == labels.data.shape:
        for name in ("axis_labels", "units", "scale", "translate", "rotate", "shear", "affine"):
            setattr(image, name, getattr(labels, name))
