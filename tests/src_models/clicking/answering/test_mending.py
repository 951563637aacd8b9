"""What a click may change of an object, held against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from src_models.clicking.answering.mending import OBEYING, REACH, changed, felt, obeyed
from src_models.clicking.prompts import Box, Click, Scribble

CELL = (1.0, 1.0)
SHAPE = (24, 28)


def away_from(y, x):
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.hypot(rows - y, columns - x)


masks = st.integers(0, 10**6).map(lambda seed: np.random.default_rng(seed).random(SHAPE) < 0.4)
places = st.tuples(st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1))


@settings(max_examples=60)
@given(masks, masks, places, st.booleans())
def test_a_click_changes_the_parts_that_reach_it_in_its_own_direction_alone(before, now, place, positive):
    away = away_from(*place)
    found = changed(before, now, positive, away)
    otherwise = now & ~before if positive else before & ~now
    assert not (found & ~otherwise).any()
    parts, count = ndimage.label(otherwise, np.ones((3, 3)))
    for number in range(1, count + 1):
        part = parts == number
        reaches = bool((away[part] <= REACH).any())
        assert found[part].all() == reaches
        assert found[part].any() == reaches


@settings(max_examples=60)
@given(masks, st.lists(st.tuples(places, st.booleans()), min_size=1, max_size=5))
def test_the_last_word_on_every_clicked_place_is_the_persons(found, clicks):
    prompts = [Click(float(y), float(x), positive) for (y, x), positive in clicks]
    result = obeyed(found, prompts, (0, 0), CELL)
    last = {(y, x): positive for (y, x), positive in clicks}
    for place, positive in last.items():
        assert result[place] == positive
    far = np.min([away_from(y, x) for (y, x), _ in clicks], axis=0) > 2.0
    np.testing.assert_array_equal(result[far], found[far])
    agreeing = [prompt for prompt in prompts if found[int(prompt.y), int(prompt.x)] == prompt.positive]
    np.testing.assert_array_equal(obeyed(found, agreeing, (0, 0), CELL), found)


def test_an_object_does_not_leave_its_box_but_for_what_a_hand_slips():
    found = np.ones(SHAPE, bool)
    result = obeyed(found, [Box(5.0, 6.0, 15.0, 16.0)], (0, 0), CELL)
    rows, columns = np.flatnonzero(result.any(1)), np.flatnonzero(result.any(0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (5, 15, 6, 16)
    shifted = obeyed(found, [Box(105.0, 206.0, 115.0, 216.0)], (100, 200), CELL)
    np.testing.assert_array_equal(shifted, result)


def test_a_scribble_counts_all_along_its_line():
    result = obeyed(np.zeros(SHAPE, bool), [Scribble(((3.0, 4.0), (3.0, 20.0)))], (0, 0), CELL)
    assert result[3, 4:21].all()
    assert not result[8:].any()


@settings(max_examples=60)
@given(masks, places, st.booleans())
def test_a_click_that_changed_nothing_takes_or_adds_a_disc(found, place, positive):
    result = felt(found, found, [Click(float(place[0]), float(place[1]), positive)], (0, 0), CELL)
    away = away_from(*place)
    nearest = away[found != positive].min(initial=np.inf)
    assert (result[away <= OBEYING] == positive).all()
    assert (result != found).any() == (nearest <= REACH + OBEYING)
    np.testing.assert_array_equal(result[away > max(OBEYING, nearest + 0.5)], found[away > max(OBEYING, nearest + 0.5)])


@pytest.mark.parametrize("positive", [True, False])
def test_what_goes_with_a_click_leaves_alone_what_was_clicked_before(positive):
    found = np.full((24, 24), positive)
    found[9:12, 9:12] = not positive
    prompts = [Click(10, 10, not positive), Click(10, 7, positive)]
    result = felt(found, found, prompts, (0, 0), CELL)
    assert result[10, 10] != positive
    assert result[10, 9] == positive
    assert (obeyed(result, prompts, (0, 0), CELL) == result).all()


@settings(max_examples=60)
@given(masks, places, places, st.booleans())
def test_a_click_that_changed_something_near_it_is_left_at_that(before, place, elsewhere, positive):
    after = before.copy()
    after[elsewhere] = ~after[elsewhere]
    result = felt(before, after, [Click(float(place[0]), float(place[1]), positive)], (0, 0), CELL)
    within = np.abs(np.subtract(place, elsewhere)).max() <= np.ceil(REACH + OBEYING)
    disc = away_from(*place) <= OBEYING
    if within:
        np.testing.assert_array_equal(result, after)
    else:
        assert (result[disc] == positive).all()
