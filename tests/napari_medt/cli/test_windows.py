"""Windows of CT that commands are told: named, one's own, or found by what an image looks like."""

import typing

import numpy as np

from napari_medt.cli import windows
from src_models.images.axes import AxesReading
from src_models.images.grey import ct_windows


def test_windows_are_those_of_ct_and_none():
    assert (*typing.get_args(ct_windows.WindowName), "none") == windows.WINDOWS


def test_a_window_is_taken_as_named_or_by_what_the_middle_slice_looks_like():
    rng = np.random.default_rng(0)
    ct = np.concatenate([np.full((9, 64, 32), -1000), rng.normal(40, 30, (9, 64, 32))], axis=2).astype(np.int16)
    soft = windows.window_intensity("soft tissue", ct)
    assert soft == windows.window_intensity(None, ct)
    assert soft is not None
    assert windows.window_intensity("lung", ct) != soft
    assert windows.window_intensity("none", ct) is None
    own = windows.window_intensity("60:350", ct)
    assert (own.kind, own.low, own.high) == ("window", -115, 235)
    assert windows.window_intensity(None, ct, AxesReading("ZYX", ct.shape, {}, modality="MR")) is None
    assert windows.window_intensity(None, np.zeros_like(ct), AxesReading("ZYX", ct.shape, {}, modality="CT")) == soft
    assert windows.window_intensity(None, rng.integers(0, 255, (9, 64, 64)).astype(np.uint8)) is None
