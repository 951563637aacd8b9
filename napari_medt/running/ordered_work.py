"""Work that is done off the GUI thread in the order in which it was asked for; nothing of it is dropped."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Event, Lock
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_medt.running.attempt import Work, attempt
from napari_medt.running.background import Background

__all__ = ["OrderedWork"]

_DRAWN = 100  # ms in which a widget that was opened is drawn
_AT_MOST = 1.0  # s; a process may end without ever drawing it, and Python waits for the thread


class OrderedWork(Background):
    """Does one piece of work after the other in a thread of its own.

    It begins a moment after it was made, with the widget that it is for: beside a thread that imports libraries, a
    window is drawn several times more slowly.

    A piece of work is a function, or one that returns a generator: what that yields is told as it comes, and it is left
    early when :meth:`stop` is called or, where it may be interrupted, when other work waits.

    Parameters
    ----------
    name
        Of the thread.
    parent
        Parent object.
    """

    done = Signal(object, object)  #: what was asked for, and what it returned
    stepped = Signal(object, object)  #: what was asked for, and what it yielded
    refused = Signal(object, str)  #: what was asked for, and a sentence on why it could not be done

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(name, parent)
        self._lock = Lock()
        self._waiting = 0
        self._untold = 0
        self._stopped = False
        self._drawn = Event()
        self._submit(self._drawn.wait, _AT_MOST)
        QTimer.singleShot(_DRAWN, self._drawn.set)

    @property
    def waiting(self) -> int:
        """Pieces of work that are not done, the one under way included."""
        return self._waiting

    @property
    def untold(self) -> int:
        """Pieces of work whose end has not been told yet: 0 when everything that was asked for has been heard."""
        return self._untold

    def ask(self, what: Any, work: Work, *, interruptible: bool = False) -> None:
        """Have work done.

        Parameters
        ----------
        what
            Comes back with what the work returned.
        work
            Does it.
        interruptible
            Whether, as a generator, it is left early when other work waits.
        """
        if self._left:
            return
        with self._lock:
            self._waiting += 1
        self._untold += 1
        self._submit(self._do, what, work, interruptible)

    def stop(self) -> None:
        """Leave the generator under way after its present step."""
        self._stopped = True

    def leave(self, *, wait: bool = True) -> None:
        """Do nothing more, and wait for the step under way."""
        self._stopped = True
        self._drawn.set()
        super().leave(wait=wait)

    def _do(self, what: Any, work: Work, interruptible: bool) -> None:
        self._stopped = self._left
        told = attempt(
            work,
            "This",
            done=partial(self.done.emit, what),
            refused=partial(self.refused.emit, what),
            stepped=lambda step: self._tell(partial(self.stepped.emit, what, step)),
            stopped=lambda: self._stopped or (interruptible and self._waiting > 1),
        )
        with self._lock:
            self._waiting -= 1
        self._tell(partial(self._tell_end, told))

    def _tell_end(self, told: Callable[[], object]) -> None:
        try:
            told()  # who hears it may ask for more: there is no moment without work in between
        finally:
            self._untold -= 1
