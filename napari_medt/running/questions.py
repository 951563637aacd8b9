"""Questions to a worker thread, each with who hears the answer."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from napari_medt.running.ordered_work import OrderedWork

__all__ = ["Questions"]

T = TypeVar("T")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class _Hearers:
    """Who hears what comes of a question, in the GUI thread."""

    then: Callable[[Any], object]
    refused: Callable[[str], object]
    stepped: Callable[[Any], object]


class Questions:
    """Has work done off the GUI thread, in order, and brings each answer to who asked.

    Parameters
    ----------
    work
        Does it.
    report
        Tells a person why something could not be done.
    """

    def __init__(self, work: OrderedWork, report: Callable[[str], object]) -> None:
        self._work = work
        self._report = report
        # The work does not hold who hears: what it tells may wait in Qt's queue when a widget goes, and nobody is to be
        # kept alive by that.
        self._hearers: dict[object, _Hearers] = {}
        work.done.connect(self._on_done)
        work.stepped.connect(self._on_stepped)
        work.refused.connect(self._on_refused)

    def ask(
        self,
        work: Callable[[], T],
        then: Callable[[T], object] = lambda _: None,
        *,
        refused: Callable[[str], object] | None = None,
    ) -> None:
        """Have something done.

        Parameters
        ----------
        work
            Does it, in the worker thread.
        then
            Hears what that returned.
        refused
            Hears the sentence on why it could not be done; left out, a person is told.
        """
        self._work.ask(self._kept(_Hearers(then, refused or self._report, _ignore)), work)

    def ask_steps(
        self,
        work: Callable[[], Generator[S, None, T]],
        then: Callable[[T | None], object],
        *,
        stepped: Callable[[S], object] | None = None,
        refused: Callable[[str], object] | None = None,
        interruptible: bool = False,
    ) -> None:
        """Have something done step by step, as :meth:`ask`.

        Parameters
        ----------
        work, then, refused
            As for :meth:`ask`; `then` hears None if it was stopped.
        stepped
            Hears every step.
        interruptible
            Whether it is stopped when other work waits.
        """
        hearers = _Hearers(then, refused or self._report, stepped or _ignore)
        self._work.ask(self._kept(hearers), work, interruptible=interruptible)

    def _kept(self, hearers: _Hearers) -> object:
        asked = object()
        self._hearers[asked] = hearers
        return asked

    def _on_done(self, asked: object, result: Any) -> None:
        if asked in self._hearers:  # else somebody asked without this, and hears for himself
            self._hearers.pop(asked).then(result)

    def _on_stepped(self, asked: object, step: Any) -> None:
        if asked in self._hearers:
            self._hearers[asked].stepped(step)

    def _on_refused(self, asked: object, sentence: str) -> None:
        if asked in self._hearers:
            self._hearers.pop(asked).refused(sentence)
        else:
            self._report(sentence)


def _ignore(_: object) -> None:
    """Hear, and do nothing."""
