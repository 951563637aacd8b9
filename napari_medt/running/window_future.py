"""A result that is worked out beside the window, for whoever calls a function: a form of napari, or Python."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

from napari.utils.notifications import show_error
from qtpy.QtWidgets import QApplication

from napari_medt.running.attempt import not_foreseen
from napari_medt.running.steps_run import StepsRun
from src_models.errors import UserError

if TYPE_CHECKING:
    from src_models.progress import Progress

__all__ = ["WindowFuture", "promise"]

T = TypeVar("T")

_log = logging.getLogger(__name__)
_under_way: set[StepsRun] = set()  # nobody else holds them


class WindowFuture(Future[T]):
    """A future whose callbacks are called in the window's thread, and only with a result.

    napari adds layers from a callback, which may be done in no other thread. Why there is no result is shown to the
    person who waits for layers; Python gets it raised from ``result()``.

    Parameters
    ----------
    title
        What people call the work, as the beginning of a sentence.
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        """Have a function called with this future once there is a result."""
        super().add_done_callback(_in_window(partial(self._call, fn)))

    def _call(self, function: Callable[[Future[T]], object], future: Future[T]) -> None:
        error = future.exception()
        if error is None:
            function(future)
        elif isinstance(error, UserError):
            show_error(str(error))
        else:
            _log.error("%s failed", self._title, exc_info=error)
            show_error(not_foreseen(self._title, error))


def promise(steps: Generator[Progress, None, T], title: str) -> Future[T]:
    """Go through the steps of some work in a thread of its own, with progress in the activity dock of a window.

    Parameters
    ----------
    steps
        Does a part of the work at each step; it may raise.
    title
        What the activity dock calls it.
    """
    future: WindowFuture[T] = WindowFuture(title)
    kept = _keep(steps, future)
    if QApplication.instance() is None:
        Thread(target=deque, args=(kept, 0), name=title).start()
        return future
    run = StepsRun()
    _under_way.add(run)
    run.ended.connect(partial(_end, run))
    run.start(kept, title)
    return future


def _keep(steps: Generator[Progress, None, T], future: Future[T]) -> Generator[Progress, None, None]:
    try:
        result = yield from steps
    except Exception as error:
        future.set_exception(error)
    else:
        future.set_result(result)


def _end(run: StepsRun, _result: Any) -> None:
    run.leave(wait=False)
    _under_way.discard(run)
    run.deleteLater()  # PySide6 would keep it, as what is connected here keeps it and it keeps that


def _in_window(function: Callable[..., object]) -> Callable[..., object]:
    if QApplication.instance() is None:
        return function
    from superqt.utils import ensure_main_thread

    wrapped: Callable[..., object] = ensure_main_thread(function)
    return wrapped
