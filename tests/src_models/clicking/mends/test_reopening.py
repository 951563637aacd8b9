"""What is known of an object of labels that is worked on again."""

import numpy as np

from src_models.clicking.clicked_object import ObjectSlice
from src_models.clicking.mends.reopening import NEVER, again_stored, painted
from src_models.clicking.writing import Again, ObjectLabels
from src_models.images.labels_axes import LabelsAxes

SHAPE = (6, 8)
PART = ObjectSlice((), (slice(1, 4), slice(2, 6)), np.ones((3, 4), bool), ())


def labels(records=()):
    data = np.zeros(SHAPE, np.uint16)
    data[1:4, 2:6] = 5
    return ObjectLabels("mine", "mine", data, records)


def test_a_stored_object_is_found_by_number_and_time_and_only_there():
    record = {"value": 5, "time": "noon", "class": False, "session": {"done": []}}
    found = again_stored(labels([record]), {"value": 5, "time": "noon"}, (PART,))
    assert (found.value, found.is_class, found.labels, found.parts) == (5, False, "mine", (PART,))
    assert again_stored(labels([record]), {"value": 5, "time": "later"}, (PART,)) is None
    assert again_stored(None, {"value": 5, "time": "noon"}, ()) is None
    assert again_stored(labels([record]), None, ()) is None


def test_one_that_nobody_had_clicked_needs_no_record_and_shares_its_number():
    found = again_stored(labels(), {"value": 5, "time": NEVER}, (PART,))
    assert (found.value, found.is_class, found.parts) == (5, True, (PART,))


def test_pixels_that_were_painted_since_are_counted_both_ways():
    again, now = Again(5, False, "noon", {}, "mine", (PART,)), labels()
    assert painted(again, now, LabelsAxes("YX", SHAPE)) == 0
    now.data[1, 2:4] = 0
    now.data[3, 5] = 7  # another object's: that is no painting in this one
    assert painted(again, now, LabelsAxes("YX", SHAPE)) == 2
    assert painted(Again(5, True, "noon", {}, "mine", (PART,)), now, LabelsAxes("YX", SHAPE)) == 0
