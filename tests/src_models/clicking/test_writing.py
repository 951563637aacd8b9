"""Writing accepted objects, held against going through the labels pixel by pixel."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.clicking.clicked_object import AcceptedObject, ObjectSlice
from src_models.clicking.prompts import Click
from src_models.clicking.writing import Again, ObjectLabels, free_part, pixels_of, plan_objects
from src_models.errors import UserError
from src_models.images.labels_axes import LabelsAxes

SHAPE = (3, 6, 7)
COVERING = LabelsAxes("ZYX", SHAPE)
TIME = datetime(2024, 5, 6, tzinfo=UTC)


def accepted(inside):
    """An object of the pixels (z, y, x) at which an array is true; in each plane, the box around it was looked at."""
    slices = []
    for z in np.flatnonzero(inside.any((1, 2))):
        rows, columns = (np.flatnonzero(inside[z].any(axis)) for axis in (1, 0))
        region = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
        slices.append(ObjectSlice((int(z),), region, inside[z][region], (Click(float(rows[0]), float(columns[0])),)))
    return AcceptedObject(tuple(slices), "ab" * 32, TIME)


def sent(data, records=()):
    return ObjectLabels("mine", "mine", data, records)


def write(data, objects, records=(), **options):
    """Plan and write objects; what the labels hold then, and what was told of it."""
    labels = sent(data, records)
    found = [(accepted(inside), {"done": number}) for number, inside in enumerate(objects)]
    plans = plan_objects(labels, COVERING, found, **options)
    written = pixels_of(plans, labels, COVERING, overwrite=options.get("overwrite", False))
    after = data.copy()
    after[written.places] = written.values
    return after, plans, written


masks = st.integers(1, 2**30).map(
    lambda seed: np.random.default_rng(seed).random(SHAPE) < np.random.default_rng(seed + 1).uniform(0.05, 0.6)
)
some_masks = masks.filter(lambda inside: bool(inside.any()))
some_labels = st.integers(0, 2**30).map(
    lambda seed: np.random.default_rng(seed).choice([0, 0, 0, 1, 2, 5], SHAPE).astype(np.uint16)
)


def by_hand(data, objects, *, first, is_class, overwrite):
    """What should be there: each pixel goes to the first object that wants it, if it is free."""
    after = data.copy()
    values = [first if is_class else first + number for number in range(len(objects))]
    for index in np.ndindex(data.shape):
        for value, inside in zip(values, objects, strict=True):
            if inside[index] and (overwrite or data[index] == 0 or (is_class and data[index] == value)):
                after[index] = value
                break
    return after


@settings(max_examples=60)
@given(some_labels, st.lists(some_masks, min_size=1, max_size=3), st.sampled_from([None, 2, 9]), st.booleans())
def test_each_free_pixel_goes_to_the_first_object_that_wants_it(data, objects, value, overwrite):
    first = int(data.max()) + 1 if value is None else value
    expected = by_hand(data, objects, first=first, is_class=value is not None, overwrite=overwrite)
    wanted = np.any(objects, axis=0)
    free = wanted & (np.ones(SHAPE, bool) if overwrite else (data == 0) | (data == value))
    if not free.any():
        with pytest.raises(UserError, match="tick Overwrite finished objects"):
            write(data, objects, value=value, overwrite=overwrite)
        return
    before = data.copy()
    after, plans, found = write(data, objects, value=value, overwrite=overwrite)
    np.testing.assert_array_equal(data, before)  # nothing is written by planning
    np.testing.assert_array_equal(after, expected)
    assert len(set(zip(*(axis.tolist() for axis in found.places), strict=True))) == len(found.places[0])
    assert sum(one.pixels for one in found.written) == free.sum()
    for one, inside in zip(found.written, objects, strict=True):
        assert one.pixels + one.kept_out == inside.sum()
    for record in found.records:
        low, high = record["box"]
        assert (np.asarray(low) <= high).all()
        own = next(inside for plan, inside in zip(plans, objects, strict=True) if plan.value == record["value"])
        if value is None:
            at = np.argwhere(own & free)
            np.testing.assert_array_equal(record["box"], [at.min(0), at.max(0)])


@settings(max_examples=60)
@given(some_labels, some_masks, some_masks, st.booleans())
def test_an_object_that_is_accepted_again_takes_the_place_of_what_it_was(data, former, now, overwrite):
    data[former] = 7
    again = Again(7, False, TIME.isoformat(), {}, "mine")
    free = now & (np.ones(SHAPE, bool) if overwrite else (data == 0) | (data == 7))
    if not free.any():
        with pytest.raises(UserError, match="finished objects"):
            write(data, [now], again=again, overwrite=overwrite)
        return
    after, (plan,), _ = write(data, [now], again=again, overwrite=overwrite)
    assert (plan.value, plan.is_class) == (7, False)
    np.testing.assert_array_equal(after == 7, free)
    others = (data != 0) & (data != 7) & ~free
    np.testing.assert_array_equal(after[others], data[others])
    assert not after[former & ~free & (data == 7)].any()


def test_of_a_class_only_the_pixels_that_the_clicks_had_found_go():
    data = np.zeros(SHAPE, np.uint16)
    former, other, now = (np.zeros(SHAPE, bool) for _ in range(3))
    former[0, :2, :2], other[0, 4:, 4:], now[0, 1:3, 1:3] = True, True, True
    data[former | other] = 4
    again = Again(4, True, TIME.isoformat(), {}, "mine", accepted(former).slices)
    after, _, _ = write(data, [now], again=again)
    np.testing.assert_array_equal(after == 4, now | other)


def test_what_others_took_of_an_object_meanwhile_stays_theirs():
    data = np.zeros(SHAPE, np.uint16)
    former, now = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    former[0, :3, :3], now[1, :3, :3] = True, True
    data[former] = 3
    plans = plan_objects(
        sent(data), COVERING, [(accepted(now), {})], again=Again(3, False, TIME.isoformat(), {}, "mine")
    )
    data[0, 0, :3] = 8  # painted after it was planned
    found = pixels_of(plans, sent(data), COVERING)
    data[found.places] = found.values
    assert (data[0, 0, :3] == 8).all()
    assert not data[0, 1:].any()
    np.testing.assert_array_equal(data == 3, now)


def test_numbers_go_on_from_the_highest_that_there_is_or_was_or_was_given():
    data = np.zeros(SHAPE, np.uint16)
    data[0, 0, 0] = 4
    inside = np.zeros(SHAPE, bool)
    inside[1, 2, 3] = True
    found = [(accepted(inside), {})]
    assert plan_objects(None, COVERING, found)[0].value == 1
    assert plan_objects(sent(data), COVERING, found)[0].value == 5
    assert plan_objects(sent(data, [{"value": 8}]), COVERING, found)[0].value == 9
    assert plan_objects(sent(data, [{"value": 8}]), COVERING, found, above=11)[0].value == 12
    assert [plan.value for plan in plan_objects(sent(data), COVERING, found * 3)] == [5, 6, 7]


def test_labels_that_cannot_take_an_object_are_named():
    inside = np.zeros(SHAPE, bool)
    inside[0, 0, 0] = True
    found = [(accepted(inside), {})]
    with pytest.raises(UserError, match=r"'mine' have the shape \(2, 2\) and layer 'a' needs \(3, 6, 7\)"):
        plan_objects(sent(np.zeros((2, 2), int)), COVERING, found, image="layer 'a'")
    full = np.zeros(SHAPE, np.uint8)
    full[2] = 255
    with pytest.raises(UserError, match=r"are full \(uint8\): choose new labels"):
        plan_objects(sent(full), COVERING, found)


def test_the_free_part_is_what_is_drawn_and_written():
    data = np.zeros(SHAPE, np.uint16)
    data[0, :, :3], data[0, :, 3] = 2, 6
    inside = np.zeros(SHAPE, bool)
    inside[0, 1:5, 1:6] = True
    (part,) = accepted(inside).slices
    columns = {own: free_part(data, COVERING, part, own=own, overwrite=False).any(0).tolist() for own in (0, 2, 6)}
    assert columns == {
        0: [False, False, False, True, True],
        2: [True, True, False, True, True],
        6: [False, False, True, True, True],
    }
    assert free_part(data, COVERING, part, own=0, overwrite=True).all()
    assert free_part(None, COVERING, part, own=0, overwrite=False).all()


def test_a_record_tells_what_an_object_was_made_by():
    data = np.zeros(SHAPE, np.uint16)
    inside = np.zeros(SHAPE, bool)
    inside[1, 2:4, 3] = True
    labels = sent(data)
    plans = plan_objects(labels, COVERING, [(accepted(inside), {"done": ["a click"]})])
    (record,) = pixels_of(plans, labels, COVERING, notes={"image": "cells", "axes": "ZYX"}).records
    assert record == {
        "value": 1,
        "class": False,
        "image": "cells",
        "axes": "ZYX",
        "box": [[1, 2, 3], [1, 3, 3]],
        "model_sha256": "ab" * 32,
        "time": TIME.isoformat(),
        "planes": [[1]],
        "prompts": [{"plane": [1], "kind": "click", "y": 2.0, "x": 3.0, "positive": True}],
        "session": {"done": ["a click"]},
    }
    again = Again.of(record, "mine")
    assert (again.value, again.is_class, again.time, again.session) == (1, False, TIME.isoformat(), record["session"])
