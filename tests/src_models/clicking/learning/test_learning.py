"""A network of clicks learns from accepted objects: it gets better at others of their kind, and stays what it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.learning import blends
from src_models.clicking.learning.learning import ClickLearning
from src_models.clicking.learning.settings import ClickLearningSettings
from src_models.clicking.learning.taught_objects import taught_objects
from src_models.clicking.session import ClickSession
from src_models.corrections.correction import Source, mark
from src_models.errors import UserError
from src_models.models.checkpoint import load, save

QUICK = ClickLearningSettings(
    steps=16, seconds=1e6, batch=4, learning_rate=1e-3, replay=0.0, validate_every=8, judged=4, device="cpu"
)


def cells(seed, size=128):
    """Bright nuclei in faint cells, which are what is wanted: the model takes a click for one on the nucleus."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    image, labels = np.full((size, size), 0.2), np.zeros((size, size), np.int32)
    for number, (y, x) in enumerate([(32, 32), (32, 96), (96, 32), (96, 96)], start=1):
        away = np.hypot(rows - y - random.uniform(-6, 6), columns - x - random.uniform(-6, 6))
        radius = random.uniform(18, 24)
        labels[away < radius] = number
        image[away < radius] += 0.08
        image[away < 0.5 * radius] += 0.5
    image = ndimage.gaussian_filter(image, 1) + random.normal(0, 0.03, image.shape)
    return (image * 255).clip(0, 255).astype(np.uint8), labels


def objects(header, count=3):
    scenes = [(f"{seed}.tif", *cells(seed)) for seed in range(count)]
    return taught_objects([(name, mark(*scene, source=Source(layer=name))) for name, *scene in scenes], header)


def first_click(model, seed=99):
    """Mean IoU after one click in the middle of objects of an image that nobody learnt from, as in the widget."""
    image, labels = cells(seed)
    session = ClickSession(image, ClickNetwork(model, device="cpu"), axes="YX")
    found = []
    for number in range(1, labels.max() + 1):
        truth = labels == number
        session.reset()
        session.click(*ndimage.center_of_mass(truth))
        found.append((session.mask & truth).sum() / (session.mask | truth).sum())
    return float(np.mean(found))


@pytest.fixture(scope="module")
def shipped():
    return load("click")


@pytest.fixture(scope="module")
def learnt(shipped):
    """What a few steps teach where nothing is held against forgetting, which takes more of them."""
    learning = ClickLearning(shipped, objects(shipped.header), settings=QUICK, sha256="cd" * 32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blends, "FORGOTTEN", 1.0)
        updates = list(learning.steps())
    return updates, learning.result()


def test_it_gets_better_at_objects_of_the_kind_that_nobody_learnt_from(shipped, learnt):
    _, result = learnt
    assert result.model is not None, result.sentence
    assert result.best[0] > result.start[0] + 0.2
    assert first_click(result.model) > first_click(shipped) + 0.2
    assert result.sentence.startswith(
        f"IoU on held-back objects went from {result.start[0]:.2f} to {result.best[0]:.2f}"
    )


def test_its_file_says_what_it_came_from(shipped, learnt, tmp_path):
    _, result = learnt
    back = load(save(result.model, tmp_path / "mine.safetensors"))
    training = back.header.training
    assert back.header.parent_sha256 == shipped.sha256
    assert (training["objects"], training["corrections_sha256"], training["finetuned_from"]) == (12, "cd" * 32, "click")
    assert list(training["validation_iou"].values()) == pytest.approx(result.best, abs=1e-4)
    assert list(training["validation_iou_before"].values()) == pytest.approx(result.start, abs=1e-4)
    assert training["parent_training"] == dict(shipped.header.training)


def test_norms_keep_their_statistics_and_the_model_stays_as_it_was(shipped, learnt):
    _, result = learnt
    before, after = shipped.network.state_dict(), result.model.network.state_dict()
    norms = [name for name in before if "running_" in name]
    assert norms
    assert all(torch.equal(before[name], after[name]) for name in norms)
    assert not all(torch.equal(before[name], after[name]) for name in before)
    file = load("click").network.state_dict()
    assert all(torch.equal(value, file[name]) for name, value in before.items())


def test_each_step_is_told_and_the_best_only_gets_better(learnt):
    updates, result = learnt
    assert [update.step for update in updates] == list(range(len(updates)))
    assert updates[0].validation == updates[0].start == updates[0].best == result.start
    assert [update.done for update in updates] == sorted(update.done for update in updates)
    judged = [update for update in updates if update.validation is not None]
    assert [update.step for update in judged] == list(range(0, len(updates), QUICK.validate_every))
    assert any(update.improved for update in judged)


def test_what_gains_nothing_leaves_the_model(bright_model):
    gentle = replace(QUICK, steps=1, learning_rate=1e-30, judged=2)
    learning = ClickLearning(bright_model, objects(bright_model.header), settings=gentle)
    for _ in learning.steps():
        pass
    assert learning.best() is None
    assert learning.result().sentence.startswith("Nothing was gained on the objects that were held back")


def test_it_ends_when_it_is_stopped(bright_model):
    settings = replace(QUICK, judged=2, validate_every=50, steps=50)
    learning = ClickLearning(bright_model, objects(bright_model.header), settings=settings)
    steps = learning.steps()
    next(steps)
    next(steps)
    learning.stop()
    last = list(steps)
    assert last[-1].step <= 2
    assert last[-1].validation is not None, "it was judged once more"


def test_networks_that_take_no_clicks_are_refused(make_model):
    model = make_model()
    with pytest.raises(UserError, match="takes no clicks"):
        ClickLearning(model, objects(model.header))
