"""Going through steps at once gives what they return, and shows each as it comes."""

from __future__ import annotations

import pytest

from src_models.progress import finish


def halving(number, closed):
    try:
        while number > 1:
            number //= 2
            yield number
        return "done"
    finally:
        closed.append(True)


def test_all_steps_are_made_in_order_with_what_they_return():
    seen, closed = [], []
    assert finish(halving(20, closed), seen.append) == "done"
    assert (seen, closed) == ([10, 5, 2, 1], [True])
    assert finish(halving(20, closed)) == "done"


def test_work_of_no_steps_is_done_at_once():
    assert finish(halving(1, [])) == "done"


def test_what_is_raised_in_a_step_or_by_who_looks_on_goes_to_the_caller():
    closed = []

    def looks_on(number):
        if number == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finish(halving(20, closed), looks_on)
    assert closed == [True]
