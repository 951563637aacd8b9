"""Drawing in a thread of its own: the same items, errors and end as without it."""

from __future__ import annotations

import threading

import pytest

from src_models.training.drawn_ahead import drawn_ahead

LONG = 10.0  # s, after which a test gives up


def test_items_come_in_their_order_from_one_other_thread():
    threads = []

    def items():
        for number in range(7):
            threads.append(threading.get_ident())
            yield number

    assert list(drawn_ahead(items())) == list(range(7))
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()
    assert list(drawn_ahead([])) == []
    assert list(drawn_ahead([None, False])) == [None, False]


@pytest.mark.parametrize("ahead", [1, 3])
def test_so_many_are_drawn_before_they_are_asked_for_and_no_more(ahead):
    drawn, enough = [], threading.Event()

    def items():
        for number in range(20):
            drawn.append(number)
            if len(drawn) == ahead + 1:
                enough.set()
            yield number

    coming = drawn_ahead(items(), ahead)
    assert drawn == []
    assert next(coming) == 0
    assert enough.wait(LONG)
    coming.close()
    assert drawn == list(range(ahead + 1))


def test_an_error_comes_in_its_item_s_turn():
    def items():
        yield from (1, 2)
        raise ValueError("the third cannot be drawn")

    coming = drawn_ahead(items())
    assert [next(coming), next(coming)] == [1, 2]
    with pytest.raises(ValueError, match="the third"):
        next(coming)
    assert list(coming) == []


@pytest.mark.parametrize("stopped", ["closed", "error"])
def test_when_it_is_stopped_the_thread_is_gone_and_what_it_drew_from_is_closed(stopped):
    closed = []

    def items():
        try:
            yield from range(100)
        finally:
            closed.append(threading.current_thread().name)

    before = set(threading.enumerate())
    coming = drawn_ahead(items())
    next(coming)
    if stopped == "closed":
        coming.close()
    else:
        with pytest.raises(KeyboardInterrupt):
            coming.throw(KeyboardInterrupt)
    assert set(threading.enumerate()) <= before
    assert len(closed) == 1
