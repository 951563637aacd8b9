"""A thread beside the window's: what is common to all work off the GUI thread."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from qtpy.QtCore import QObject, Signal

__all__ = ["Background"]


class Background(QObject):
    """Calls functions in a thread of its own, one after the other, and tells in the window's what came of them.

    Parameters
    ----------
    name
        Of the thread.
    parent
        Parent object.
    """

    _heard = Signal(object)  # brings what is to be told to the GUI thread

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._left = False
        self._last: Future[object] | None = None
        self._heard.connect(self._on_heard)

    @property
    def busy(self) -> bool:
        """Whether the thread is at work, or work waits for it."""
        return self._last is not None and not self._last.done()

    def leave(self, *, wait: bool = True) -> None:
        """Do nothing more and tell nothing more: the widget goes.

        Parameters
        ----------
        wait
            Whether to wait for what is under way: what is used by it goes, too. Where only the dock closes, nothing
            does, and the window need not stand still.
        """
        self._left = True
        self._executor.shutdown(wait=wait, cancel_futures=True)

    def _submit(self, function: Callable[..., object], *arguments: Any) -> Future[object]:
        self._last = self._executor.submit(function, *arguments)
        return self._last

    def _tell(self, act: Callable[[], object]) -> None:
        """From the thread, have something done in the window's."""
        if not self._left:
            with suppress(RuntimeError):  # the widget went at this very moment
                self._heard.emit(act)

    def _on_heard(self, act: Callable[[], object]) -> None:
        if not self._left:  # else the widget is going, and with it who listens; this was on its way
            act()
