"""What a round of learning from objects tells people."""

import pytest

from src_models.clicking.learning.progress import click_gain_sentence, iou_words, overall

START, BEST = (0.5, 0.6, 0.7), (0.7, 0.8, 0.8)


def test_what_was_gained_is_told_in_one_sentence():
    assert click_gain_sentence(START, BEST, forgot=False) == (
        "IoU on held-back objects went from 0.50 to 0.70 after 1 click, 0.60 to 0.80 after 3, 0.70 to 0.80 after 5."
    )


def test_where_nothing_was_gained_it_says_what_would_help():
    nothing = click_gain_sentence(START, None, forgot=False)
    assert nothing.startswith(
        "Nothing was gained on the objects that were held back (IoU 0.50, 0.60, 0.70 after 1, 3, 5"
    )
    assert "Accept some more" in nothing
    forgot = click_gain_sentence(START, None, forgot=True)
    assert "cost too much of what it knows" in forgot
    assert "Accept more objects" in forgot


def test_networks_are_ordered_by_the_mean():
    assert overall(BEST) == pytest.approx(2.3 / 3)
    assert iou_words(BEST) == "IoU 0.70, 0.80, 0.80 after 1, 3, 5 clicks"
