"""What a round of learning says at its end."""

import pytest

from src_models.finetuning.progress import gain_sentence, new_kind_sentence


def test_a_gain_is_told_in_numbers_and_what_it_cost():
    gained = gain_sentence(0.614, 0.866, corrections=1, forgot=False)
    assert gained == "Agreement with corrections that were held back (Dice) rose from 0.61 to 0.87."
    assert gain_sentence(0.614, 0.866, corrections=9, forgot=True) == (
        f"{gained} For that it forgot some of what it knew: keep the old version for the old images."
    )


@pytest.mark.parametrize(
    ("corrections", "held", "help_"),
    [
        (3, "on a part of each corrected plane (Dice 0.50)", "Correct one or two more slices"),
        (4, "on the corrected planes that were held out (Dice 0.50)", "Look whether the corrections agree"),
    ],
)
def test_without_gain_it_says_what_would_help(corrections, held, help_):
    sentence = gain_sentence(0.5, None, corrections=corrections, forgot=True)
    assert sentence.startswith("Nothing was gained ")
    assert held in sentence
    assert "so the model stays." in sentence
    assert help_ in sentence
    assert "forgot" not in sentence


def test_of_another_kind_it_says_what_was_learnt_and_how_well():
    assert new_kind_sentence("1 class (vessel)", 0.2, 0.834) == (
        "It has learnt 1 class (vessel): agreement with corrections that were held back (Dice) is 0.83."
    )
    failed = new_kind_sentence("1 class (vessel)", 0.2, None)
    assert failed.startswith("It has not learnt 1 class (vessel): ")
    assert "no better than saying the same of every pixel (Dice 0.20), so the model stays." in failed
