"""What a round gained is said as it is."""

from __future__ import annotations

from src_models.classifying.learning.progress import Judged, class_gain_sentence


def test_more_right_is_better_and_of_as_many_the_likelier():
    assert Judged(5, 0.4, 8) > Judged(4, 0.9, 8)
    assert Judged(5, 0.5, 8) > Judged(5, 0.4, 8)
    assert (Judged(5, 0.5, 8).accuracy, Judged(0, 0.0, 0).accuracy) == (0.625, 0)


def test_sentences_tell_what_was_gained_and_whether_it_was_watched():
    start = Judged(5, 0.5, 8)
    watched = class_gain_sentence(start, Judged(7, 0.6, 8), forgot=False, watched=40)
    assert watched.startswith("Of 8 held-back pictures, 7 are right instead of 5; 40 pictures")
    alone = class_gain_sentence(start, Judged(5, 0.7, 8), forgot=False, watched=0)
    assert "5 are right as before, more surely (0.50 to 0.70); whether others are told worse was not watched" in alone
    assert "cost too much of what it knows" in class_gain_sentence(start, None, forgot=True, watched=9)
    assert "(5 of 8 are right), so the model stays" in class_gain_sentence(start, None, forgot=False, watched=9)
