"""How long a window does not answer: a timer that should fire every 20 ms tells when it could not.

The time between two beats, less the 20 ms that were meant to lie between them, is how long the thread of the window was
busy with something else: what a person feels as a freeze.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication

__all__ = ["BEAT", "Heartbeat", "wait_until"]

BEAT = 0.020  # s


class Heartbeat:
    """Measures, inside a ``with`` block, the longest time (s) for which the window did not answer."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._last = 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)

    def __enter__(self) -> Heartbeat:
        QApplication.processEvents()
        self._last = time.perf_counter()
        self._timer.start(round(BEAT * 1e3))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._beat()
        self._timer.stop()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._last - BEAT)
        self._last = now


def wait_until(done: Callable[[], bool], *, after: float = 0.3, at_most: float = 120.0) -> None:
    """Let the window work until something is done, and `after` seconds more, in which what came of it is drawn.

    Raises
    ------
    TimeoutError
        If it is not done after `at_most` seconds.
    """
    end = time.perf_counter() + at_most
    while not done():
        if time.perf_counter() > end:
            raise TimeoutError(f"not done after {at_most:g} s")
        QApplication.processEvents()
        time.sleep(0.001)  # a thread that never rests keeps Python from the others
    end = time.perf_counter() + after
    while time.perf_counter() < end:
        QApplication.processEvents()
        time.sleep(0.001)
