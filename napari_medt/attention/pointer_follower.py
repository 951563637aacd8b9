"""Follows a person's pointer over an image that was looked at, and shows what the network attends to there."""

from __future__ import annotations

from typing import Any

import napari.viewer
import numpy as np
from qtpy.QtCore import QObject, QSignalBlocker, Signal

from napari_medt.attention.panels.probe_panel import ProbePanel
from napari_medt.attention.pointer_layers import PointerLayers
from napari_medt.attention.pointer_tracking import PointerTracking
from napari_medt.attention.recorded_run import Answer, OpenRun, RecordedRun, opening, question
from napari_medt.preferences import keep_attention
from napari_medt.running.latest_question import LatestQuestion

__all__ = ["PointerFollower"]

_MB = 2**20


class PointerFollower(QObject):
    """Connects the mouse, the questions and their answers' layers.

    Parameters
    ----------
    viewer
        The viewer.
    panel
        What is asked, and where the values are shown.
    parent
        Parent object.
    """

    opened = Signal(object)  #: a Look: questions can be asked from now on
    refused = Signal(str)  #: why there is no answer
    answered = Signal()  #: an answer is shown

    def __init__(self, viewer: napari.viewer.Viewer, panel: ProbePanel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._panel = panel
        self._looked: RecordedRun | None = None
        self._look: OpenRun | None = None
        self._pinned: tuple[float, ...] | None = None  # in the world
        self.layers = PointerLayers(viewer)
        self.tracking = PointerTracking(viewer, self)
        self.questions = LatestQuestion(self)
        self.tracking.moved.connect(self._on_moved)
        self.tracking.clicked.connect(self.pin)
        self.tracking.lost.connect(self._on_lost)
        self.questions.answered.connect(self._on_answered)
        self.questions.refused.connect(self.refused)
        panel.followed.connect(self._on_followed)
        panel.released.connect(self.release)
        panel.view_changed.connect(self._on_view_changed)

    @property
    def ready(self) -> bool:
        """Whether questions can be asked."""
        return self._look is not None

    @property
    def kept_bytes(self) -> int:
        """Bytes that are kept for answering."""
        return self._look.pointer.kept_bytes if self._look else 0

    def open(self, looked: RecordedRun, megabytes: int) -> None:
        """Get ready to be asked about a run; `opened` follows."""
        self._looked, self._look = looked, None
        self.questions.ask(opening(looked.outcome, megabytes * _MB))

    def close(self) -> None:
        """Ask nothing until the next run."""
        self._looked = self._look = self._pinned = None
        self._panel.set_views(())
        self._switch()
        self.layers.hide()

    def leave(self) -> None:
        """Leave the viewer alone from now on, and wait for the question under way."""
        self.tracking.switch(False)
        self.questions.leave()
        self._looked = None  # an answer that is still on its way shows nothing

    def set_memory(self, megabytes: int) -> None:
        """Set what may be kept for answering."""
        if self._look is not None:
            self._look.pointer.set_budget(megabytes * _MB)

    def pin(self, world: tuple[float, ...]) -> None:
        """Stay at a place, if it lies in the image, until it is released or another one is clicked."""
        if self._position(world) is not None:
            self._pinned = world
            self._ask(world)

    def release(self) -> None:
        """Follow the pointer again."""
        self._pinned = None
        self._panel.release.setEnabled(False)

    def pinned(self) -> tuple[float, ...] | None:
        """Return the pinned place (px of the part that was run on)."""
        return None if self._pinned is None else self._position(self._pinned)

    def ask_pinned(self) -> None:
        """Ask again about the pinned place, in the plane that the sliders show."""
        if self._pinned is None:
            return
        place = np.array(self._viewer.dims.point, dtype=float)
        displayed = list(self._viewer.dims.displayed)
        place[displayed] = np.asarray(self._pinned)[displayed]
        self._pinned = tuple(place)
        self._ask(self._pinned)

    def _on_moved(self, world: tuple[float, ...]) -> None:
        if self._pinned is None:
            self._ask(world)

    def _ask(self, world: tuple[float, ...]) -> None:
        view, position = self._panel.chosen(), self._position(world)
        if self._look is not None and view is not None and position is not None:
            self.questions.ask(question(self._look, position, view, self._panel.heads()))

    def _position(self, world: tuple[float, ...]) -> tuple[float, ...] | None:
        if self._looked is None or self._looked.image not in self._viewer.layers:
            return None
        return self._looked.position(world)

    def _on_answered(self, answer: Any) -> None:
        if self._looked is None or self._looked.image not in self._viewer.layers:
            return
        if isinstance(answer, OpenRun) and answer.outcome is self._looked.outcome:
            self._look = answer
            self._panel.set_views(answer.pointer.views())
            self._switch()
            self.opened.emit(answer)
            self.ask_pinned()
        elif isinstance(answer, Answer) and answer.look is self._look and self._panel.follow.isChecked():
            self.layers.show(self._looked.image, self._looked.outcome.job.region, answer.pointed)
            self._panel.set_place(answer.position, answer.pointed.values, pinned=self._pinned is not None)
            self._panel.set_sentence(answer.pointed.sentence)
            self.answered.emit()

    def _on_view_changed(self) -> None:
        view = self._panel.chosen()
        if view is not None:
            keep_attention(view=view)
        self.ask_pinned()

    def _on_followed(self, following: bool) -> None:
        keep_attention(follow=following)
        self._switch()
        if not following:
            self._stop()

    def _on_lost(self) -> None:
        """Another one has taken the mouse; what a person prefers stays."""
        with QSignalBlocker(self._panel.follow):
            self._panel.follow.setChecked(False)
        self._stop()

    def _stop(self) -> None:
        self.release()
        self.questions.drop()
        self.layers.hide()

    def _switch(self) -> None:
        self.tracking.switch(self._look is not None and self._panel.follow.isChecked())
