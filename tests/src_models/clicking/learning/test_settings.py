"""Settings of learning from objects: what cannot be is refused in a sentence."""

import pytest

from src_models.clicking.learning.settings import ClickLearningSettings
from src_models.errors import UserError


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"steps": 0}, "steps is 0; it must be at least 1"),
        ({"validate_every": 0}, "validate every is 0"),
        ({"seconds": 0.0}, "seconds is 0.0; it must be a number above 0"),
        ({"learning_rate": float("nan")}, "learning rate is nan"),
        ({"replay": 1.0}, "replay is 1.0; it must be a share from 0 to below 1"),
    ],
)
def test_what_cannot_be_is_refused(given, words):
    with pytest.raises(UserError, match=words):
        ClickLearningSettings(**given)


def test_settings_are_told_as_json_holds_them():
    assert ClickLearningSettings(steps=3).as_dict() == {**ClickLearningSettings().as_dict(), "steps": 3}
