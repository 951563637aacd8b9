"""The simulated next click, against errors that are made by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from src_models.clicking.training.simulation import hurried_click, next_click


def disk(y, x, radius, size=64):
    rows, columns = np.mgrid[:size, :size]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


NOTHING = np.zeros((64, 64), bool)


def test_the_first_click_goes_to_the_middle_of_the_object():
    click = next_click(disk(20, 30, 9), NOTHING)
    assert (click.y, click.x, click.positive) == (20, 30, True)


def test_the_larger_error_is_clicked_with_its_sign():
    truth = disk(20, 20, 10)
    found = truth | disk(50, 50, 7)
    click = next_click(truth, found)
    assert (click.y, click.x, click.positive) == (50, 50, False)
    both = next_click(truth | disk(20, 50, 9), found)  # more is missing than is too much
    assert (both.y, both.x, both.positive) == (20, 50, True)


def test_of_many_parts_the_largest_is_clicked_not_the_deepest():
    bar = np.zeros((64, 64), bool)
    bar[40:45, 5:60] = True  # 275 px, 2 deep
    click = next_click(bar | disk(15, 15, 6), NOTHING)  # 113 px, 6 deep
    assert 40 <= click.y < 45


def test_where_all_is_right_there_is_no_click():
    truth = disk(20, 20, 10)
    assert next_click(truth, truth) is None
    assert hurried_click(truth, truth, np.random.default_rng(0)) is None


def test_what_was_clicked_is_not_clicked_again():
    truth, clicked = disk(20, 20, 10), disk(20, 20, 4)
    click = next_click(truth, NOTHING, clicked)
    assert not clicked[int(click.y), int(click.x)]
    assert truth[int(click.y), int(click.x)]


def test_an_object_at_the_border_is_clicked_inside():
    truth = np.zeros((64, 64), bool)
    truth[:, :9] = True
    assert next_click(truth, NOTHING).x == 4


@given(st.integers(0, 1000), st.integers(5, 20))
def test_a_hurried_click_lies_in_the_inner_half_of_the_error(seed, radius):
    click = hurried_click(disk(30, 30, radius), NOTHING, np.random.default_rng(seed))
    assert click.positive
    assert np.hypot(click.y - 30, click.x - 30) <= radius / 2 + 1
