"""A network of clicks learns from accepted objects: it gets better at others of their kind, and stays what it was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.learning.learning import ClickLearning
from src_models.clicking.learning.settings import ClickLearningSettings
from src_models.clicking.learning.taught_objects import taught_objects
from src_models.clicking.session import ClickSession
from src_models.corrections.correction import Source, mark
from src_models.errors import UserError
from src_models.models.checkpoint import load, save

QUICK = ClickLearningSettings(
    steps=16, seconds=1e6, batch=4, learning_rate=2e-3, replay=0.0, validate_every=8, judged=4, device="cpu"
)


def ringed(seed, size=128):
    """Discs that are no brighter than what is around them: fine grain on coarse, which is all that tells them."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size]
    labels = np.zeros((size, size), np.int32)
    for number, (y, x) in enumerate([(32, 32), (32, 96), (96, 32), (96, 96)], start=1):
        labels[np.hypot(rows - y - random.uniform(-6, 6), columns - x) < random.uniform(16, 24)] = number
    fine, coarse = random.normal(size=labels.shape), ndimage.gaussian_filter(random.normal(size=labels.shape), 4)
    image = 0.5 + 0.15 * np.where(labels > 0, fine / fine.std(), coarse / coarse.std())
    return (image * 255).clip(0, 255).astype(np.uint8), labels


def objects(header, count=3):
    scenes = [(f"{seed}.tif", *ringed(seed)) for seed in range(count)]
    return taught_objects([(name, mark(*scene, source=Source(layer=name))) for name, *scene in scenes], header)


def first_click(model, seed=99):
    """Mean IoU after one click in the middle of objects of an image that nobody learnt from, as in the widget."""
    image, labels = ringed(seed)
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
    learning = ClickLearning(shipped, objects(shipped.header), settings=QUICK, sha256="cd" * 32)
    updates = list(learning.steps())
    return updates, learning.result()


def test_it_gets_better_at_objects_of_the_kind_that_nobody_learnt_from(shipped, learnt):
    _, result = learnt
    assert result.model is not None, result.sentence
    assert result.best[0] > result.start[0] + 0.02
    assert first_click(result.model) > first_click(shipped) + 0.02
    assert result.sentence.startswith(f"IoU on held-back objects went from {result.start[0]:.2f} to {result.best[0]:.2f}")
