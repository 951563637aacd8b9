"""Kernels that numba compiles when they are first wanted; what they compute is tested with those that call them."""

import importlib.util
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from src_models.nets.kernels import axial_cpu_kernels
from src_models.nets.kernels.axial_cpu_kernels import kernel

pytestmark = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba cannot be imported")


@pytest.mark.parametrize("name", ["forward", "measured", "backward", "received", "variances"])
def test_a_kernel_is_compiled_once_for_each_kind_of_number(name):
    single, double = kernel(name, "float32"), kernel(name, "float64")
    assert kernel(name, "float32") is single
    assert double is not single
    assert [len(each.signatures) for each in (single, double)] == [1, 1]
    assert [each.targetoptions["fastmath"] for each in (single, double)] == [{"contract"}] * 2, "NaN stays NaN"


def test_kernels_are_compiled_one_after_the_other_whoever_wants_them(monkeypatch):
    """Numba's compiler is not for several threads."""
    at_work, most = [], []

    def compile_slowly(name, dtype):
        at_work.append(name)
        most.append(len(at_work))
        time.sleep(0.01)
        at_work.remove(name)
        return name

    monkeypatch.setattr(axial_cpu_kernels, "_compiled", compile_slowly)
    with ThreadPoolExecutor(4) as pool:
        names = list(pool.map(lambda number: kernel(f"kernel {number}", "float32"), range(8)))
    assert names == [f"kernel {number}" for number in range(8)]
    assert max(most) == 1


def test_there_is_no_kernel_of_another_name():
    with pytest.raises(KeyError):
        kernel("sideways", "float32")
