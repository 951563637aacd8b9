"""Questions that are answered off the GUI thread, one at a time; of those that wait, only the latest counts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Lock
from typing import Any

from qtpy.QtCore import QObject, Signal

from src_models.errors import UserError

__all__ = ["LatestQuestion"]

_log = logging.getLogger(__name__)


class LatestQuestion(QObject):
    """Answers the question that was asked last.

    A pointer that moves asks faster than a network answers. A question that waits when another comes is dropped, so
    the answers keep up with the pointer however slow the machine is.

    Parameters
    ----------
    parent
        Parent object.
    """

    answered = Signal(object)  #: what the question returned
    refused = Signal(str)  #: a sentence on why there is no answer
    _done = Signal(object)  # brings what is to be told to the GUI thread

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="attention")
        self._lock = Lock()
        self._waiting: Callable[[], Any] | None = None
        self._busy = False
        self._left = False
        self._done.connect(self._on_done)

    @property
    def busy(self) -> bool:
        """Whether an answer is being worked out."""
        return self._busy

    def ask(self, question: Callable[[], Any]) -> None:
        """Have a function called in the other thread, after the one that is under way."""
        with self._lock:
            self._waiting = question
            if self._busy or self._left:
                return
            self._busy = True
        self._executor.submit(self._answer)

    def drop(self) -> None:
        """Forget the question that waits."""
        with self._lock:
            self._waiting = None

    def leave(self) -> None:
        """Answer nothing more, and wait for the question under way."""
        with self._lock:
            self._waiting, self._left = None, True
        self._executor.shutdown(wait=True)

    def _answer(self) -> None:
        while True:
            with self._lock:
                question, self._waiting = self._waiting, None
                if question is None:
                    self._busy = False
                    return
            try:
                answer = question()
            except UserError as error:
                self._tell(self.refused, str(error))
            except Exception as error:
                _log.exception("a question about attention failed")
                self._tell(
                    self.refused, f"This failed in a way that was not foreseen ({type(error).__name__}: {error})"
                )
            else:
                self._tell(self.answered, answer)

    def _tell(self, signal: Any, what: Any) -> None:
        self._done.emit(partial(signal.emit, what))

    def _on_done(self, tell: Callable[[], None]) -> None:
        if not self._left:  # else the widget is going, and with it who listens; this was on its way
            tell()
