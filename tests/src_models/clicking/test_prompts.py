"""Clicks, scribbles and boxes: what is drawn for the network, and what is stored."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.clicking.prompts import Box, Click, Scribble, draw_box, draw_prompts, prompt_from_dict
from src_models.errors import UserError

places = st.floats(-5, 25, allow_nan=False)


def as_is(y, x):
    return y, x


@given(places, places, st.booleans(), st.floats(0.5, 6))
def test_a_click_is_a_disk_of_its_sign(y, x, positive, radius):
    drawn = draw_prompts([Click(y, x, positive)], as_is, size=20, radius=radius)
    rows, columns = np.mgrid[:20, :20]
    disk = (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    np.testing.assert_array_equal(drawn[0 if positive else 1], disk)
    assert not drawn[1 if positive else 0].any()


def test_a_scribble_covers_what_lies_near_its_line():
    line = ((3.0, 3.0), (3.0, 15.0), (12.0, 15.0))
    drawn = draw_prompts([Scribble(line, positive=False)], as_is, size=20, radius=2)[1]
    for y in range(20):
        for x in range(20):
            near = min(
                np.hypot(y - 3, x - np.clip(x, 3, 15)),
                np.hypot(y - np.clip(y, 3, 12), x - 15),
            )
            assert drawn[y, x] == (near <= 2), (y, x)


def test_places_are_taken_to_the_grid_first():
    drawn = draw_prompts([Click(100, 50)], lambda y, x: (y / 10, x / 10), size=20, radius=0.5)
    assert np.argwhere(drawn[0]).tolist() == [[10, 5]]


def test_a_box_is_a_half_sure_mask_of_the_cells_inside():
    drawn = draw_box(Box(2.5, 3.5, 6.5, 9.5), as_is, size=12)
    assert set(np.unique(drawn)) == {0, 0.5}
    inside = np.argwhere(drawn)
    assert inside.min(0).tolist() == [3, 4]
    assert inside.max(0).tolist() == [6, 9]
    assert len(inside) == 4 * 6


@pytest.mark.parametrize("prompt", [Click(1.5, 2, False), Scribble(((0, 1.5), (2, 3))), Box(0, 1, 5, 6)])
def test_what_is_stored_comes_back(prompt):
    assert prompt_from_dict(json.loads(json.dumps(prompt.to_dict()))) == prompt


@pytest.mark.parametrize(
    "stored", [{}, {"kind": "lasso"}, {"kind": "click", "y": 1}, {"kind": "scribble", "line": [1]}]
)
def test_what_is_no_prompt_is_refused(stored):
    with pytest.raises(UserError, match="not a stored click, scribble or box"):
        prompt_from_dict(stored)


def test_a_box_without_an_inside_and_a_scribble_without_a_point_are_refused():
    with pytest.raises(UserError, match="has no inside"):
        Box(5, 5, 5, 9)
    with pytest.raises(UserError, match="at least one point"):
        Scribble(())
