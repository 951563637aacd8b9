"""Lengths and times in other units, checked with pint, which napari reckons with."""

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.images.units import converted, seconds

UNITS = pint.UnitRegistry()
LENGTHS = [
    "angstrom",
    "nanometer",
    "micrometer",
    "millimeter",
    "meter",
    "picometer",
    "kilometer",
    "inch",
    "foot",
    "yard",
]
TIMES = ["nanosecond", "microsecond", "millisecond", "second", "minute", "hour", "day", "s", "ms", "min"]


@given(length=st.floats(1e-6, 1e6), unit=st.sampled_from(LENGTHS), into=st.sampled_from(LENGTHS))
def test_a_length_is_what_pint_makes_of_it(length, unit, into):
    assert converted(length, unit, into) == pytest.approx(UNITS.Quantity(length, unit).to(into).magnitude, rel=1e-12)


@given(time=st.floats(1e-6, 1e6), unit=st.sampled_from(TIMES))
def test_a_time_is_what_pint_makes_of_it(time, unit):
    assert seconds(time, unit) == pytest.approx(UNITS.Quantity(time, unit).to("second").magnitude, rel=1e-12)


def test_round_numbers_stay_round():
    assert converted(500, "nm", "um") == 0.5
    assert converted(290, "nanometer", "micron") == 0.29
    assert seconds(30, "ms") == 0.03


@pytest.mark.parametrize("unit", ["pixel", "", "furlongs", "second"])
def test_what_is_no_length_is_not_converted(unit):
    assert converted(3, unit, "mm") is None
    assert converted(3, unit, unit) == 3
    assert seconds(3, "pixel") is None
