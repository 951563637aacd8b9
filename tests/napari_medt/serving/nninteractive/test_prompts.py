"""Prompts read from requests, and nothing else that comes in their place."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_medt.serving.nninteractive.prompts import box_of, drawn_of, meta_of, point_of, spacing_of
from src_models.clicking.volume.given import Point

SHAPE = (6, 30, 40)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


def test_a_point_is_a_voxel_in_or_out():
    assert point_of({"coordinates": [1, 2, 3], "include_interaction": False}) == Point((1, 2, 3), False)
    assert point_of({"coordinates": [1.4, 2.5, 3.0], "include_interaction": True}) == Point((1, 3, 3), True)
    assert point_of({"coordinates": [-5, 2, 10**6]}) == Point((-5, 2, 10**6), True)


@pytest.mark.parametrize(
    "place", [None, [], [1, 2], [1, 2, 3, 4], [1, 2, None], ["1", 2, 3], [1, 2, float("nan")], [1, 2, 1e300], {"k": 1}]
)
def test_what_is_no_point_is_none(place):
    assert point_of({"coordinates": place}) is None


def test_a_box_has_its_voxels_and_is_cut_at_the_volume():
    box = box_of({"bbox_coords": [[2, 3], [10, 14], [35, 999]], "include_interaction": False}, SHAPE)
    assert (box.kind, box.start, box.painted.shape, box.positive) == ("box", (2, 10, 35), (1, 4, 5), False)
    assert box.painted.all()
    backwards = box_of({"bbox_coords": [[14, 10], [3, 2], [5, 4]]}, (30, 30, 30))
    assert (backwards.start, backwards.painted.shape) == ((10, 2, 4), (4, 1, 1))


@pytest.mark.parametrize(
    "bounds",
    [
        [[0, 6], [0, 30], [0, 40]],  # deep
        [[2, 2], [0, 30], [0, 40]],
        [[9, 10], [0, 30], [0, 40]],
        [[2, 3], [-9, -1], [0, 40]],
        [[2, 3], [0, 30]],
        [[2, 3], [0, 30], 5],
        [[2, 3], [0, 30], [0, "40"]],
        None,
    ],
)
def test_what_is_no_box_in_a_plane_of_the_volume_is_none(bounds):
    assert box_of({"bbox_coords": bounds}, SHAPE) is None


def test_a_box_of_any_length_takes_no_more_than_the_volume():
    box = box_of({"bbox_coords": [[2, 3], [-(2**50), 2**50], [-(2**50), 2**50]]}, SHAPE)
    assert box.painted.shape == (1, 30, 40)


def test_what_is_painted_lies_where_the_crop_does():
    painted = np.zeros((1, 3, 4), np.uint8)
    painted[0, 1, 2] = 7
    meta = {"interaction_bbox": [[2, 3], [10, 13], [20, 24]], "include_interaction": False}
    scribble = drawn_of("scribble", meta, painted, SHAPE)
    assert (scribble.kind, scribble.positive) == ("scribble", False)
    assert (np.argwhere(scribble.painted) + scribble.start).tolist() == [[2, 11, 22]]
    whole = np.zeros(SHAPE, np.uint8)
    whole[5, 4, 3] = 1
    lasso = drawn_of("lasso", {"interaction_bbox": None}, whole, SHAPE)
    assert (np.argwhere(lasso.painted) + lasso.start).tolist() == [[5, 4, 3]]
    assert lasso.positive


@pytest.mark.parametrize(
    ("bounds", "shape"),
    [(None, (1, 3, 4)), ([[2, 3], [10, 13], [20, 25]], (1, 3, 4)), ("all", (1, 3, 4)), (None, (30, 40)), (None, ())],
)
def test_what_is_painted_beside_its_crop_is_none(bounds, shape):
    assert drawn_of("scribble", {"interaction_bbox": bounds}, np.ones(shape, np.uint8), SHAPE) is None


def test_spacing_is_taken_where_it_is_one():
    assert spacing_of({"image_properties": {"spacing": [2.5, 0.8, 0.7]}}) == (2.5, 0.8, 0.7)
    for wrong in ([2.5, 0.8], [2.5, 0.8, 0], [2.5, 0.8, -1], [2.5, 0.8, float("inf")], "2.5", None):
        assert spacing_of({"image_properties": {"spacing": wrong}}) is None
    assert spacing_of({}) is None
    assert spacing_of({"image_properties": [1, 2, 3]}) is None


def test_a_header_that_is_no_object_says_nothing():
    assert meta_of('{"run_prediction": false}') == {"run_prediction": False}
    for wrong in (None, "", "[1]", "{", "[" * 100_000, "5"):
        assert meta_of(wrong) == {}


@given(body=st.dictionaries(st.sampled_from(["coordinates", "bbox_coords", "interaction_bbox"]), anything))
def test_whatever_is_sent_is_a_prompt_or_none(body):
    body = json.loads(json.dumps(body))
    point = point_of(body)
    assert point is None or all(isinstance(at, int) for at in point.voxel)
    box = box_of(body, SHAPE)
    assert box is None or box.clipped(SHAPE) is not None
    drawn_of("scribble", body, np.ones((1, 2, 2)), SHAPE)
