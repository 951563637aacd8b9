"""What makes no sense is refused before anything is computed; recipes follow the set and the architecture."""

from __future__ import annotations

import pytest

from src_models.classifying.training.settings import ClassTrainSettings
from src_models.errors import UserError


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"label_smoothing": 1.0}, "label smoothing is 1.0"),
        ({"average": -0.1}, "average is -0.1"),
        ({"class_weights": "some"}, "class weights 'some' is not one of none, balanced"),
        ({"loss": "dice-ce"}, "'dice-ce' is for segmentation"),
        ({"steps": 0}, "steps is 0"),
        ({"augment": "wild"}, "augment 'wild'"),
    ],
)
def test_what_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(UserError, match=message):
        ClassTrainSettings(**wrong)


def test_the_recipe_takes_the_pictures_size_and_the_architecture_s_settings():
    recipe = ClassTrainSettings.recipe("toy-classes", 100, size=28)
    assert (recipe.patch, recipe.learning_rate, recipe.weight_decay) == (28, 0.05, 0.0)
    assert ClassTrainSettings.recipe("toy-classes", 100, size=1000).patch == 224
    assert ClassTrainSettings.recipe("resnet18", 100).repeatable()["label_smoothing"] == 0.1
