"""A short wait of the window for work in a thread: it is drawn meanwhile, and cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from qtpy.QtCore import QEventLoop, Qt, QThread, QTimer
from qtpy.QtWidgets import QApplication, QProgressDialog

__all__ = ["has_window", "waited"]

T = TypeVar("T")

_LOOK_EVERY = 20  # ms
_SAID_AFTER = 500  # ms


def has_window() -> bool:
    """Whether a person can be asked from this thread: it is that of a window which is on the screen."""
    app = QApplication.instance()
    if not isinstance(app, QApplication) or QThread.currentThread() != app.thread():
        return False
    return any(window.isVisible() for window in app.topLevelWidgets())


def waited(work: Callable[[], T], words: str) -> T:
    """Return what a function returns; where there is a window, it is called in a thread, and the window stays alive.

    Parameters
    ----------
    work
        The function. What it raises is raised here.
    words
        What a person reads if it takes longer than half a second.
    """
    if not has_window():
        return work()
    dialog = QProgressDialog(words, "", 0, 0, QApplication.activeWindow())
    dialog.setWindowTitle("Please wait")
    dialog.setCancelButton(None)
    dialog.setWindowModality(Qt.WindowModality.ApplicationModal)
    dialog.setMinimumDuration(_SAID_AFTER)
    loop, timer = QEventLoop(), QTimer()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="waited for") as executor:
        future = executor.submit(work)
        timer.timeout.connect(lambda: loop.quit() if future.done() else None)
        timer.start(_LOOK_EVERY)
        if not future.done():
            loop.exec()
        timer.stop()
    dialog.reset()
    dialog.deleteLater()
    return future.result()
