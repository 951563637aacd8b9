"""Strokes are kept on disk until they are marked, and what an earlier process left is gone on with."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import napari.layers
import numpy as np
from numpy.typing import NDArray

from napari_medt.correcting.autosave import CorrectionsAutosave, UnfinishedCorrection, find_unfinished
from napari_medt.correcting.context import CorrectContext
from napari_medt.correcting.labels import prediction_of
from napari_medt.unsaved.unfinished_image import UnfinishedImage
from napari_medt.viewer.layer_notes import notes_of, write_notes
from napari_medt.viewer.viewed_image import ViewedImage
from src_models.errors import UserError
from src_models.finetuning.correction_folder import checksum
from src_models.journal.journal import Recovered

__all__ = ["UnsavedCorrections"]


class UnsavedCorrections:
    """The labels of one widget that are being corrected.

    Parameters
    ----------
    correcting
        The state of the widget.
    choose
        Goes on correcting labels.
    """

    def __init__(self, correcting: CorrectContext, choose: Callable[[napari.layers.Labels], None]) -> None:
        self._context = correcting
        self._choose = choose
        self._edited: set[Hashable] = set()
        self._told: str | None = None
        self._replaced: list[UnfinishedCorrection] = []  # gone on with, and to be deleted once it is kept anew
        self.autosave = CorrectionsAutosave()
        correcting.work.done.connect(correcting.trying(self._on_done))
        recovery = correcting.controls.recovery
        recovery.wanted.connect(correcting.trying(self.go_on))
        recovery.unwanted.connect(correcting.trying(lambda work: work.discard()))

    def offer(self) -> None:
        """Offer what processes that are gone have left."""
        self._context.work.ask("unfinished", find_unfinished)

    def watch(self, labels: napari.layers.Labels, target: ViewedImage) -> None:
        """Keep labels on disk from now on."""
        own = getattr(labels, "__wrapped__", labels)
        self.autosave.watch(labels, partial(self._notes, target.layer))
        own.events.paint.connect(self._on_paint)

    def note_marked(self, labels: napari.layers.Labels, plane: Any, kept: int) -> None:
        """Note that a plane is kept as labels of this checksum."""
        if isinstance(plane[-1], slice) and isinstance(plane[-2], slice):
            notes = notes_of(labels)
            write_notes(labels, replace(notes, marked={**notes.marked, str(list(plane[:-2])): kept}))

    def new_problem(self) -> str | None:
        """Say why strokes are not on disk, once for each reason."""
        problem = self.autosave.problem()
        told, self._told = self._told, problem
        return problem if problem != told else None

    def go_on(self, work: UnfinishedCorrection) -> None:
        """Go on with what was not marked when a process ended, once it is read."""
        self._context.work.ask("recover", lambda: (work, *work.read()))

    def _on_done(self, asked: Any, result: Any) -> None:
        if asked == "unfinished":
            self._context.controls.recovery.offer(result)
        elif asked == "recover":
            self._go_on_with(*result)
        elif asked == "replace" and result is not None:
            self._replaced.remove(result)

    def _go_on_with(self, work: UnfinishedCorrection, recovered: Recovered, predicted: NDArray[Any]) -> None:
        there, opened = work.image.layer_in(self._context.viewer), None
        if there is None:
            opened = work.image.open_in(self._context.viewer)
        image = opened if there is None else there
        labels = work.add(self._context.viewer, recovered, predicted)
        if opened is not None:
            _place_like(opened, labels)
        self._edited.add(labels.unique_id)
        if image is None:
            raise UserError(f"open the image {work.image.name!r} to go on; its labels are in the layer {labels.name!r}")
        if work.folder is not None:
            self._context.set_folder(image, Path(work.folder))
        self._context.viewer.layers.selection.active = image
        self._choose(labels)
        self._context.viewer.layers.selection.active = labels
        self._replaced.append(work)
        kept = self.autosave.kept()

        def replace() -> UnfinishedCorrection | None:
            if not kept():  # the new journal has it before the old one goes
                return None
            work.discard()
            return work

        self._context.work.ask("replace", replace)
        self._context.say("Your labels are as they were. Go on mending, then mark the slice as corrected.")

    def leave(self) -> None:
        """Stop watching; what was painted and not marked is found at the next start."""
        kept = self.autosave.kept()
        self.autosave.leave(self._is_unsaved)
        for work in self._replaced if kept() else []:
            with suppress(UserError):  # it is offered at the next start, which does no harm
                work.discard()

    def _is_unsaved(self, labels: Any) -> bool:
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


def _place_like(image: napari.layers.Image, labels: napari.layers.Labels) -> None:
    """Let an image that was opened anew lie where it lay, with the axes that a person named, as its labels tell."""
    if not image.multiscale and image.data.shape[: labels.ndim] == labels.data.shape:
        for name in ("axis_labels", "units", "scale", "translate", "rotate", "shear", "affine"):
            setattr(image, name, getattr(labels, name))
