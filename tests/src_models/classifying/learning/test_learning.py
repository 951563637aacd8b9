"""A model learns given classes: better on what it did not learn from, no worse on what it knew, and it says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from src_models.classifying.evaluation.evaluate import evaluate_classes
from src_models.classifying.learning.learning import ClassLearning, DrawnLessons
from src_models.classifying.learning.settings import ClassLearningSettings
from src_models.classifying.training.pictures import Pictures
from src_models.errors import UserError
from src_models.files.class_sets.opening import open_class_set
from src_models.models.checkpoint import load, save
from src_models.progress import finish

QUICK = ClassLearningSettings(steps=80, learning_rate=0.02, validate_every=20, device="cpu")


def learn(model, folder, settings=QUICK, **further):
    learning = ClassLearning(model, open_class_set(folder), settings, **further)
    updates = []
    return learning, finish(learning.steps(), updates.append), updates


def test_a_new_class_is_learnt_and_what_was_known_is_not_forgotten(trained, given, squares, tmp_path):
    folder = given({"checked": "checked", "dark": "dark"})
    learning, result, updates = learn(trained, folder, known=open_class_set(squares))
    assert learning.added == ("checked",)
    assert result.model is not None
    assert result.best.right > result.start.right
    model = load(save(replace(result.model, header=replace(result.model.header, name="m")), tmp_path / "m.safetensors"))
    assert model.header.classes == ("bright", "dark", "striped", "checked")
    held_out = evaluate_classes(folder, model, split="val", device="cpu")
    assert held_out.accuracy == pytest.approx(result.best.accuracy)
    before = evaluate_classes(squares, trained, split="val", device="cpu").accuracy
    assert evaluate_classes(squares, model, split="val", device="cpu").accuracy >= before - 0.011
    training = model.header.training
    assert (training["finetuned_from"], training["added_classes"]) == ("squares", ["checked"])
    assert training["validation_accuracy_before"] == round(result.start.accuracy, 4)
    assert training["replayed"] == 45
    assert model.header.parent_sha256 == trained.sha256
    assert "pictures of its first training are told as well as before" in result.sentence
    assert [update.step for update in updates] == list(range(result.steps + 1))
    assert updates[0].validation == result.start


def test_without_pictures_of_the_first_training_it_is_said_that_forgetting_was_not_watched(trained, given):
    _, result, _ = learn(trained, given({"checked": "checked", "dark": "dark"}))
    assert "was not watched" in result.sentence


def test_the_model_it_began_with_stays(trained, given):
    before = {name: value.clone() for name, value in trained.network.state_dict().items()}
    learn(trained, given({"checked": "checked", "dark": "dark"}))
    assert all(torch.equal(before[name], value) for name, value in trained.network.state_dict().items())


def test_other_words_for_what_it_knows_are_not_learnt_at_the_cost_of_it(trained, given, squares):
    """What is dark would have to be called bright: then the first training's pictures are told wrong."""
    folder = given({"dark": "bright", "striped": "striped"})
    _, result, _ = learn(trained, folder, known=open_class_set(squares))
    if result.model is not None:
        before = evaluate_classes(squares, trained, split="val", device="cpu").accuracy
        assert evaluate_classes(squares, result.model, split="val", device="cpu").accuracy >= before - 0.011
    else:
        assert "The model stays" in result.sentence or "so the model stays" in result.sentence


def test_nothing_is_written_where_nothing_was_to_be_gained(trained, given):
    folder = given({"dark": "dark", "striped": "striped", "bright": "bright"})
    learning, result, _ = learn(trained, folder, replace(QUICK, learning_rate=1e-9, steps=20))
    assert result.model is None
    assert learning.best() is None
    assert "so the model stays" in result.sentence


def test_the_head_can_learn_alone(trained, given):
    _, result, _ = learn(trained, given({"checked": "checked", "dark": "dark"}), replace(QUICK, part="head"))
    assert result.model is not None
    old, new = trained.network.state_dict(), result.model.network.state_dict()
    assert all(torch.equal(old[name], new[name]) for name in old if not name.startswith("fc."))
    with pytest.raises(UserError, match="no part 'decoder' that could learn; choose from: full, head"):
        learn(trained, given({"checked": "checked", "dark": "dark"}), replace(QUICK, part="decoder"))


def test_it_can_be_stopped_and_keeps_the_best(trained, given):
    learning = ClassLearning(trained, open_class_set(given({"checked": "checked", "dark": "dark"})), QUICK)
    for update in learning.steps():
        if update.step == 30:
            learning.stop()
    result = learning.result()
    assert result.steps == 30
    assert (result.model is None) == (result.best == result.start)


def test_a_seed_gives_the_same_network(trained, given):
    folder = given({"checked": "checked", "dark": "dark"})
    one, other = (learn(trained, folder, replace(QUICK, steps=20))[0] for _ in range(2))
    weights = [learning._network.state_dict() for learning in (one, other)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_too_few_pictures_are_refused(trained, given):
    with pytest.raises(UserError, match="3 pictures would teach and 1 judge, and it takes 4 and 2"):
        ClassLearning(trained, open_class_set(given({"dark": "dark", "bright": "bright"}, count=2)), QUICK)


def test_each_class_is_drawn_as_often_and_what_was_known_as_much_as_was_asked_for():
    own = Pictures(np.zeros((41, 1, 4, 4), np.float16), np.array([0] * 40 + [1]))
    known = Pictures(np.ones((10, 1, 4, 4), np.float16), np.full(10, 2))
    settings = ClassLearningSettings(batch=50, replay=0.5)
    lessons = DrawnLessons(own, known, settings, "none")
    drawn = [lessons.batch(step) for step in range(20)]
    labels = torch.cat([each[1] for each in drawn]).numpy()
    assert np.abs(np.bincount(labels) / len(labels) - (0.25, 0.25, 0.5)).max() < 0.05
    assert all((batch[:, 0, 0, 0] == (targets == 2)).all() for batch, targets in drawn)
    assert torch.equal(lessons.batch(3)[1], drawn[3][1])
    alone = DrawnLessons(own, Pictures(known.images[:0], known.labels[:0]), settings, "none")
    assert not (alone.batch(0)[1] == 2).any()
