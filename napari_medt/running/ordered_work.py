"""Work that is done off the GUI thread in the order in which it was asked for; nothing of it is dropped."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Event, Lock
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from src_models.errors import UserError

__all__ = ["OrderedWork"]

_log = logging.getLogger(__name__)

Work = Callable[[], Any]

_DRAWN = 100  # ms in which a widget that was opened is drawn
_AT_MOST = 1.0  # s; a process may end without ever drawing it, and Python waits for the thread


class OrderedWork(QObject):
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
    _tell = Signal(object)  # brings what is to be told to the GUI thread

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._lock = Lock()
        self._waiting = 0
        self._untold = 0
        self._stopped = False
        self._left = False
        self._tell.connect(self._on_told)
        self._drawn = Event()
        self._executor.submit(self._drawn.wait, _AT_MOST)
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
        self._executor.submit(self._do, what, work, interruptible)

    def stop(self) -> None:
        """Leave the generator under way after its present step."""
        self._stopped = True

    def leave(self) -> None:
        """Do nothing more, and wait for the step under way."""
        self._left = self._stopped = True
        self._drawn.set()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _do(self, what: Any, work: Work, interruptible: bool) -> None:
        self._stopped = self._left
        try:
            result = work()
            if isinstance(result, Generator):
                result = self._step_through(what, result, interruptible)
        except UserError as error:
            self._report(self.refused, what, str(error))
        except Exception as error:
            _log.exception("work failed: %r", what)
            sentence = f"This failed in a way that was not foreseen ({type(error).__name__}: {error})"
            self._report(self.refused, what, sentence)
        else:
            self._report(self.done, what, result)

    def _step_through(self, what: Any, steps: Generator[Any, None, Any], interruptible: bool) -> Any:
        while True:
            if self._stopped or (interruptible and self._waiting > 1):
                steps.close()
                return None
            try:
                step = next(steps)
            except StopIteration as end:
                return end.value
            self._tell.emit(partial(self.stepped.emit, what, step))

    def _report(self, signal: Any, what: Any, told: Any) -> None:
        with self._lock:
            self._waiting -= 1
        self._tell.emit(partial(self._tell_end, signal, what, told))

    def _tell_end(self, signal: Any, what: Any, told: Any) -> None:
        try:
            signal.emit(what, told)  # who hears it may ask for more: there is no moment without work in between
        finally:
            self._untold -= 1

    def _on_told(self, tell: Callable[[], None]) -> None:
        if not self._left:  # else the widget is going, and with it who listens; this was on its way
            tell()
