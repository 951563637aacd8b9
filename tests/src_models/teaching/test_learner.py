"""Which way of learning belongs to a model, and that all of them are reached by one name."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile

import src_models as sm
from src_models.clicking.learning.learning import ClickLearning
from src_models.errors import UserError
from src_models.finetuning.learning import Learning
from src_models.finetuning.settings import FinetuneSettings
from src_models.models.checkpoint import load
from src_models.teaching import learner as module
from src_models.teaching.learner import click_learning, finetune, learner


@pytest.fixture
def objects(tmp_path):
    """A folder of two images and masks of four squares each."""
    labels = np.zeros((64, 64), np.uint8)
    for number, (y, x) in enumerate([(8, 8), (8, 40), (40, 8), (40, 40)], start=1):
        labels[y : y + 16, x : x + 16] = number
    for folder, array in (("images", 60 + 40 * (labels > 0)), ("masks", labels)):
        (tmp_path / folder).mkdir()
        for name in "ab":
            tifffile.imwrite(tmp_path / folder / f"{name}.tif", array.astype(np.uint8))
    return tmp_path


def test_a_model_of_clicks_learns_from_the_objects_of_a_data_set(bright_model, objects):
    learning = learner(bright_model, objects, FinetuneSettings(steps=7, seed=3))
    assert isinstance(learning, ClickLearning)
    assert (learning.settings.steps, learning.settings.seed) == (7, 3)
    usual = click_learning(bright_model, objects).settings
    assert (learning.settings.learning_rate, learning.settings.batch) == (usual.learning_rate, usual.batch)
    assert learning.preview().header.training["objects"] == 8


def test_any_other_model_learns_from_corrections(make_model, objects):
    assert isinstance(learner(make_model(), objects), Learning)


def test_one_name_lets_any_model_learn(bright_model, objects, monkeypatch):
    assert sm.finetune is finetune

    class Nothing:
        def steps(self):
            return iter(())

        def result(self):
            return type("Result", (), {"model": None, "sentence": "Nothing was gained."})

    monkeypatch.setattr(module, "click_learning", lambda *_: Nothing())
    with pytest.raises(UserError, match="Nothing was gained"):
        finetune(bright_model, objects)


def test_what_the_shipped_model_knows_is_watched(objects):
    learning = click_learning(load("click"), objects)
    assert learning.preview().header.training["replayed"] > 4, "images of nuclei ship"


def test_two_objects_teach_nothing(bright_model, objects):
    for path in (*objects.glob("*/b.tif"),):
        path.unlink()
    with pytest.raises(UserError, match="there are 4 objects to learn from, and it takes 5"):
        finetune(bright_model, objects)
