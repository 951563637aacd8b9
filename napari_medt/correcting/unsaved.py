"""Strokes are kept on disk until they are marked, with what the network had found, and gone on with after a crash."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import napari.layers
import numpy as np
from numpy.typing import NDArray

from napari_medt.correcting.context import CorrectContext
from napari_medt.correcting.labels import begin, prediction_of
from napari_medt.unsaved.napari_edits import layer_itself
from napari_medt.unsaved.unfinished_image import UnfinishedImage
from napari_medt.unsaved.unfinished_labels import LabelsHome, UnfinishedLabels
from napari_medt.unsaved.unsaved_labels import UnsavedLabels
from napari_medt.viewer.layer_notes import Correction, notes_of, write_notes
from napari_medt.viewer.viewed_image import ViewedImage
from src_models.finetuning.correction_folder import checksum
from src_models.journal.journal import Recovered

__all__ = ["UnfinishedCorrection", "UnsavedCorrections"]


class UnfinishedCorrection(UnfinishedLabels):
    """Labels that were being corrected when their process ended; beside them lies what the network had found."""

    home = LabelsHome("unfinished-corrections", beside="unfinished-predictions")

    @property
    def what(self) -> str:
        """What it is, for people, without when it was."""
        return f"corrections of {self.image.name!r}"

    @property
    def folder(self) -> str | None:
        """Where what is marked goes."""
        return self.journal.notes.get("folder")


class UnsavedCorrections(UnsavedLabels[UnfinishedCorrection]):
    """The labels of one widget that are being corrected.

    Parameters
    ----------
    correcting
        The state of the widget.
    choose
        Goes on correcting labels.
    """

    def __init__(self, correcting: CorrectContext, choose: Callable[[napari.layers.Labels], None]) -> None:
        controls = correcting.controls
        super().__init__(UnfinishedCorrection, correcting.viewer, correcting.work, controls.recovery, correcting.report)
        self._context = correcting
        self._choose = choose
        self._edited: set[Hashable] = set()
        self._told: str | None = None

    def watch(self, labels: napari.layers.Labels, target: ViewedImage) -> None:
        """Keep labels on disk from now on."""
        prediction = prediction_of(labels)
        if prediction is not None:
            self.watched.watch(labels, partial(self._notes, target.layer), beside=prediction.data)
        layer_itself(labels).events.paint.connect(self._on_paint)

    def wrote(self, labels: napari.layers.Labels, region: tuple[slice, ...]) -> None:
        """Keep a part of labels and of their prediction that was written by a run, not by a person."""
        prediction = prediction_of(labels)
        if prediction is not None:
            self.watched.wrote(labels, region, prediction.data)

    def note_marked(self, labels: napari.layers.Labels, plane: Any, kept: int) -> None:
        """Note that a plane is kept as labels of this checksum."""
        if isinstance(plane[-1], slice) and isinstance(plane[-2], slice):
            notes = notes_of(labels)
            write_notes(labels, replace(notes, marked={**notes.marked, str(list(plane[:-2])): kept}))

    def new_problem(self) -> str | None:
        """Say why strokes are not on disk, once for each reason."""
        problem = self.watched.problem()
        told, self._told = self._told, problem
        return problem if problem != told else None

    def _add(self, recovered: Recovered, beside: NDArray[Any] | None) -> napari.layers.Labels:
        labels = super()._add(recovered, beside)
        self._edited.add(labels.unique_id)
        known = notes_of(labels).correction or Correction()
        if beside is not None:
            begin(labels, beside, model_name=known.model_name, model_sha256=known.model_sha256)
        return labels

    def _take_up(self, labels: napari.layers.Labels, image: napari.layers.Image, work: UnfinishedCorrection) -> bool:
        if work.folder is not None:
            self._context.set_folder(image, Path(work.folder))
        self._choose(labels)
        self._context.viewer.layers.selection.active = labels
        self._context.say("Your labels are as they were. Go on mending, then mark the slice as corrected.")
        return True

    def _is_unsaved(self, labels: napari.layers.Labels) -> bool:
        prediction = prediction_of(labels)
        if prediction is None or labels.unique_id not in self._edited:
            return False
        marked = notes_of(labels).marked
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
        return {**UnfinishedImage.notes(image), "folder": str(self._context.folder_of(image))}
