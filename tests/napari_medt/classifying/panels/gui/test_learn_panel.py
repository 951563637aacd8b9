"""Learning of classes: how many objects it takes, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_medt.classifying.panels import learn_panel
from napari_medt.classifying.panels.learn_panel import ClassLearnPanel
from src_models.classifying.learning.progress import Judged
from src_models.finetuning.versions import ModelVersion
from src_models.training.rounds.progress import RoundUpdate


@pytest.fixture
def panel(qtbot):
    made = ClassLearnPanel()
    qtbot.addWidget(made)
    made.show()
    return made


def test_it_offers_to_learn_when_a_round_would_begin():
    from src_models.classifying.learning import learning

    assert (learn_panel.LEAST_TEACHING, learn_panel.LEAST_JUDGING) == (learning.LEAST_TEACHING, learning.LEAST_JUDGING)


@pytest.mark.parametrize(
    ("teaching", "judging", "button", "why"),
    [
        (0, 0, "Learn from what I corrected", "Give 8 more objects the right class first"),
        (1, 0, "Learn from 1 object", "Give 7 more objects"),
        (6, 1, "Learn from 7 objects", "Give 1 more object"),
        (9, 1, "Learn from 10 objects", "Give 1 more object"),
        (6, 2, "Learn from 8 objects", ""),
    ],
)
def test_of_too_few_objects_it_says_how_many_are_missing(panel, teaching, judging, button, why):
    panel.set_count(teaching, judging)
    assert panel.learn.text() == button
    assert panel.learn.isEnabled() == (not why)
    assert panel.why.text().startswith(why)
    assert panel.why.isVisible() == bool(why)


def test_how_it_goes_is_told_in_numbers_of_objects(panel):
    panel.set_running(True)
    panel.show_update(RoundUpdate(20, 0.5, None, Judged(3, 0.4, 6), Judged(5, 0.6, 6), True, 0.25, 30.0, 30.0))
    assert panel.bar.value() == 250
    assert panel.status.text().endswith("Of 6 held-back objects, 3 were right; with the best so far, 5 are.")


@pytest.mark.parametrize(
    ("before", "after", "words"), [(0.5, 0.75, "50% → 75%"), (None, 0.75, "75%"), (None, None, "")]
)
def test_what_a_version_gained_is_a_share_of_the_held_back_objects(panel, before, after, words):
    version = ModelVersion("v1", Path("v1"), "", None, "", None, None, "", accuracy_before=before, accuracy=after)
    assert panel.words_of_gain(version) == words
