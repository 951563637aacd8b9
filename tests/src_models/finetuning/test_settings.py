"""Settings that need no decision, and those that make no sense."""

from __future__ import annotations

import json

import pytest

from src_models.errors import UserError
from src_models.finetuning.settings import FinetuneSettings


def test_the_defaults_hold_and_are_json():
    settings = FinetuneSettings()
    assert FinetuneSettings(**json.loads(json.dumps(settings.as_dict()))) == settings
    assert settings.part == "full"
    assert settings.seconds < 60


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"part": "encoder"}, "part 'encoder' is not one of full, decoder, gates"),
        ({"steps": 0}, "steps is 0; it must be at least 1"),
        ({"batch": -1}, "batch is -1"),
        ({"patch": 0}, "patch is 0"),
        ({"validate_every": 0}, "validate every is 0"),
        ({"patience": 0}, "patience is 0"),
        ({"devices": 0}, "devices is 0"),
        ({"seconds": 0}, "seconds is 0; it must be a number above 0"),
        ({"seconds": float("inf")}, "seconds is inf"),
        ({"learning_rate": float("nan")}, "learning rate is nan"),
        ({"replay": 1.0}, "replay is 1.0; it must be a share from 0 to below 1"),
        ({"replay": -0.1}, "replay is -0.1"),
        ({"replay": float("nan")}, "replay is nan"),
        ({"batch": 6, "devices": 4}, "batch 6 must be a multiple of the number of devices, 4"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changed, words):
    with pytest.raises(UserError, match=words):
        FinetuneSettings(**changed)
