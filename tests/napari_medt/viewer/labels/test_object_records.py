"""What is known of clicked objects is found again at the place that a person points at."""

from __future__ import annotations

import json

import numpy as np
import pytest
from napari.layers import Labels

from napari_medt.viewer.labels.object_records import note_records, objects_of, record_at, records_of


@pytest.fixture
def labels():
    data = np.zeros((20, 30), np.uint16)
    data[2:6, 2:6], data[10:15, 10:20] = 1, 2
    return Labels(data, metadata={"of a person": 1})


def record(value, time, box=None, **more):
    return {"value": value, "time": time, **({} if box is None else {"box": box}), **more}


ONE, OTHER = record(1, "9:00", ((2, 2), (5, 5))), record(2, "9:01", ((10, 10), (14, 19)))


def test_what_is_noted_is_known_and_the_rest_of_the_metadata_stays(labels):
    note_records(labels, [ONE])
    note_records(labels, [OTHER])
    assert records_of(labels) == [ONE, OTHER]
    assert labels.metadata["of a person"] == 1
    assert json.loads(json.dumps(labels.metadata["napari_medt"]["objects"]))[0]["value"] == 1


def test_objects_that_are_gone_are_not_among_those_that_are_there(labels):
    note_records(labels, [ONE, OTHER])
    labels.data[labels.data == 1] = 0
    assert objects_of(labels) == [OTHER]
    assert records_of(labels) == [ONE, OTHER]  # an undo may bring it back


def test_a_record_is_replaced_by_the_one_of_the_object_as_it_is_now(labels):
    again = record(1, "9:05", ((2, 2), (7, 7)))
    note_records(labels, [ONE, OTHER])
    note_records(labels, [again], gone=[ONE])
    assert records_of(labels) == [OTHER, again]


def test_the_record_at_a_place_is_that_of_its_number(labels):
    note_records(labels, [ONE, OTHER])
    assert record_at(labels, 1, (3, 4)) == ONE
    assert record_at(labels, 2, (14, 19)) == OTHER
    assert record_at(labels, 2, (3, 4)) is None
    assert record_at(labels, 1, (6, 6)) is None


def test_of_two_objects_of_a_class_it_is_the_smaller_one_that_holds_the_place(labels):
    large, small = record(1, "a", ((0, 0), (19, 29))), record(1, "b", ((2, 2), (5, 5)))
    note_records(labels, [large, small])
    assert record_at(labels, 1, (3, 3)) == small
    assert record_at(labels, 1, (9, 9)) == large


def test_records_of_an_earlier_version_say_not_where_an_object_is(labels):
    """Its number tells, unless it is a class, which many objects share."""
    note_records(labels, [record(1, "a"), {**record(2, "b"), "class": True}])
    assert record_at(labels, 1, (3, 3))["time"] == "a"
    assert record_at(labels, 2, (11, 11)) is None


def test_of_labels_that_nobody_clicked_in_nothing_is_known(labels):
    assert records_of(labels) == objects_of(labels) == []
    assert record_at(labels, 1, (3, 3)) is None
