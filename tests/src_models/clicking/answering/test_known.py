"""Pixels made into answers, and answers settled as what lies in a plane."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from scipy import ndimage

from src_models.clicking.answering.known import answer_of, near_pieces, settled, touching, whole

SHAPE = (60, 80)


def disk(row, column, radius):
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


LEFT, RIGHT = disk(30, 20, 8), disk(30, 60, 8)
masks = stn.arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40)))


@given(masks)
def test_pixels_are_the_same_again_as_an_answer(pixels):
    answer = answer_of(pixels, 32)
    np.testing.assert_array_equal(whole(answer), pixels)
    assert answer.grid.shape == (32, 32)


def test_the_probabilities_of_pixels_say_where_they_are():
    answer = answer_of(LEFT, 64)
    assert answer.probability_at(30, 20) > 0.9
    assert answer.probability_at(30, 35) < 0.1
    assert answer.seen
    assert not answer_of(np.zeros(SHAPE, bool), 64).seen


@given(stn.arrays(bool, SHAPE, elements=st.booleans(), fill=st.just(False)))
def test_an_answer_is_settled_as_what_lies_in_the_plane(pixels):
    np.testing.assert_array_equal(whole(settled(answer_of(LEFT, 32), pixels)), pixels)


def test_probabilities_stay_where_the_pixels_are_as_they_were_found():
    answer = answer_of(LEFT, 64)
    cut = LEFT.copy()
    cut[:, 22:] = False
    now = settled(answer, cut)
    assert now.crop == answer.crop
    assert now.probability_at(30, 15) == answer.probability_at(30, 15)
    assert now.probability_at(30, 26) < 0.1 < answer.probability_at(30, 26)
    assert settled(answer, LEFT) is answer


def test_a_place_belongs_to_the_piece_it_lies_in_or_next_to_and_to_none_far_away():
    pieces, count = ndimage.label(LEFT | RIGHT)
    assert near_pieces(pieces, count, np.array([[30, 22]])) == {1}
    assert near_pieces(pieces, count, np.array([[30, 50], [0, 79]])) == {2}
    assert near_pieces(pieces, count, np.array([[30, 22], [30, 60]])) == {1, 2}
    assert near_pieces(pieces, count, np.array([[5, 40]])) == set()
    assert near_pieces(np.zeros(SHAPE, np.int32), 0, np.array([[5, 40]])) == set()


def test_pieces_that_lie_over_what_changed_are_those_that_share_a_pixel_with_it():
    np.testing.assert_array_equal(touching(LEFT | RIGHT, disk(30, 13, 2)), LEFT)
    assert not touching(LEFT | RIGHT, disk(5, 40, 3)).any()
