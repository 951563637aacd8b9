"""How far a click goes, held against the closed form of one observation and against what must hold of any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.clicking.answering.spreading import ALIKE, MARGIN, NEAR, NOISE, OF_SCRIBBLE, cells_said, spread
from src_models.clicking.prompts import Box, Click, Scribble

SIZE = 24
seeds = st.integers(0, 10**6)
cells = st.tuples(st.integers(0, SIZE - 1), st.integers(0, SIZE - 1))
clicks = st.lists(st.tuples(cells, st.booleans()), min_size=1, max_size=6)


def drawn(seed, channels=3):
    random = np.random.default_rng(seed)
    grid = random.uniform(0.02, 0.98, (SIZE, SIZE)).astype(np.float32)
    return grid, random.normal(size=(channels, SIZE, SIZE)).astype(np.float32)


def logit(probability):
    return np.log(probability / (1 - probability))


def said_of(words):
    return [(float(y), float(x), positive) for (y, x), positive in words]


@given(seeds, cells, st.booleans(), st.floats(0.2, 0.8))
def test_one_click_corrects_logits_by_what_it_missed_times_the_kernel(seed, cell, positive, threshold):
    grid, features = drawn(seed)
    length = 20.0
    sign = 1 if positive else -1
    missed = max(0.0, MARGIN - sign * (logit(float(grid[cell])) - logit(threshold)))
    rows, columns = np.mgrid[:SIZE, :SIZE]
    away = (rows - cell[0]) ** 2 + (columns - cell[1]) ** 2
    standard = features / features.std((1, 2), keepdims=True)
    unlike = ((standard - standard[:, cell[0], cell[1]][:, None, None]) ** 2).mean(0)
    kernel = np.exp(-away / (2 * (NEAR * length) ** 2) - unlike / (2 * ALIKE**2))
    found = spread(grid, features, [(*map(float, cell), positive)], length, threshold)
    np.testing.assert_allclose(logit(found), logit(grid) + sign * missed / (1 + NOISE) * kernel, atol=2e-3)


@given(seeds, clicks)
def test_what_the_network_followed_by_the_margin_is_left_as_it_is(seed, words):
    grid, features = drawn(seed)
    last = dict(words)
    for cell, positive in last.items():
        grid[cell] = 0.8 if positive else 0.2  # logits of 1.39 to either side
    assert spread(grid, features, said_of(words), 20.0, 0.5) is grid


@given(seeds, cells, st.booleans())
def test_a_click_on_the_object_lowers_no_probability_and_one_beside_it_raises_none(seed, cell, positive):
    grid, features = drawn(seed)
    change = spread(grid, features, [(*map(float, cell), positive)], 12.0, 0.5) - grid
    assert (change >= -1e-6).all() if positive else (change <= 1e-6).all()


@given(seeds, clicks)
def test_object_and_surroundings_are_treated_alike(seed, words):
    grid, features = drawn(seed)
    contrary = [(cell, not positive) for cell, positive in words]
    one = spread(grid, features, said_of(words), 15.0, 0.5)
    other = spread(1 - grid, features, said_of(contrary), 15.0, 0.5)
    np.testing.assert_allclose(one, 1 - other, atol=1e-4)


@given(seeds, clicks, st.floats(0.1, 50), st.floats(-5, 5))
def test_units_of_features_tell_nothing(seed, words, factor, shift):
    grid, features = drawn(seed)
    other = (features * factor + shift).astype(np.float32)
    one = spread(grid, features, said_of(words), 15.0, 0.5)
    np.testing.assert_allclose(spread(grid, other, said_of(words), 15.0, 0.5), one, atol=1e-3)


@given(seeds, cells, st.booleans())
def test_of_one_cell_the_last_word_counts_and_what_lies_beside_the_grid_is_passed_over(seed, cell, positive):
    grid, features = drawn(seed)
    alone = spread(grid, features, said_of([(cell, positive)]), 15.0, 0.5)
    words = [*said_of([(cell, not positive), (cell, positive)]), (-3.0, 2.0, True), (2.0, SIZE + 1.0, False)]
    np.testing.assert_array_equal(spread(grid, features, words, 15.0, 0.5), alone)


@given(st.floats(1, 200), st.floats(0, 6.28), st.booleans())
def test_of_a_scribble_some_points_on_its_line_are_told_from_end_to_end(length, angle, positive):
    end = (length * np.sin(angle), length * np.cos(angle))
    prompts = [Box(0, 0, 9, 9), Click(3, 4), Scribble(((0.0, 0.0), end), positive)]
    click, *stroke = cells_said(prompts, lambda y, x: (y / 2, x / 2))
    assert click == (1.5, 2.0, True)
    assert len(stroke) <= 2 * OF_SCRIBBLE
    places, told = np.array([place[:2] for place in stroke]), {place[2] for place in stroke}
    assert told == {positive}
    along = places @ [np.sin(angle), np.cos(angle)]
    np.testing.assert_allclose(places, np.outer(along, [np.sin(angle), np.cos(angle)]), atol=1e-6)
    assert np.diff([0, *along, length / 2]).max() <= max(1.0, length / OF_SCRIBBLE)


def test_clicks_that_contradict_each_other_side_by_side_leave_what_is_around_them():
    grid = np.full((SIZE, SIZE), 0.5, np.float32)
    features = np.zeros((1, SIZE, SIZE), np.float32)
    found = spread(grid, features, [(12.0, 12.0, True), (12.0, 13.0, False)], 20.0, 0.5)
    assert found[12, 12] > 0.5 > found[12, 13]
    assert np.abs(logit(found) - 0.0).max() < MARGIN / NOISE
    assert np.isfinite(found).all()


def test_cells_that_look_otherwise_or_lie_far_away_stay():
    grid = np.full((SIZE, SIZE), 0.2, np.float32)
    features = np.zeros((1, SIZE, SIZE), np.float32)
    features[:, :, SIZE // 2 :] = 1.0
    found = spread(grid, features, [(4.0, 4.0, True)], 10.0, 0.5)
    assert (found[2:7, 2:7] > 0.5).all()
    np.testing.assert_allclose(found[:, SIZE // 2 :], 0.2, atol=0.03)
    np.testing.assert_allclose(found[20:], 0.2, atol=0.03)


@pytest.mark.parametrize("certain", [0.0, 1.0])
def test_a_network_that_is_certain_can_be_corrected(certain):
    grid = np.full((SIZE, SIZE), certain, np.float32)
    found = spread(grid, np.zeros((1, SIZE, SIZE), np.float32), [(4.0, 4.0, not certain)], 10.0, 0.5)
    assert (found[4, 4] > 0.5) == (not certain)
