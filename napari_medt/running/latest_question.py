"""Questions that are answered off the GUI thread, one at a time; of those that wait, only the latest counts."""

from __future__ import annotations

from threading import Lock

from qtpy.QtCore import QObject, Signal

from napari_medt.running.attempt import Work, attempt
from napari_medt.running.background import Background

__all__ = ["LatestQuestion"]


class LatestQuestion(Background):
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

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__("questions", parent)
        self._lock = Lock()
        self._waiting: Work | None = None
        self._busy = False

    @property
    def busy(self) -> bool:
        """Whether an answer is being worked out."""
        return self._busy

    def ask(self, question: Work) -> None:
        """Have a function called in the other thread, after the one that is under way."""
        with self._lock:
            self._waiting = question
            if self._busy or self._left:
                return
            self._busy = True
        self._submit(self._answer)

    def drop(self) -> None:
        """Forget the question that waits."""
        with self._lock:
            self._waiting = None

    def leave(self, *, wait: bool = True) -> None:
        """Answer nothing more; of the question under way, nothing is told."""
        self.drop()
        super().leave(wait=wait)

    def _answer(self) -> None:
        while True:
            with self._lock:
                question, self._waiting = self._waiting, None
                if question is None or self._left:
                    self._busy = False
                    return
            self._tell(attempt(question, "This", done=self.answered.emit, refused=self.refused.emit))
