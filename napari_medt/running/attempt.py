"""Work in a thread where nobody would see what it raises: whatever comes of it is told."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from typing import Any

from src_models.errors import UserError

__all__ = ["Work", "attempt", "not_foreseen"]

Work = Callable[[], Any]

_log = logging.getLogger(__name__)


def attempt(
    work: Work,
    title: str,
    *,
    done: Callable[[Any], object],
    refused: Callable[[str], object],
    stepped: Callable[[Any], object] = lambda step: None,
    stopped: Callable[[], bool] = lambda: False,
) -> Callable[[], object]:
    """Do a piece of work, and return what tells how it ended.

    Parameters
    ----------
    work
        A function, or one that returns a generator, which is stepped through. It may raise: a UserError is for people,
        and anything else is a bug, which is logged.
    title
        What people call it, as the beginning of a sentence.
    done
        What is to be called with what it returned; None where it was stopped.
    refused
        What is to be called with a sentence on why it could not be done.
    stepped
        Called with what the generator yields, as it comes.
    stopped
        Asked before every step: whether the generator is to be left. It is closed in this thread.
    """
    try:
        result = work()
        if isinstance(result, Generator):
            result = _step_through(result, stepped, stopped)
    except UserError as error:
        return partial(refused, str(error))
    except Exception as error:
        _log.exception("%s failed", title)
        return partial(refused, not_foreseen(title, error))
    return partial(done, result)


def not_foreseen(title: str, error: BaseException) -> str:
    """Return the sentence on a bug."""
    return (
        f"{title} failed in a way that was not foreseen ({type(error).__name__}: {error}). Nothing was changed; the "
        "log has the details for a bug report."
    )


def _step_through(
    steps: Generator[Any, None, Any], stepped: Callable[[Any], object], stopped: Callable[[], bool]
) -> Any:
    with closing(steps):
        while not stopped():
            try:
                step = next(steps)
            except StopIteration as end:
                return end.value
            stepped(step)
    return None
