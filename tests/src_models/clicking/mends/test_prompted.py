"""What is given for an object that a person began with: what it does not reach stays, what was clicked holds."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.clicking.session import ClickSession

SHAPE = (60, 90)
ROWS, COLUMNS = np.mgrid[:60, :90]


def disk(row, column, radius):
    return (ROWS - row) ** 2 + (COLUMNS - column) ** 2 <= radius**2


LEFT, RIGHT, BETWEEN = disk(30, 22, 10), disk(30, 66, 8), disk(30, 34, 5)


def begun_with(mask, truth, network):
    session = ClickSession(truth.astype(np.float32), network)
    session.begin_with(mask)
    return session


def test_a_click_mends_the_piece_it_lies_at_and_leaves_the_others(bright):
    session = begun_with(LEFT | RIGHT, LEFT | BETWEEN | RIGHT, bright)
    session.click(30, 36)
    assert session.mask[BETWEEN].mean() > 0.9
    assert session.mask[LEFT | RIGHT].all()
    session.click(30, 66, positive=False)
    assert not session.mask[30, 66]
    assert session.mask[LEFT].all()


def test_a_click_that_cuts_a_piece_in_two_drops_neither(bright):
    bridge = (abs(ROWS - 30) <= 1) & (COLUMNS > 30) & (COLUMNS < 60)
    session = begun_with(LEFT | RIGHT | bridge, LEFT | RIGHT, bright)
    session.click(30, 22)
    session.click(30, 45, positive=False)
    assert not session.mask[30, 45]
    assert session.mask[LEFT].mean() > 0.95
    assert session.mask[RIGHT].mean() > 0.95


def test_a_first_click_beside_it_does_not_make_it_another_object(bright):
    session = begun_with(LEFT, disk(30, 22, 4), bright)  # a network that sees the middle of it alone
    session.click(30, 22)
    session.click(30, 30, positive=False)
    assert session.mask[disk(30, 22, 4)].all()
    assert not session.mask[30, 30]


def test_a_click_far_from_all_of_it_changes_nothing_or_adds_what_is_found_there(bright):
    session = begun_with(LEFT, LEFT | RIGHT, bright)
    session.click(50, 80, positive=False)
    np.testing.assert_array_equal(session.mask, LEFT)
    session.click(30, 66)
    assert session.mask[RIGHT].mean() > 0.9
    assert session.mask[LEFT].all()


def test_a_box_around_a_piece_looks_for_that_one_in_it(bright):
    session = begun_with(LEFT | disk(30, 66, 4), LEFT | RIGHT, bright)
    session.box(20, 56, 40, 76)
    assert session.mask[RIGHT].mean() > 0.9
    assert session.mask[LEFT].all()


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 59), st.integers(0, 89), st.booleans()), min_size=1, max_size=5))
def test_a_pixel_is_in_or_out_as_it_was_clicked_last_and_each_click_changes_to_its_own_side(bright, clicks):
    session = begun_with(LEFT | RIGHT, LEFT | BETWEEN, bright)
    said = {}
    for row, column, positive in clicks:
        before = session.mask
        session.click(row, column, positive=positive)
        said[row, column] = positive
        after = session.mask
        assert all(after[place] == inside for place, inside in said.items())
        assert not (before & ~after).any() if positive else not (after & ~before).any()
