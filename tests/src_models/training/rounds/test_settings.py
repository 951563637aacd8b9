"""What all rounds of learning are told holds in each of them: what makes no sense is refused in a sentence."""

from __future__ import annotations

import dataclasses
import json

import pytest

from src_models.classifying.learning.settings import ClassLearningSettings
from src_models.clicking.learning.settings import ClickLearningSettings
from src_models.errors import UserError
from src_models.finetuning.settings import FinetuneSettings
from src_models.training.rounds.settings import RoundSettings

KINDS = pytest.mark.parametrize("kind", [ClassLearningSettings, ClickLearningSettings, FinetuneSettings])


@KINDS
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        *(({name: 0}, f"{name.replace('_', ' ')} is 0; it must be at least 1")
          for name in ("steps", "batch", "validate_every", "patience")),
        ({"seconds": float("inf")}, "seconds is inf; it must be a number above 0"),
        ({"learning_rate": float("nan")}, "learning rate is nan; it must be a number above 0"),
        ({"replay": 1}, "replay is 1; it must be a share from 0 to below 1"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(kind, wrong, words):
    with pytest.raises(UserError, match=words):
        kind(**wrong)


@KINDS
def test_all_have_what_a_round_has_to_be_told_and_json_holds_it(kind):
    settings = kind()
    assert kind(**json.loads(json.dumps(settings.as_dict()))) == settings
    assert {field.name for field in dataclasses.fields(RoundSettings)} <= settings.as_dict().keys()
