"""One long run at a time, with progress in napari's activity dock and a cancel within one step."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from functools import partial
from typing import TYPE_CHECKING, Any

from napari.utils import progress
from qtpy.QtCore import QObject, QTimer, Signal

from napari_medt.running.attempt import attempt
from napari_medt.running.background import Background

if TYPE_CHECKING:
    from src_models.progress import Progress

__all__ = ["StepsRun"]

_LEAVE_WITHIN = 10.0  # seconds that closing the window waits for the tile that is being computed


class StepsRun(Background):
    """Steps through one generator at a time; each run is ended by either `ended` or `refused`.

    Parameters
    ----------
    parent
        Parent object.
    """

    progressed = Signal(float, str)  #: share done (0 to 1; below 0 while unknown), and a line for people
    ended = Signal(object)  #: what the generator returned, or None after a cancel
    refused = Signal(str)  #: a sentence on why it could not be done

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__("steps", parent)
        self._run: Future[object] | None = None
        self._cancelled = False
        self._bar: progress | None = None
        self._started = 0.0  # when the first tile was begun; 0 before
        self._drawing = False

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._run is not None

    def start(self, steps: Generator[Progress, None, Any], title: str) -> None:
        """Start a run.

        Parameters
        ----------
        steps
            Does a part of the work at each step.
        title
            What the activity dock calls it, and the sentence on what went wrong.
        """
        self._cancelled = False
        self._started = 0.0
        self._bar = progress(total=0, desc=title)
        self._run = self._submit(self._go_through, steps, title)
        self.progressed.emit(-1.0, "Loading model...")

    def cancel(self) -> None:
        """End the run after the tile that is being computed; `ended` follows."""
        if self._run is not None:
            self._cancelled = True
            self.progressed.emit(-1.0, "Cancelling...")

    def leave(self, *, wait: bool = True) -> None:
        """End the run without a word, after the tile that is being computed: the widget goes."""
        self._cancelled = True
        super().leave(wait=False)
        run, self._run = self._run, None
        self._close_bar()
        if wait and run is not None and self.busy:
            wait_for([run], timeout=_LEAVE_WITHIN)

    def _go_through(self, steps: Generator[Progress, None, Any], title: str) -> None:
        told = attempt(
            lambda: steps,
            title,
            done=self.ended.emit,
            refused=self.refused.emit,
            stepped=lambda step: self._tell(partial(self._on_step, step)),
            stopped=lambda: self._cancelled,
        )
        self._tell(partial(self._on_finished, told))

    def _on_step(self, step: Progress) -> None:
        if self._cancelled:
            return
        if not step.total:  # how much there is to do is not known yet
            self.progressed.emit(-1.0, f"{step.message[:1].upper()}{step.message[1:]}...")
            return
        self._started = self._started or time.monotonic()
        self.progressed.emit(step.done / step.total, self._line(step))
        self._draw_bar(step.done, step.total)

    def _draw_bar(self, done: int, total: int) -> None:
        # napari handles waiting Qt events while it draws its bar, so that the next step can come in before this one is
        # drawn. That one is not drawn.
        if self._bar is None or self._drawing:
            return
        self._drawing = True
        try:
            self._bar.total = total
            self._bar.update(done - self._bar.n)
        finally:
            self._drawing = False

    def _line(self, step: Progress) -> str:
        elapsed = time.monotonic() - self._started
        if step.done < 1 or elapsed < 1:  # too early for an estimate
            return step.message
        left = elapsed / step.done * (step.total - step.done)
        return f"{step.message}, about {_duration(left)} left"

    def _on_finished(self, told: Callable[[], object]) -> None:
        if self._left:
            return
        if self._drawing:  # the bar cannot be closed under its own drawing
            QTimer.singleShot(20, partial(self._on_finished, told))
            return
        self._run = None
        self._close_bar()
        told()

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
