"""Work in a worker thread, with progress in napari's activity dock and a cancel within one step."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import closing
from threading import Event
from typing import TYPE_CHECKING, Any

from napari.qt.threading import GeneratorWorkerSignals, WorkerBase
from napari.utils import progress
from qtpy.QtCore import QObject, QTimer, Signal

if TYPE_CHECKING:
    from src_models.progress import Progress

__all__ = ["StepsRun"]

_LEAVE_WITHIN = 10.0  # seconds that closing the window waits for the tile that is being computed


class StepsRun(QObject):
    """Steps through one generator at a time, off the GUI thread.

    Parameters
    ----------
    parent
        Parent object.
    """

    progressed = Signal(float, str)  #: share done (0 to 1; below 0 while unknown), and a line for people
    ended = Signal(object)  #: what the generator returned, or None after a cancel

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker: _StepsWorker | None = None
        self._bar: progress | None = None
        self._result: Any = None
        self._started = 0.0  # when the first tile was begun; 0 before
        self._drawing = False

    @property
    def running(self) -> bool:
        """Whether a run is under way."""
        return self._worker is not None

    def start(self, steps: Generator[Progress, None, Any], title: str) -> None:
        """Start a run.

        Parameters
        ----------
        steps
            Does a part of the work at each step, and raises nothing: an error is a Failure that it returns.
        title
            What the activity dock calls it.
        """
        self._result = None
        self._started = 0.0
        self._bar = progress(total=0, desc=title)
        self._worker = _StepsWorker(steps)
        self._worker.yielded.connect(self._on_step)
        self._worker.returned.connect(self._on_returned)
        self._worker.finished.connect(self._on_finished)
        self._worker.start()
        self.progressed.emit(-1.0, "Loading model...")

    def cancel(self) -> None:
        """End the run after the tile that is being computed; `ended` follows."""
        if self._worker is not None:
            self._worker.quit()
            self.progressed.emit(-1.0, "Cancelling...")

    def leave(self, *, wait: bool = True) -> None:
        """End the run without a word: the widget goes.

        Parameters
        ----------
        wait
            Whether to wait for its thread, which ends after the tile that is being computed: what is used by it goes,
            too. Where only the dock closes, nothing does, and the window need not stand still.
        """
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.yielded.disconnect(self._on_step)
        worker.returned.disconnect(self._on_returned)
        worker.finished.disconnect(self._on_finished)
        worker.quit()
        self._close_bar()
        if wait:
            worker.wait(_LEAVE_WITHIN)

    def _on_step(self, step: Any) -> None:
        if self._worker is None or self._worker.abort_requested:
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

    def _line(self, step: Any) -> str:
        elapsed = time.monotonic() - self._started
        if step.done < 1 or elapsed < 1:  # too early for an estimate
            return str(step.message)
        left = elapsed / step.done * (step.total - step.done)
        return f"{step.message}, about {_duration(left)} left"

    def _on_returned(self, result: Any) -> None:
        self._result = result

    def _on_finished(self) -> None:
        if self._drawing:  # the bar cannot be closed under its own drawing
            QTimer.singleShot(20, self._on_finished)
            return
        self._worker = None
        self._close_bar()
        result, self._result = self._result, None
        self.ended.emit(result)

    def _close_bar(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class _StepsWorker(WorkerBase):
    """Runs a generator to its end, or to the step after `quit`; the generator is closed in the worker's thread."""

    def __init__(self, steps: Generator[Any, None, Any]) -> None:
        super().__init__(SignalsClass=GeneratorWorkerSignals)
        self._steps = steps
        self._over = Event()

    def work(self) -> Any:
        """Step through the generator and return what it returns; None after a cancel."""
        try:
            with closing(self._steps):
                return self._step_through()
        finally:
            self._over.set()

    def wait(self, seconds: float) -> None:
        """Wait until the generator is closed, if it ever started."""
        if self.is_running:
            self._over.wait(seconds)

    def _step_through(self) -> Any:
        while not self.abort_requested:
            try:
                self.yielded.emit(next(self._steps))
            except StopIteration as end:
                return end.value
        return None


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
