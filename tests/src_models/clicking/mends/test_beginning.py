"""Masks that an object is begun with: found in labels, stored and read again."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from src_models.clicking.answering.known import whole
from src_models.clicking.click_image import ClickImage
from src_models.clicking.mends.beginning import begun, from_stored, object_at, planes_of, to_stored
from src_models.errors import UserError
from src_models.images.axes import read_axes
from src_models.images.labels_axes import LabelsAxes

SHAPE = (4, 20, 30)
COVERING = LabelsAxes("ZYX", SHAPE)
LABELS = np.zeros(SHAPE, np.uint16)
LABELS[1:3, 5:9, 5:10] = 3
LABELS[2, 9, 10] = 3  # by a corner
LABELS[1:3, 5:9, 15:20] = 3  # another piece of the same number
LABELS[1, 4, 5:10] = 7


def test_the_object_at_a_place_is_the_connected_piece_of_its_number():
    value, masks = object_at(LABELS, COVERING, (1,), (6, 7))
    expected = LABELS == 3
    expected[:, :, 12:] = False
    assert value == 3
    assert sorted(masks) == [(1,), (2,)]
    for (z,), mask in masks.items():
        np.testing.assert_array_equal(mask, expected[z])


def test_seen_from_the_side_it_is_the_same_object():
    side = np.moveaxis(LABELS, 2, 1)  # (z, x, y)
    value, masks = object_at(side, LabelsAxes("YZX", side.shape), (7,), (1, 6))
    assert value == 3
    assert sorted(masks) == [(x,) for x in range(5, 11)]
    np.testing.assert_array_equal(masks[10,], (LABELS == 3)[:, :, 10])


def test_of_a_series_of_stacks_it_is_that_of_one_time():
    series = np.stack([LABELS, LABELS])
    _, masks = object_at(series, LabelsAxes("TZYX", series.shape), (1, 2), (6, 7))
    assert sorted(masks) == [(1, 1), (1, 2)]


def test_where_nothing_lies_nothing_is_begun_with():
    with pytest.raises(UserError, match="no object at this place"):
        object_at(LABELS, COVERING, (0,), (6, 7))


@given(st.dictionaries(st.tuples(st.integers(0, 9)), stn.arrays(bool, (9, 13)), max_size=3))
def test_masks_are_the_same_again_after_they_were_stored(masks):
    again = from_stored(json.loads(json.dumps(to_stored(masks))), (9, 13))
    assert sorted(again) == sorted(plane for plane, mask in masks.items() if mask.any())
    for plane, mask in again.items():
        np.testing.assert_array_equal(mask, masks[plane])


@pytest.mark.parametrize("change", [{"bits": "AAAA"}, {"rows": [0, 50]}, {"rows": None}])
def test_what_is_no_stored_mask_is_refused(change):
    (stored,) = to_stored({(0,): np.eye(9, 13, dtype=bool)})
    with pytest.raises((ValueError, TypeError)):
        from_stored([{**stored, **change}], (9, 13))


def test_an_object_is_begun_as_if_it_had_been_found(bright):
    image = ClickImage(np.zeros(SHAPE, np.float32), bright, axes=read_axes(SHAPE, axes="ZYX"))
    state = begun(image, planes_of(LABELS == 3, image, (0,)), (0,))
    assert state.origin == (2,)  # it does not lie in slice 0, and slice 2 holds most of it
    assert state.begun
    assert state.carried
    for (z,), found in state.planes.items():
        np.testing.assert_array_equal(whole(found.answer), LABELS[z] == 3)


@pytest.mark.parametrize(
    ("mask", "sentence"), [(np.ones((4, 20, 31)), "4 x 20 x 31"), (np.zeros(SHAPE), "holds nothing")]
)
def test_masks_that_do_not_fit_are_refused_with_a_sentence(bright, mask, sentence):
    image = ClickImage(np.zeros(SHAPE, np.float32), bright, axes=read_axes(SHAPE, axes="ZYX"))
    with pytest.raises(UserError, match=sentence):
        planes_of(mask, image, (0,))
