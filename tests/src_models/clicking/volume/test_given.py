"""What a person gives, and what it says of planes: against the voxels that were drawn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.clicking.prompts import Box, Click, Scribble
from src_models.clicking.volume.given import Drawn, Point
from src_models.clicking.volume.views import VIEWS

SHAPE = (10, 40, 50)


def only(planes):
    (one,) = planes
    return one


@pytest.mark.parametrize(("axis", "plane", "row", "column"), [(0, 3, 20, 30), (1, 20, 3, 30), (2, 30, 3, 20)])
def test_a_point_is_a_click_in_one_plane_of_each_view(axis, plane, row, column):
    said = only(Point((3, 20, 30), positive=False).planes(VIEWS[axis], SHAPE))
    assert (said.index, said.prompts) == (plane, (Click(row, column, False),))
    assert (said.said.tolist(), said.positive) == ([[row, column]], False)


@pytest.mark.parametrize(
    ("voxel", "fits"), [((0, 0, 0), True), ((9, 39, 49), True), ((10, 0, 0), False), ((0, -1, 0), False)]
)
def test_a_point_outside_is_told_from_one_inside(voxel, fits):
    assert Point(voxel).fits(SHAPE) is fits


def test_a_box_is_shown_by_the_edges_of_its_voxels():
    box = Drawn.box([(4, 5), (10, 20), (12, 30)])
    assert box.view == VIEWS[0]
    said = only(box.planes(VIEWS[0], SHAPE))
    assert said.prompts == (Box(9.5, 11.5, 19.5, 29.5),)
    assert len(said.said) == 0
    assert said.within.sum() == 10 * 18
    assert said.limit is None


def test_what_is_not_meant_in_a_box_is_said_of_every_voxel():
    said = only(Drawn.box([(4, 5), (10, 12), (12, 15)], positive=False).planes(VIEWS[0], SHAPE))
    assert sorted(map(tuple, said.said.tolist())) == [(y, x) for y in (10, 11) for x in (12, 13, 14)]
    assert all(isinstance(prompt, Scribble) and not prompt.positive for prompt in said.prompts)


def test_the_middle_of_a_bent_lasso_is_not_clicked_where_it_lies_outside():
    painted = np.zeros((1, 30, 30), bool)
    painted[0, :, :6] = painted[0, :6, :] = painted[0, 24:, :] = True  # a C
    lasso = Drawn("lasso", (2, 5, 7), painted)
    click, box = only(lasso.planes(VIEWS[0], SHAPE)).prompts
    assert painted[0, int(click.y) - 5, int(click.x) - 7]
    assert box == Box(4.5, 6.5, 34.5, 36.5)
    plain = Drawn("lasso", (2, 5, 7), np.ones((1, 30, 30), bool))
    assert only(plain.planes(VIEWS[0], SHAPE)).prompts == (box,)


def test_a_lasso_limits_the_object_to_a_bit_more_than_was_drawn():
    painted = np.zeros((1, 40, 40), bool)
    painted[0, 10:30, 10:30] = True
    limit = only(Drawn("lasso", (0, 0, 0), painted).clipped(SHAPE).planes(VIEWS[0], SHAPE)).limit
    assert limit[9, 15]
    assert not limit[8, 15]
    assert limit[10:30, 10:30].all()


def test_a_scribble_says_so_of_all_its_voxels_and_shows_a_line():
    painted = np.zeros((6, 1, 20), bool)
    painted[2:4, 0, 3:17] = True
    said = only(Drawn("scribble", (1, 8, 10), painted).planes(VIEWS[1], SHAPE))
    assert said.index == 8
    assert sorted(map(tuple, said.said.tolist())) == [(k, i) for k in (3, 4) for i in range(13, 27)]
    (line,) = said.prompts
    assert set(line.points()) <= {(float(k), float(i)) for k in (3, 4) for i in range(13, 27)}


def test_a_scribble_is_taken_apart_into_planes_of_another_view():
    painted = np.zeros((6, 1, 20), bool)
    painted[1, 0, 3:5] = painted[4, 0, 9] = True
    planes = list(Drawn("scribble", (2, 8, 10), painted).planes(VIEWS[0], SHAPE))
    assert [(each.index, each.said.tolist()) for each in planes] == [(3, [[8, 13], [8, 14]]), (6, [[8, 19]])]


boxes = st.tuples(*(st.tuples(st.integers(-9, 60), st.integers(1, 12)) for _ in SHAPE))


@given(boxes, st.randoms(use_true_random=False))
def test_what_is_clipped_is_what_lies_in_the_volume(place, random):
    start, sizes = [first for first, _ in place], [size for _, size in place]
    painted = np.random.default_rng(random.randrange(99)).random(sizes) > 0.7
    voxels = {tuple(voxel) for voxel in (np.argwhere(painted) + start).tolist()}
    inside = {voxel for voxel in voxels if Point(voxel).fits(SHAPE)}
    clipped = Drawn("scribble", tuple(start), painted).clipped(SHAPE)
    if clipped is None:
        assert not inside
        return
    assert {tuple(voxel) for voxel in (np.argwhere(clipped.painted) + clipped.start).tolist()} == inside
    for view in VIEWS:
        said = np.concatenate([view.voxels(each.index, each.said) for each in clipped.planes(view, SHAPE)])
        assert {tuple(voxel) for voxel in said.tolist()} == inside


def test_what_is_flat_in_no_view_belongs_to_none():
    assert Drawn("scribble", (0, 0, 0), np.ones((2, 3, 4), bool)).view is None
    assert [Drawn.box(bounds).view.axis for bounds in ([(1, 2), (0, 9), (0, 9)], [(0, 9), (0, 9), (3, 4)])] == [0, 2]
