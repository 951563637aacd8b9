"""Whether a click kept its promises, on masks made by hand."""

import numpy as np
import pytest

from src_models.clicking.prompts import Click
from src_models.clicking.training.promises import Kept, kept, pixel_of

TRUTH = np.zeros((60, 80), bool)
TRUTH[10:50, 20:60] = True  # 1600 px; 39 px long, so that 3.9 px are near


def without(mask, rows, columns):
    mask = mask.copy()
    mask[rows, columns] = False
    return mask


BEFORE = without(TRUTH, slice(10, 50), slice(40, 60))
CLICKS = [Click(30, 30), Click(30, 50)]


def test_an_answer_that_adds_what_was_missing_keeps_all():
    assert kept(BEFORE, TRUTH, TRUTH, CLICKS) == Kept(True, True, True)


def test_a_pixel_that_is_not_as_it_was_clicked_last_breaks_the_first():
    assert not kept(BEFORE, without(TRUTH, 30, 50), TRUTH, CLICKS).obeyed
    assert not kept(BEFORE, without(TRUTH, 30, 30), TRUTH, CLICKS).obeyed, "clicks before the last one count, too"
    again = [Click(30, 30), Click(30, 30, positive=False)]
    assert kept(BEFORE, without(BEFORE, 30, 30), TRUTH, again).obeyed
    assert not kept(BEFORE, BEFORE, TRUTH, again).obeyed


def test_an_answer_that_changes_far_away_alone_breaks_the_second():
    far, near = BEFORE.copy(), BEFORE.copy()
    far[30, 55], near[30, 53] = True, True
    assert not kept(BEFORE, far, TRUTH, CLICKS).changed
    assert kept(BEFORE, near, TRUTH, CLICKS).changed


@pytest.mark.parametrize(("lost", "stayed"), [(80, True), (81, False)])
def test_more_than_a_twentieth_of_the_object_that_was_right_and_is_wrong_breaks_the_third(lost, stayed):
    missing, much = TRUTH.copy(), TRUTH.copy()
    rows, columns = np.divmod(np.arange(lost), 20)
    missing[10 + rows, 20 + columns] = False
    much[rows, 60 + columns % 20] = True
    for after in (missing, much):
        assert kept(BEFORE, after, TRUTH, CLICKS).stayed == stayed


def test_a_click_on_the_border_is_one_on_its_pixel():
    assert pixel_of(Click(-0.5, 79.5), TRUTH.shape) == (0, 79)
    assert pixel_of(Click(30.4, 29.6), TRUTH.shape) == (30, 30)
