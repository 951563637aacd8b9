"""What is clicked is kept on disk until it is saved, and what an earlier process left is gone on with."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any

import napari.layers
import napari.viewer

from napari_medt.clicking.layers import add_objects_layer
from napari_medt.clicking.panels.controls import ClickControls
from napari_medt.clicking.subjects import ClickSubjects
from napari_medt.running.ordered_work import OrderedWork
from napari_medt.unsaved.labels_autosave import LAYER_KEY
from napari_medt.unsaved.unfinished_image import UnfinishedImage
from napari_medt.unsaved.unfinished_labels import LabelsHome, UnfinishedLabels
from napari_medt.unsaved.unsaved_labels import UnsavedLabels
from napari_medt.viewer.layer_notes import LayerNotes
from napari_medt.viewer.viewed_image import ViewedImage
from src_models.clicking.in_work import ObjectAsSeen
from src_models.errors import UserError

__all__ = ["UnfinishedObjects", "UnsavedObjects"]


class UnfinishedObjects(UnfinishedLabels):
    """Objects that were not saved before their process ended, and the clicks that were not accepted."""

    home = LabelsHome("unfinished")

    @property
    def what(self) -> str:
        """What it is, for people, without when it was."""
        count = len(LayerNotes.read(self.journal.notes.get(LAYER_KEY, {}).get("metadata", {})).objects)
        objects = "1 object" if count == 1 else f"{count} objects"
        return f"{objects} in {self.image.name!r}"

    @property
    def session(self) -> Mapping[str, Any] | None:
        """The clicks that were not accepted, as a session was stored."""
        stored = self.journal.notes.get("session")
        return stored if isinstance(stored, Mapping) and stored.get("done") else None


class UnsavedObjects(UnsavedLabels[UnfinishedObjects]):
    """The unsaved work of one Click widget.

    Parameters
    ----------
    viewer
        The viewer.
    controls
        The controls of the widget.
    subjects
        What is clicked in.
    work
        Does what waits for the disk.
    report
        Tells a person what is wrong.
    begin
        Makes the chosen image ready for clicks.
    """

    def __init__(
        self,
        viewer: napari.viewer.Viewer,
        controls: ClickControls,
        subjects: ClickSubjects,
        work: OrderedWork,
        report: Callable[[str], None],
        begin: Callable[[], None],
    ) -> None:
        super().__init__(UnfinishedObjects, viewer, work, controls.recovery, report)
        self._controls = controls
        self._subjects = subjects
        self._begin = begin
        self._sessions: dict[Hashable, Mapping[str, Any]] = {}  # of objects that are begun and not accepted
        self._unrestored: dict[Hashable, Mapping[str, Any]] = {}  # clicks of earlier work that are not given again yet
        self._restoring: set[Hashable] = set()  # of these, those that were asked for

    def offer(self) -> None:
        """Take up what was left when the dock was closed, and offer what processes that are gone have left."""
        for labels, work in UnfinishedObjects.left_in(self._viewer):
            image = work.image.layer_in(self._viewer)
            if image is not None:
                self._controls.images.choose(image)
                self._take_up(labels, image, work)
        super().offer()

    def watch(self, target: ViewedImage) -> bool:
        """Keep the labels on disk from the first click on; new ones are added for that. False if it cannot be."""
        labels = self._subjects.labels()
        try:
            if labels is None:
                labels = add_objects_layer(self._viewer, target)
                self._subjects.offer_labels()
                self._controls.accepting.choose(labels)
            key = self._subjects.key_of(target)
            self.watched.watch(labels, partial(self._notes_for, key, target.layer))
        except UserError as error:
            self._report(str(error))
            return False
        return True

    def note(self, seen: ObjectAsSeen) -> None:
        """Keep the clicks of an object that is not accepted; nothing where there is none."""
        if seen.state.planes:
            self._sessions[seen.key] = seen.stored
        else:
            self._sessions.pop(seen.key, None)
        self.watched.note(self._subjects.labels())
        problem = self.watched.problem()
        if problem is not None:
            self._report(f"Your objects are not kept on disk at the moment: {problem}")

    def saved(self, labels: napari.layers.Labels) -> None:
        """Forget what lies in a file now, and need not be offered at the next start; what comes later is kept anew."""
        self.watched.drop(labels)
        key = self._subjects.key()
        if key in self._sessions and self._subjects.labels() == labels:
            self.watch(self._subjects.targets[key])  # clicks that are not accepted are in no file

    def to_restore(self, key: Hashable) -> Mapping[str, Any] | None:
        """Return the clicks of earlier work that are to be given again in an image; once, then None."""
        stored = self._unrestored.get(key)
        if stored is None or key in self._restoring:
            return None
        self._restoring.add(key)
        return stored

    def restored(self, key: Hashable) -> None:
        """Note that clicks of earlier work were given again, or cannot be."""
        self._unrestored.pop(key, None)
        self._restoring.discard(key)

    def forget(self, keys: list[Hashable]) -> None:
        """Forget images that were removed, and labels that were."""
        for key in keys:
            self._sessions.pop(key, None)
            self.restored(key)
        self.watched.drop_removed(self._viewer)

    def _take_up(self, labels: napari.layers.Labels, image: napari.layers.Image, work: UnfinishedObjects) -> bool:
        """Go on with labels in the chosen image, and with the clicks that were not accepted; False if it cannot be."""
        try:
            target = self._subjects.target()
        except UserError as error:
            self._report(str(error))
            return False
        self._subjects.offer_labels()
        self._controls.accepting.choose(labels)
        if self._subjects.labels() != labels:
            self._report(f"The objects are in the layer {labels.name!r}, but {target.name} has another size or place.")
            return False
        if work.session is not None:
            self._unrestored[self._subjects.key_of(target)] = work.session
        if not self.watch(target):
            return False
        self._begin()
        return True

    def _notes_for(self, key: Hashable, image: napari.layers.Image) -> dict[str, Any]:
        """Return what is needed, besides the labels, to go on after a crash."""
        session = self._sessions.get(key, self._unrestored.get(key))
        return {**UnfinishedImage.notes(image), "session": None if session is None else dict(session)}
