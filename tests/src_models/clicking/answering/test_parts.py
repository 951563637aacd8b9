"""Which connected parts are the object."""

import numpy as np

from src_models.clicking.answering.parts import part_over, parts_with


def three():
    """Return a mask of three bars, at rows 1, 4 and the last, and each of them."""
    bars = []
    for row in (1, 4, 7):
        bar = np.zeros((8, 10), bool)
        bar[row, 2:] = True
        bars.append(bar)
    return bars[0] | bars[1] | bars[2], bars


def test_the_parts_that_hold_a_place_count_and_all_where_none_does():
    found, bars = three()
    np.testing.assert_array_equal(parts_with(found, [(1.2, 4.0), (1.0, 6.0)]), bars[0])
    np.testing.assert_array_equal(parts_with(found, [(1.0, 4.0), (4.0, 4.0)]), bars[0] | bars[1])
    np.testing.assert_array_equal(parts_with(found, [(0.0, 0.0)]), found)
    np.testing.assert_array_equal(parts_with(found, [(20.0, 4.0), (4.0, 4.0)]), bars[1])


def test_the_outermost_half_of_a_pixel_belongs_to_it():
    found, bars = three()
    np.testing.assert_array_equal(parts_with(found, [(7.5, 9.5)]), bars[2])
    np.testing.assert_array_equal(parts_with(found, [(7.6, 9.0)]), found)


def test_the_part_with_most_in_common_is_what_was_before():
    found, bars = three()
    before = np.zeros_like(found)
    before[3:6, 5:9], before[1, 2:4] = True, True
    np.testing.assert_array_equal(part_over(found, before), bars[1])
    np.testing.assert_array_equal(part_over(found, np.zeros_like(found)), found)
