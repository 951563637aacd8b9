"""Which objects go when a part of a plane is cleared."""

from __future__ import annotations

import numpy as np

from napari_medt.correcting.clearing import what_to_clear

BACKGROUND = 30_000


def labels():
    plane = np.zeros((20, 30), np.int32)
    plane[2:6, 2:6] = 1  # all of it in the box
    plane[8:12, 2:12] = 2  # 8 of 10 columns in it
    plane[14:18, 8:14] = 3  # 2 of 6 columns in it
    plane[0:2, 20:25] = 4  # beside it
    plane[0:2, 0:8] = BACKGROUND
    return plane


BOX = ((-5, 19), (0, 10))


def emptied(plane, **how):
    cleared = what_to_clear(plane, BOX, background=BACKGROUND, **how)
    np.testing.assert_array_equal(cleared.values, plane[cleared.rows, cleared.columns])
    after = plane.copy()
    after[cleared.rows, cleared.columns] = 0
    return after, cleared.objects


def test_objects_that_lie_mostly_in_it_go_whole():
    plane = labels()
    after, count = emptied(plane, whole_objects=True)
    np.testing.assert_array_equal(after, np.where(np.isin(plane, (1, 2)), 0, plane))
    assert count == 2


def test_of_classes_what_is_in_it_goes():
    plane = labels()
    after, count = emptied(plane, whole_objects=False)
    expected = plane.copy()
    inside = expected[:19, :10]
    inside[inside != BACKGROUND] = 0
    np.testing.assert_array_equal(after, expected)
    assert count is None


def test_where_there_is_nothing_nothing_goes():
    for whole_objects in (True, False):
        empty = np.zeros((4, 5), np.int32)
        cleared = what_to_clear(empty, ((0, 4), (0, 5)), background=BACKGROUND, whole_objects=whole_objects)
        assert len(cleared.rows) == 0
