"""A network of clicks learns from accepted objects: it gets better at others of their kind, and stays what it was."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.learning.learning import ClickLearning
from src_models.clicking.learning.settings import ClickLearningSettings
from src_models.clicking.learning.taught_objects import taught_objects
from src_models.clicking.session import ClickSession
from src_models.corrections.correction import Source, mark
from src_models.models.checkpoint import load

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
    learning = ClickLearning(shipped, objects(shipped.header), settings=QUICK, sha256="cd" * 32)
    updates = list(learning.steps())
    return updates, learning.result()


def test_it_gets_better_at_objects_of_the_kind_that_nobody_learnt_from(shipped, learnt):
    _, result = learnt
    assert result.model is not None, result.sentence
    assert result.best[0] > result.start[0] + 0.02
    assert first_click(result.model) > first_click(shipped) + 0.02
    assert result.sentence.startswith(
        f"IoU on held-back objects went from {result.start[0]:.2f} to {result.best[0]:.2f}"
    )
