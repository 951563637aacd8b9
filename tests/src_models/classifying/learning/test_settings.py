"""What makes no sense is refused before anything is computed."""

from __future__ import annotations

import pytest

from src_models.classifying.learning.settings import ClassLearningSettings
from src_models.errors import UserError


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"seconds": 0}, "seconds is 0"),
        ({"learning_rate": float("inf")}, "learning rate is inf"),
        ({"replay": 1}, "replay is 1"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(UserError, match=message):
        ClassLearningSettings(**wrong)
    assert ClassLearningSettings(part="head").as_dict()["part"] == "head"
