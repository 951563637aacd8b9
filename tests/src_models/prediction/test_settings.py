"""What a person chose for a run: the same words and defaults as Python's own call has."""

import inspect

import pytest

from src_models.errors import UserError
from src_models.models.header import ModelHeader
from src_models.prediction.segment import segment, segment_steps
from src_models.prediction.settings import RunSettings, check_segments


@pytest.mark.parametrize("function", [segment, segment_steps])
def test_each_setting_is_a_keyword_of_the_call_with_the_same_default(function):
    parameters = inspect.signature(function).parameters
    assert {name: parameters[name].default for name in RunSettings().keywords} == RunSettings().keywords


def test_what_was_chosen_comes_back_as_keywords():
    chosen = {"attention": ("gate 2",), "diameter": 12.0, "tile": 128, "link": "zt", "device": "cpu"}
    assert RunSettings(**chosen).keywords == {**RunSettings().keywords, **chosen}


def test_which_objects_are_kept_follows_from_three_of_them():
    choice = RunSettings(sensitivity=0.5, least_size=7, drop_edge=True).choice
    assert (choice.sensitivity, choice.least_size, choice.drop_edge) == (0.5, 7, True)
    with pytest.raises(UserError, match="must lie between -1 and 1"):
        _ = RunSettings(sensitivity=2).choice


def test_a_model_that_says_what_a_whole_image_shows_is_told_to_do_so():
    header = ModelHeader(
        name="shapes",
        purpose="",
        architecture="resnet18",
        config={"in_channels": 3, "classes": 2},
        classes=("round", "long"),
        channels=("red", "green", "blue"),
        tile=(64, 64),
        overlap=(0, 0),
        result="class",
    )
    with pytest.raises(UserError, match="the model 'shapes' says what an image or an object shows"):
        check_segments(header)
