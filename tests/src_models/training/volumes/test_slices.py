"""Slices with their neighbours: what a network of slices learns from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.training.patches import TrainingImage
from src_models.training.volumes.slices import slices_of, with_neighbours

RNG = np.random.default_rng(0)


@given(depth=st.integers(1, 6), half=st.integers(0, 3))
def test_each_slice_has_its_neighbours_and_the_outermost_are_repeated(depth, half):
    slices = RNG.normal(size=(depth, 3, 4))
    found = with_neighbours(slices, range(-half, half + 1))
    assert found.shape == (depth, 2 * half + 1, 3, 4)
    for z in range(depth):
        for channel, offset in enumerate(range(-half, half + 1)):
            place = z + offset
            while place < 0:
                place += 1
            while place >= depth:
                place -= 1
            np.testing.assert_array_equal(found[z, channel], slices[place])


def volume(depth=5, labels=None):
    image = RNG.normal(size=(1, depth, 6, 7)).astype(np.float16)
    labels = RNG.integers(0, 3, (depth, 6, 7)).astype(np.int32) if labels is None else labels
    return TrainingImage("liver", image, labels, None, domain="ct")


def test_the_slices_of_a_volume_take_no_memory_of_their_own():
    whole = volume()
    found = list(slices_of(whole, (-1, 0, 1)))
    assert [each.name for each in found] == [f"liver slice {z}" for z in range(5)]
    for z, each in enumerate(found):
        np.testing.assert_array_equal(each.image[1], whole.image[0, z])
        np.testing.assert_array_equal(each.labels, whole.labels[z])
        assert (each.domain, each.focus) == ("ct", None)
    assert np.shares_memory(found[1].image, found[2].image)


def test_slices_of_which_nothing_counts_are_left_out_and_of_others_that_part_is_looked_at():
    labels = np.full((5, 6, 7), ~1, np.int32)
    labels[2, 1:3, 2:4] = 1
    labels[4] = 0
    found = list(slices_of(volume(labels=labels), (0,)))
    assert [each.name for each in found] == ["liver slice 2", "liver slice 4"]
    assert found[0].focus.tolist() == [[1, 2], [1, 3], [2, 2], [2, 3]]
    assert found[1].focus is None


@pytest.mark.parametrize(("most", "taken"), [(2, [0, 3]), (3, [0, 2, 4]), (9, [0, 1, 2, 3, 4])])
def test_some_are_taken_evenly(most, taken):
    assert [each.name for each in slices_of(volume(), (0,), most)] == [f"liver slice {z}" for z in taken]
