"""How many clicks an object takes, against answers that are known beforehand."""

import numpy as np
import pytest

from src_models.clicking.prompts import Box, Click
from src_models.clicking.training.evaluation import MOST_CLICKS, ObjectScore, click_until_right, summarise
from src_models.clicking.training.promises import Kept

TRUTH = np.zeros((40, 50), bool)
TRUTH[10:30, 12:38] = True


class Session:
    """Answers with one column of the object more after each thing that it is given."""

    def __init__(self, columns):
        self.columns, self.given, self.resets = columns, [], 0

    def reset(self):
        self.given, self.resets = [], self.resets + 1

    def give(self, prompt):
        self.given.append(prompt)

    @property
    def mask(self):
        found = TRUTH.copy()
        found[:, 12 + self.columns[min(len(self.given), len(self.columns)) - 1] :] = False
        return found


def test_it_clicks_until_the_object_is_right_and_notes_each_iou():
    session = Session([13, 20, 25, 26])
    ious, seconds, _ = click_until_right(session, TRUTH)
    assert ious == pytest.approx((13 / 26, 20 / 26, 25 / 26))
    assert len(seconds) == 3
    assert session.resets == 1
    assert all(isinstance(click, Click) and click.positive for click in session.given)
    later = session.given[1:]
    assert [click.x >= 12 + columns for click, columns in zip(later, (13, 20), strict=True)] == [True, True]


def test_it_gives_up_after_twenty_clicks():
    ious, _, _ = click_until_right(Session([13]), TRUTH)
    assert len(ious) == MOST_CLICKS
    score = ObjectScore("a", 1, "", ious, ious)
    assert score.fails(0.85)
    assert score.clicks_to(0.85) == MOST_CLICKS
    assert not score.fails(0.5)
    assert score.clicks_to(0.5) == 1


def test_another_iou_can_be_right():
    ious, _, _ = click_until_right(Session([13, 20, 25, 26]), TRUTH, right=0.7)
    assert len(ious) == 2


def test_a_box_comes_first_and_counts_and_just_holds_the_object():
    session = Session([20, 26])
    ious, _, _ = click_until_right(session, TRUTH, box=True)
    assert len(ious) == 2
    assert session.given[0] == Box(9.5, 11.5, 29.5, 37.5)
    assert isinstance(session.given[1], Click)


def test_a_person_in_a_hurry_clicks_elsewhere_but_on_the_object():
    places = set()
    for seed in range(8):
        session = Session([26])
        click_until_right(session, TRUTH, hurried=np.random.default_rng(seed))
        (click,) = session.given
        assert TRUTH[int(click.y), int(click.x)]
        places.add((click.y, click.x))
    assert len(places) > 4


def test_no_pixel_is_clicked_twice():
    session = Session([13])
    click_until_right(session, TRUTH)
    assert len({(click.y, click.x) for click in session.given}) == MOST_CLICKS


def test_clicks_that_make_an_answer_worse_are_counted_after_the_first():
    scores = [
        ObjectScore("a", 1, "", (0.5, 0.8, 0.7), (0.1,) * 3),  # the third is worse
        ObjectScore("a", 2, "", (0.9,), (0.1,)),  # there was no second
        ObjectScore("a", 3, "", (0.9, 0.86, 0.95), (0.1,) * 3),  # 0.04 is no harm
    ]
    assert summarise(scores).worse == pytest.approx(1 / 4)
    alone = summarise(scores[1:2])
    assert alone.worse == 0
    assert np.isnan(alone.later_seconds)
    assert (alone.objects, alone.iou[10]) == (1, 0.9)


def test_promises_are_told_of_every_click_but_what_was_given_first():
    assert len(click_until_right(Session([13, 20, 25]), TRUTH).kept) == 2
    box_first = click_until_right(Session([13, 20, 25]), TRUTH, box=True)
    assert len(box_first.kept) == len(box_first.ious) - 1 == 2
    refused = click_until_right(Session([13]), TRUTH, right=0.99).kept  # an answer that never changes
    assert all(one == Kept(obeyed=False, changed=False, stayed=True) for one in refused)


def test_the_share_of_broken_promises_is_that_of_all_clicks():
    scores = [
        ObjectScore("a", 1, "", (0.5, 0.8, 0.9), (0.1,) * 3, (Kept(True, True, False), Kept(True, False, False))),
        ObjectScore("a", 2, "", (0.5, 0.8), (0.1,) * 2, (Kept(True, True, True),)),
        ObjectScore("a", 3, "", (0.5, 0.8), (0.1,) * 2, (Kept(True, True, True),)),
    ]
    assert summarise(scores).broken == {"obeyed": 0, "changed": 1 / 4, "stayed": 1 / 2}
    assert summarise([ObjectScore("a", 1, "", (0.9,), (0.1,))]).broken == {"obeyed": 0, "changed": 0, "stayed": 0}
