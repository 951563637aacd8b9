"""What is marked as corrected, who made it, and what is refused."""

from __future__ import annotations

import dataclasses
import doctest
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import src_models.corrections.correction
from src_models.corrections import correction as module
from src_models.corrections.correction import MAKERS, CorrectionRecord, Source, mark
from src_models.errors import DataSetError, ImageError, UserError

CELLS = Source(layer="cells")


def planes(height=8, width=10, objects=4):
    return arrays(np.int32, (height, width), elements=st.integers(0, objects))


def test_examples_in_the_docstring_hold():
    assert doctest.testmod(src_models.corrections.correction).failed == 0


@settings(max_examples=60, deadline=None)
@given(labels=planes(), found=planes(), clicked=st.sets(st.integers(0, 5)), background=arrays(bool, (8, 10)))
def test_who_made_a_pixel_follows_from_what_was_there_before(labels, found, clicked, background):
    image = np.zeros((8, 10), np.uint8)
    correction = mark(image, labels, found, source=CELLS, background=background, clicked=clicked)
    for at in np.ndindex(8, 10):
        label = 0 if background[at] else labels[at]
        if label != found[at] and label in clicked and label > 0:
            maker = "click"
        elif label != found[at] or background[at]:
            maker = "brush"
        else:
            maker = "network"
        assert correction.labels[at] == label
        assert correction.makers[at] == MAKERS[maker]
    assert correction.counts.all()
    assert sum(correction.record.made_by.values()) == 80
    assert correction.record.made_by["click"] == (correction.makers == 2).sum()
    np.testing.assert_array_equal(correction.changed, correction.makers > 1)
    np.testing.assert_array_equal(correction.predicted, found)


@settings(max_examples=40, deadline=None)
@given(labels=planes(), found=planes())
def test_of_paint_alone_only_what_differs_counts(labels, found):
    image = np.zeros((8, 10), np.uint8)
    if (labels == found).all():
        with pytest.raises(UserError, match="Nothing was painted here"):
            mark(image, labels, found, source=CELLS, mode="painted")
        return
    correction = mark(image, labels, found, source=CELLS, mode="painted")
    np.testing.assert_array_equal(correction.counts, labels != found)


def test_background_that_was_painted_counts_although_nothing_was_found_there():
    background = np.zeros((8, 10), bool)
    background[2:4, 3:6] = True
    labels = np.ones((8, 10), np.int32)
    correction = mark(np.zeros((8, 10)), labels, labels, source=CELLS, mode="painted", background=background)
    np.testing.assert_array_equal(correction.counts, background)
    np.testing.assert_array_equal(correction.labels == 0, background)
    empty = np.zeros((8, 10), np.int32)
    correction = mark(np.zeros((8, 10)), empty, empty, source=CELLS, mode="painted", background=background)
    np.testing.assert_array_equal(correction.counts, background)
    assert correction.record.made_by == {"network": 0, "click": 0, "brush": 6}


@pytest.mark.parametrize(
    ("region", "inside"),
    [
        (((2, 5), (1, 4)), (slice(2, 5), slice(1, 4))),
        (((-3, 2), (7, 99)), (slice(0, 2), slice(7, 10))),
        (((-9, 99), (-9, 99)), (slice(None), slice(None))),
    ],
)
def test_a_region_counts_as_far_as_it_lies_in_the_plane(region, inside):
    correction = mark(np.zeros((8, 10)), np.zeros((8, 10), int), source=CELLS, mode="region", region=region)
    expected = np.zeros((8, 10), bool)
    expected[inside] = True
    np.testing.assert_array_equal(correction.counts, expected)


@pytest.mark.parametrize("region", [((8, 12), (0, 4)), ((-5, 0), (0, 4)), ((-5, -2), (0, 4)), ((2, 2), (0, 4))])
def test_a_region_beside_the_plane_is_refused(region):
    with pytest.raises(UserError, match="lies beside the image"):
        mark(np.zeros((8, 10)), np.zeros((8, 10), int), source=CELLS, mode="region", region=region)


def test_nothing_found_before_means_that_all_objects_are_new():
    labels = np.zeros((8, 10), np.uint16)
    labels[1:3] = 7
    correction = mark(np.zeros((8, 10)), labels, source=CELLS, clicked=[7])
    assert correction.record.made_by == {"network": 60, "click": 20, "brush": 0}
    assert correction.predicted.max() == 0


def test_what_has_no_finite_value_is_nothing_to_learn_from():
    image, labels = np.full((8, 10), np.nan, np.float32), np.ones((8, 10), int)
    with pytest.raises(UserError, match="cells: no value of the image is a finite number there"):
        mark(image, labels, source=CELLS)
    image[0, 0] = 3
    assert mark(image, labels, source=CELLS).counts.all()


def test_what_was_given_is_not_changed():
    labels, found = np.ones((8, 10), np.int64), np.ones((8, 10), np.int64)
    mark(np.zeros((8, 10)), labels, found, source=CELLS, background=np.ones((8, 10), bool))
    assert labels.all()
    assert found.all()


def test_of_a_large_plane_what_counts_is_kept_with_its_surroundings(monkeypatch):
    monkeypatch.setattr(module, "LARGEST_PLANE", 100)
    monkeypatch.setattr(module, "CONTEXT", 3)
    y, x = np.mgrid[:40, :50]
    image = (y * 50 + x).astype(np.uint16)
    labels = np.zeros((40, 50), int)
    labels[20:24, 1:6] = 3
    kept = mark(image, labels, source=CELLS, mode="painted")
    assert kept.record.region == ((17, 27), (0, 9))
    np.testing.assert_array_equal(kept.image, image[17:27, 0:9])
    np.testing.assert_array_equal(kept.counts, labels[17:27, 0:9] == 3)
    whole = mark(image, labels, source=CELLS)
    assert whole.record.region == ((0, 40), (0, 50))


def test_a_single_channel_has_no_axis_and_a_mask_is_a_number():
    image = np.random.default_rng(0).random((8, 10, 1)) > 0.5
    kept = mark(image, np.zeros((8, 10), int), source=CELLS).image
    assert kept.dtype == np.uint8
    np.testing.assert_array_equal(kept, image[..., 0])


@pytest.mark.parametrize("which", ["labels", "earlier labels"])
def test_labels_of_another_shape_are_refused_by_name(which):
    right, wrong = np.zeros((8, 10), int), np.zeros((8, 9), int)
    labels, found = (wrong, right) if which == "labels" else (right, wrong)
    with pytest.raises(ImageError, match=rf"the {which} of cells have the shape \(8, 9\) and its planes \(8, 10\)"):
        mark(np.zeros((8, 10, 3)), labels, found, source=CELLS)


def test_negative_labels_are_refused():
    with pytest.raises(ImageError, match="the labels of cells hold negative numbers"):
        mark(np.zeros((8, 10)), np.full((8, 10), -1), source=CELLS)


def test_labels_that_files_of_ours_cannot_hold_are_refused():
    for labels in (np.full((8, 10), 2**31, np.uint32), np.full((8, 10), 2**40)):
        with pytest.raises(ImageError, match="the labels of cells hold numbers above 2,147,483,647"):
            mark(np.zeros((8, 10)), labels, source=CELLS)


def test_an_empty_plane_is_refused():
    with pytest.raises(UserError, match="The plane is empty"):
        mark(np.zeros((0, 10)), np.zeros((0, 10), int), source=CELLS)


# Records

sources = st.builds(
    Source,
    layer=st.text(min_size=1, max_size=20),
    file=st.none() | st.text(max_size=20),
    axes=st.sampled_from(["YX", "ZYX", "TZYX"]),
    plane=st.lists(st.integers(0, 9), max_size=2).map(tuple),
    spacing=st.tuples(*[st.floats(0.01, 100)] * 2),
    unit=st.sampled_from(["pixel", "µm", "mm"]),
)
records = st.builds(
    CorrectionRecord,
    source=sources,
    mode=st.sampled_from(["slice", "region", "painted"]),
    region=st.tuples(*[st.tuples(st.integers(0, 9), st.integers(9, 99))] * 2),
    made_by=st.fixed_dictionaries({name: st.integers(0, 100) for name in ("network", "click", "brush")}),
    prompts=st.lists(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5))).map(tuple),
    model_name=st.none() | st.text(max_size=9),
    model_sha256=st.none() | st.just("ab" * 32),
)


@settings(max_examples=60, deadline=None)
@given(records)
def test_a_record_is_the_same_when_it_is_read_back(record):
    assert CorrectionRecord.from_json(record.to_json(), "a.json") == record


def test_numbers_of_numpy_in_a_source_are_stored():
    source = Source(layer="a", axes="ZYX", plane=(np.int64(3),), spacing=(np.float32(0.5), np.float64(0.25)))
    record = mark(np.zeros((4, 4)), np.zeros((4, 4), int), source=source).record
    again = CorrectionRecord.from_json(record.to_json(), "a.json")
    assert again.source.plane == (3,)
    assert again.source.spacing == (0.5, 0.25)
    assert again.source.same_place == source.same_place


@pytest.mark.parametrize(
    "text",
    ["", "no json", "[]", "3", "{}", '{"schema_version": 1}', '{"schema_version": "new"}'],
)
def test_what_is_no_record_is_said_to_be_none(text):
    with pytest.raises(DataSetError, match=r"^a\.json: this is not the record of a correction"):
        CorrectionRecord.from_json(text, "a.json")


def test_a_record_of_a_newer_version_asks_for_an_update():
    record = mark(np.zeros((4, 4)), np.zeros((4, 4), int), source=CELLS).record
    newer = json.dumps(dataclasses.asdict(record) | {"schema_version": 99, "mood": "glad"})
    with pytest.raises(DataSetError, match=r"^a\.json: .* newer napari-medt \(version 99.*update napari-medt"):
        CorrectionRecord.from_json(newer, "a.json")


def test_a_record_names_the_series_where_there_are_several_and_else_is_as_earlier_versions_wrote_it():
    image = np.zeros((4, 6), np.uint8)
    for series in (None, "Pos1"):
        source = Source(layer="cells", file="cells.ome.tif", series=series)
        text = mark(image, image + 1, source=source).record.to_json()
        assert json.loads(text)["source"].get("series", "left out") == (series or "left out")
        assert CorrectionRecord.from_json(text, "cells").source == source


def test_what_the_file_says_of_its_values_is_recorded_where_it_says_it():
    told = Source(layer="scan", modality="MR", padding=((-3024.0, -3024.0), (4000.0, 4095.0)))
    text = mark(np.ones((4, 4), int), np.ones((4, 4), int), source=told).record.to_json()
    assert CorrectionRecord.from_json(text, "a").source == told
    silent = mark(np.ones((4, 4), int), np.ones((4, 4), int), source=CELLS).record
    assert not {"modality", "padding"} & json.loads(silent.to_json())["source"].keys()
    assert CorrectionRecord.from_json(silent.to_json(), "a") == silent
