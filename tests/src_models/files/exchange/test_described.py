"""What objects are called, and which planes they are in."""

from __future__ import annotations

import dask.array as da
import numpy as np
from drawn_labels import drawn_labels, drawn_stack

from src_models.files.exchange.described import Described, each_plane


def test_titles_and_classes():
    described = Described(names={1: "liver"}, kinds={2: "tumour"}, measurements={2: {"a": 1.0, "b": float("inf")}})
    assert [described.title(number) for number in (1, 2, 3)] == ["liver", "tumour 2", "3"]
    assert [described.kind(number) for number in (1, 2, 3)] == ["liver", "tumour", ""]
    assert described.all_kinds == ["liver", "tumour"]
    assert described.measured(2) == {"a": 1.0}
    assert described.measured(3) == {}


def test_planes_come_one_after_the_other_from_lazy_labels():
    stack = drawn_stack()
    lazy = da.from_array(stack.transpose(1, 0, 3, 2), chunks=(1, 1, 16, 16))
    planes = list(each_plane(lazy, "ZTXY"))
    assert [(plane.t, plane.z) for plane in planes] == [(t, z) for t in (0, 1) for z in (0, 1, 2)]
    for plane in planes:
        assert plane.size == drawn_labels().shape
        areas = {outline.number: outline.area for outline in plane.outlines}
        numbers, counts = np.unique(stack[plane.t, plane.z], return_counts=True)
        assert areas == {int(n): int(c) for n, c in zip(numbers, counts, strict=True) if n}
