"""Steps of an audit, counted."""

import pytest

from src_models.auditing.counted_steps import CountedSteps


def measure():
    yield "one"
    yield "two"
    return 7


def test_what_a_measure_reports_is_counted_and_its_result_handed_on():
    steps = CountedSteps()
    steps.total = 3
    steps.step("before")
    reporting = steps.reporting(measure())
    assert [(one.done, one.total, one.message) for one in (next(reporting), next(reporting))] == [
        (2, 3, "one"),
        (3, 3, "two"),
    ]
    with pytest.raises(StopIteration) as finished:
        next(reporting)
    assert finished.value.value == 7
