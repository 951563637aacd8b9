"""Stored numbers and the numbers that are meant: exact, in the smallest type that holds them all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.files.volumes.rescaling import Rescaling, value_type

HU = Rescaling(1, -1024)


@given(
    slope=st.integers(-50, 50),
    intercept=st.integers(-3000, 3000),
    bits=st.sampled_from([8, 12, 16]),
    signed=st.booleans(),
)
def test_whole_numbers_stay_exact_whatever_is_stored(slope, intercept, bits, signed):
    """Against Python's own integers, which have no width."""
    half = 2 ** (bits - 1)
    low, high = (-half, half - 1) if signed else (0, 2 * half - 1)
    kind = np.dtype(f"{'i' if signed else 'u'}{1 if bits == 8 else 2}")
    rescaling = Rescaling(slope, intercept)
    dtype = value_type(kind, low, high, [rescaling])
    stored = [low, low + 1, (low + high) // 2, high - 1, high]
    values = rescaling(np.array(stored, kind), dtype)
    assert values.dtype == dtype
    assert values.tolist() == [slope * number + intercept for number in stored]


@pytest.mark.parametrize(
    ("stored", "limits", "rescalings", "expected"),
    [
        pytest.param("uint16", (0, 4095), [HU], "int16", id="HU of 12 bits"),
        pytest.param("uint16", (0, 65535), [HU], "int32", id="HU of 16 bits"),
        pytest.param("uint16", (0, 65535), [Rescaling()], "uint16", id="as stored"),
        pytest.param(">u2", (0, 65535), [], "uint16", id="byte order of the machine"),
        pytest.param("uint8", (0, 255), [Rescaling(), Rescaling(200, 0)], "int32", id="the largest of all slices"),
        pytest.param("uint16", (0, 4095), [HU, Rescaling(0.5, 0)], "float32", id="one slice of fractions"),
        pytest.param("int32", (-(2**31), 2**31 - 1), [Rescaling(2, 0)], "int64", id="beyond 32 bits"),
        pytest.param("int32", (-(2**31), 2**31 - 1), [Rescaling(0.5, 0)], "float64", id="fractions of 32 bits"),
        pytest.param("float64", (0, 1), [Rescaling(2, 0)], "float64", id="doubles"),
    ],
)
def test_the_type_is_the_smallest_that_holds_all(stored, limits, rescalings, expected):
    assert value_type(np.dtype(stored), *limits, rescalings) == np.dtype(expected)


def test_fractions_are_computed_in_double_precision():
    stored = np.array([65_535, 65_534], np.uint16)
    values = Rescaling(1 / 3, 1e6)(stored, np.dtype(np.float64))
    assert values.tolist() == [65_535 / 3 + 1e6, 65_534 * (1 / 3) + 1e6]


def test_what_is_not_rescaled_is_not_copied():
    stored = np.arange(4, dtype=np.int16)
    assert Rescaling()(stored, stored.dtype) is stored
