from __future__ import annotations

import numpy as np
import pytest

from napari_medt.serving.answers import Refusal
from napari_medt.serving.monai_label.click_request import ClickRequest
from napari_medt.serving.store.served_image import ServedImage
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.images.axes import read_axes

DATA = np.zeros((6, 5, 4), np.uint8)
IMAGE = ServedImage(DATA, read_axes(DATA.shape, axes="ZYX"), VolumeGeometry.of_grid(np.eye(4), DATA.shape))


def test_points_are_voxels_in_the_order_of_placing():
    asked = ClickRequest.of({"foreground": [[3, 4, 5], [0, 1, 2]], "background": [[1, 1, 5.0]], "slice": 5}, IMAGE)
    assert asked == ClickRequest(((3, 4, 5), (0, 1, 2)), ((1, 1, 5),), 5)


def test_points_of_other_slices_are_left_out():
    """Versions of the client send all points with a click in slice 0."""
    asked = ClickRequest.of(
        {"foreground": [[1, 1, 5], [3, 4, 0]], "background": [[2, 2, 0], [2, 2, 1]], "slice": 0}, IMAGE
    )
    assert asked.in_slice() == ClickRequest(((3, 4, 0),), ((2, 2, 0),), 0)


def test_the_slice_is_that_of_the_first_point_where_it_is_not_said():
    assert ClickRequest(((1, 1, 5), (2, 2, 4))).in_slice() == ClickRequest(((1, 1, 5),), (), 5)
    assert ClickRequest(()).in_slice().foreground == ()


@pytest.mark.parametrize(
    "given",
    [
        5,
        "abc",
        {"a": 1},
        [1, 2, 3],
        [[1, 2]],
        [[1, 2, 3, 4]],
        [["1", "2", "3"]],
        [[True, 0, 0]],
        [[None, 0, 0]],
        [[[1], 2, 3]],
    ],
)
@pytest.mark.parametrize("name", ["foreground", "background"])
def test_what_is_no_list_of_voxels_is_refused(name, given):
    with pytest.raises(Refusal, match=r"\[i, j, k\]"):
        ClickRequest.of({name: given}, IMAGE)


def test_numbers_that_are_none_are_refused():
    for number in (float("nan"), float("inf"), 10**400):
        with pytest.raises(Refusal):
            ClickRequest.of({"foreground": [[number, 0, 0]]}, IMAGE)
    with pytest.raises(Refusal):
        ClickRequest.of({"foreground": [[0, 0, 0]], "slice": "first"}, IMAGE)


def test_points_outside_are_refused():
    with pytest.raises(Refusal, match="4 x 5 x 6 voxels"):
        ClickRequest.of({"foreground": [[4, 0, 0]]}, IMAGE)


def test_too_many_points_are_refused():
    with pytest.raises(Refusal, match="1,001 points"):
        ClickRequest.of({"foreground": [[0, 0, 0]] * 1001}, IMAGE)


def test_the_segment_has_its_name():
    assert ClickRequest.of({"label": "liver"}, IMAGE).label == "liver"
    assert ClickRequest.of({}, IMAGE).label == "object"
