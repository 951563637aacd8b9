"""What clicks say of where an object ends, and of how large it is."""

from __future__ import annotations

import numpy as np
import pytest

from src_models.clicking.answer import THRESHOLD, Answer
from src_models.clicking.answers import AnswerMaker
from src_models.clicking.crop import Crop
from src_models.clicking.prompts import Click

SHAPE = (96, 96)


class Fading:
    """A network that is the less sure the further it is from the middle, whatever was clicked."""

    size = 128

    def __call__(self, images, given):
        return np.clip(images[:, 0], 0.01, 0.99)


class Clump:
    """A network that takes a whole clump where it sees all of it, and one object of it close by."""

    size = 128

    def __call__(self, images, given):
        answers = []
        for image in images:
            bright = image[0] > 0.75
            clump = image[0] > 0.25
            answers.append(np.where(bright if bright.mean() > 0.03 else clump, 0.95, 0.02))
        return np.array(answers, np.float32)


def disc(y, x, radius):
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def maker(network, plane):
    return AnswerMaker(network, lambda region: plane[None][(slice(None), *region)].astype(np.float32), SHAPE)


def mask_of(answer):
    whole = np.zeros(SHAPE, bool)
    whole[answer.region] = answer.mask
    return whole


def overlap(one, other):
    return (one & other).sum() / (one | other).sum()


def fading():
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return np.clip(1 - np.hypot(rows - 48, columns - 48) / 40, 0, 1)


def test_a_click_beyond_the_edge_moves_all_of_the_edge_there_and_one_within_moves_it_back():
    answers = maker(Fading(), fading())
    first = answers.next([Click(48, 48)], None)
    assert overlap(mask_of(first), disc(48, 48, 20)) > 0.9  # where the network is undecided
    second = answers.next([Click(48, 48), Click(48, 76)], first)
    assert overlap(mask_of(second), disc(48, 48, 28)) > 0.85
    third = answers.next([Click(48, 48), Click(48, 76), Click(24, 48, positive=False)], second)
    assert second.threshold < third.threshold < first.threshold == THRESHOLD


def test_a_click_where_nothing_is_moves_no_edge():
    answers = maker(Fading(), fading())
    first = answers.next([Click(48, 48)], None)
    assert answers.next([Click(48, 48), Click(48, 89)], first).threshold == THRESHOLD


def test_a_click_that_takes_away_within_what_was_found_asks_for_something_smaller():
    small, clump = disc(48, 30, 7), disc(48, 48, 30)
    answers = maker(Clump(), np.where(small, 1.0, np.where(clump, 0.5, 0.0)))
    whole = Answer(
        Crop(0, 0, 96),
        (slice(0, 96), slice(0, 96)),
        np.where(np.kron(clump, np.ones((2, 2)))[:128, :128] > 0, 0.95, 0.02).astype(np.float32),
        np.zeros((3, 128, 128), np.float32),
        clump,
        SHAPE,
    )
    found = answers.next([Click(48, 30), Click(48, 60, positive=False)], whole)
    assert overlap(mask_of(found), small) > 0.8


@pytest.mark.parametrize("place", [(-5, 3), (3, 200)])
def test_an_answer_says_nothing_of_places_beside_its_square(place):
    answers = maker(Fading(), fading())
    assert answers.next([Click(48, 48)], None).probability_at(*place) is None
