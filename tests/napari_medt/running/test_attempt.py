"""What comes of a piece of work is told whatever that is, and a generator is closed in the thread that steps it."""

from __future__ import annotations

import pytest

from napari_medt.running.attempt import attempt
from src_models.errors import ImageError


class Told:
    """What was told, in order."""

    def __init__(self):
        self.heard = []

    def attempt(self, work, **how):
        tell = attempt(
            work,
            "Counting",
            done=lambda result: self.heard.append(("done", result)),
            refused=lambda sentence: self.heard.append(("refused", sentence)),
            stepped=lambda step: self.heard.append(("step", step)),
            **how,
        )
        before = list(self.heard)
        tell()
        return before, self.heard[len(before) :]


def counting(closed, until=3):
    try:
        yield from range(until)
    finally:
        closed.append(True)
    return "counted"


def test_a_function_is_told_by_what_it_returns():
    assert Told().attempt(lambda: 42) == ([], [("done", 42)])


def test_a_generator_is_told_step_by_step_and_its_end_only_when_asked_for():
    closed = []
    before, after = Told().attempt(lambda: counting(closed))
    assert before == [("step", 0), ("step", 1), ("step", 2)]
    assert (after, closed) == ([("done", "counted")], [True])


def test_a_generator_that_is_stopped_is_closed_before_its_next_step_and_gives_nothing():
    closed, told = [], Told()
    before, after = told.attempt(lambda: counting(closed), stopped=lambda: len(told.heard) == 2)
    assert before == [("step", 0), ("step", 1)]
    assert (after, closed) == ([("done", None)], [True])


def test_one_that_is_stopped_before_it_begins_does_nothing():
    closed = []
    assert Told().attempt(lambda: counting(closed), stopped=lambda: True) == ([], [("done", None)])
    assert closed == []  # it never ran, so it had nothing to close


def test_what_is_meant_for_people_is_told_as_it_is_and_not_logged(caplog):
    def work():
        yield 1
        raise ImageError("cells.tif is empty: open another image")

    before, after = Told().attempt(work)
    assert (before, after) == ([("step", 1)], [("refused", "cells.tif is empty: open another image")])
    assert caplog.records == []


@pytest.mark.parametrize("when", ["called", "stepped", "closed"])
def test_a_bug_is_told_in_a_sentence_and_logged_with_its_traceback_wherever_it_lies(caplog, when):
    def steps():
        try:
            if when == "stepped":
                raise KeyError("gates")
            yield 1
        finally:
            if when == "closed":
                raise KeyError("gates")

    def work():
        if when == "called":
            raise KeyError("gates")
        return steps()

    told = Told()
    _, after = told.attempt(work, stopped=lambda: bool(told.heard))
    [(what, sentence)] = after
    assert what == "refused"
    assert sentence == (
        "Counting failed in a way that was not foreseen (KeyError: 'gates'). Nothing was changed; the log has the "
        "details for a bug report."
    )
    assert [record.exc_info[0] for record in caplog.records] == [KeyError]
