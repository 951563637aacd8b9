"""Vectors in numba's kernels, against NumPy, lane by lane."""

import importlib.util

import numpy as np
import pytest

from src_models.nets.kernels.lane_vectors import LANES

pytestmark = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba cannot be imported")
DTYPE = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(scope="module")
def operations():
    """The operations, which are added to numba once in a process, and stand where the kernels call them."""
    from src_models.nets.kernels import axial_cpu_kernels

    axial_cpu_kernels._prepare_steps()
    return vars(axial_cpu_kernels)


@pytest.fixture(scope="module")
def compiled(operations):
    """Kernels of one operation each: they read two blocks (channel, place, lane) and write a third."""
    import numba

    load, store, spread, fill = (operations[name] for name in ("_load", "_store", "_spread", "_fill"))
    larger, exp = operations["_larger"], operations["_exp"]

    @numba.njit
    def arithmetic(one, other, out):
        a, b = load(one, 1, 2), load(other, 1, 2)
        store(out, 0, 0, a + b)
        store(out, 0, 1, a - b)
        store(out, 0, 2, a * b)
        store(out, 1, 0, a / b)
        store(out, 1, 1, larger(a, b))
        store(out, 1, 2, exp(a))

    @numba.njit
    def spreading(table, number, out):
        store(out, 0, 0, spread(table, 1, 2))
        store(out, 0, 1, fill(number))

    return arithmetic, spreading


def block(dtype, seed=0):
    return np.random.default_rng(seed).normal(0, 3, (2, 3, LANES)).astype(dtype)


@DTYPE
def test_operators_work_on_each_lane_and_touch_no_other_place(compiled, dtype):
    one, other, out = block(dtype, 1), block(dtype, 2), np.full((2, 4, LANES), 7, dtype)
    compiled[0](one, other, out)
    a, b = one[1, 2], other[1, 2]
    np.testing.assert_array_equal(out[0, :3], [a + b, a - b, a * b])
    np.testing.assert_array_equal(out[1, :2], [a / b, np.maximum(a, b)])
    assert (out[:, 3] == 7).all()


@DTYPE
def test_a_number_is_spread_over_all_lanes(compiled, dtype):
    table, out = np.arange(6, dtype=dtype).reshape(2, 3), np.zeros((1, 2, LANES), dtype)
    compiled[1](table, dtype(2.5), out)
    assert (out[0, 0] == table[1, 2]).all()
    assert (out[0, 1] == 2.5).all()


@DTYPE
def test_the_exponential_is_right_to_a_few_units_in_the_last_place(compiled, dtype):
    lowest = -87 if dtype == np.float32 else -708
    one, out = block(dtype), np.zeros((2, 3, LANES), dtype)
    for numbers in (np.linspace(lowest, 0, LANES), np.linspace(-1, 1, LANES), np.linspace(0, -lowest, LANES)):
        one[1, 2] = numbers
        compiled[0](one, one, out)
        exact = np.exp(one[1, 2].astype(np.longdouble))
        assert (np.abs(out[1, 2] - exact) <= 3 * np.finfo(dtype).eps * exact).all()


@DTYPE
def test_the_exponential_of_what_is_very_low_is_0_and_nan_stays(compiled, dtype):
    one, out = block(dtype), np.zeros((2, 3, LANES), dtype)
    one[1, 2] = 0
    one[1, 2, :3] = [-np.inf, -1e30, np.nan]
    compiled[0](one, one, out)
    assert (out[1, 2, :2] == 0).all()
    assert np.isnan(out[1, 2, 2])
    assert (out[1, 2, 3:] == 1).all()
