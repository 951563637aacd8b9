"""At which scale objects are learnt that a network does not know the size of."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.finetuning.kinds.label_kind import OBJECT_CLASSES
from src_models.finetuning.kinds.learning_scale import learning_zoom
from src_models.finetuning.learning import Learning
from src_models.finetuning.settings import FinetuneSettings
from src_models.images.model_image import ModelImage
from src_models.labels.metrics import average_precision
from src_models.models.checkpoint import load, save
from src_models.models.header import ModelHeader
from src_models.prediction.segment import segment
from src_models.teaching.learner import finetune

QUICK = FinetuneSettings(steps=40, seconds=1e6, batch=2, patch=48, learning_rate=1e-2, validate_every=20, device="cpu")
BEST, LEAST, LARGEST = 18.0, 8.0, 50.0
MIDDLES = 12.0, 30.0  # the geometric means of the best with the least and with the largest


def header(**fields):
    return ModelHeader(
        name="nuclei",
        purpose="",
        architecture="unet",
        config={},
        classes=OBJECT_CLASSES,
        channels=("grey",),
        result="instances",
        **{"object_diameter": BEST, "diameter_range": (LEAST, LARGEST), **fields},
    )


@given(st.floats(1, 1000), st.sampled_from([1.0, 0.5, 2.0]))
def test_objects_are_brought_between_the_middles_of_what_is_known_and_stay_there(diameter, before):
    zoom = learning_zoom(header(image_zoom=before), diameter)
    assert 1 / 8 <= zoom <= 8
    if 1 / 8 < zoom < 8:
        assert 0.79 * MIDDLES[0] <= diameter * zoom <= 1.26 * MIDDLES[1]
    assert learning_zoom(header(image_zoom=zoom), diameter) == zoom


@pytest.mark.parametrize(
    ("diameter", "zoom"),
    [(18, 1), (30, 1), (37, 1), (60, 0.5), (90, 0.333), (12, 1), (10, 1), (6, 2.0), (3, 4.0), (None, 1)],
)
def test_the_nearer_middle_is_the_aim_and_what_is_near_it_stays_as_it_is(diameter, zoom):
    assert learning_zoom(header(), diameter) == zoom


def test_where_size_does_not_matter_or_spacing_says_it_nothing_is_resized():
    assert learning_zoom(header(object_diameter=None, diameter_range=None), 90) == 1
    assert learning_zoom(header(spacing=(0.5, 0.5), unit="µm"), 90) == 1


def discs(seed, diameter, size):
    """Discs a diameter and a half apart, on noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    labels = np.zeros((size, size), np.int32)
    step = int(1.5 * diameter)
    centres = np.stack(np.mgrid[step // 2 : size : step, step // 2 : size : step], -1).reshape(-1, 2)
    for number, centre in enumerate(centres, 1):
        row, column = centre + rng.uniform(-0.1, 0.1, 2) * diameter
        labels[np.hypot(y - row, x - column) < diameter * rng.uniform(0.45, 0.55)] = number
    image = rng.normal(90, 8, labels.shape) + 60 * (labels > 0)
    return image.clip(0, 255).astype(np.uint8), labels


def corrected(folder, diameter, size, count=4):
    kept = CorrectionSet.open(folder)
    for seed in range(count):
        image, labels = discs(seed, diameter, size)
        kept.add(mark(image, labels, source=Source(layer=f"plane {seed}")))
    return kept


@pytest.fixture
def parent(make_model):
    return make_model(
        "attention-unet",
        classes=OBJECT_CLASSES,
        result="instances",
        config={"norm": "group"},
        object_diameter=BEST,
        diameter_range=(LEAST, LARGEST),
    )


@pytest.mark.parametrize(("diameter", "size", "zoom"), [(75, 300, 0.4), (6, 60, 2.0)])
def test_other_objects_are_learnt_and_found_at_the_scale_of_those_that_are_known(
    parent, tmp_path, diameter, size, zoom
):
    learning = Learning(parent, corrected(tmp_path / "set", diameter, size), QUICK)
    assert "learns, and then finds, them in images resized" in learning.guess.why
    list(learning.steps())
    learnt = load(save(learning.result().model, tmp_path / "learnt.safetensors"))
    assert learnt.header.image_zoom == pytest.approx(zoom, rel=0.07)
    assert learnt.header.object_diameter == pytest.approx(diameter * zoom, rel=0.1)
    image, labels = discs(99, diameter, size)
    found = segment(image, learnt, device="cpu")
    assert found.labels.shape == labels.shape
    assert average_precision(labels, found.labels, [0.5])[0] > 0.8
    assert f"image resized {learnt.header.image_zoom:.2g} times, as the model learnt" in found.size
    by_hand = segment(image, learnt, device="cpu", diameter=diameter)
    assert average_precision(found.labels, by_hand.labels, [0.7])[0] > 0.8


def test_a_further_round_goes_on_at_the_same_scale(parent, tmp_path):
    corrections = corrected(tmp_path, 75, 300)
    first = finetune(parent, corrections, QUICK)
    image, labels = discs(7, 75, 300)
    corrections.add(mark(image, labels, source=Source(layer="another")))
    second = Learning(first, corrections, QUICK)
    assert second.guess.zoom == first.header.image_zoom != 1
    assert "resized" not in second.guess.why


def test_an_image_too_large_to_be_enlarged_is_seen_as_it_is_and_that_is_said():
    described = dataclasses.replace(header(), image_zoom=8.0)
    vast = np.broadcast_to(np.uint8(0), (20_000, 20_000))
    seen = ModelImage(vast, described).seen_at
    assert seen.zoom == 1
    assert "too large for this one" in seen.note
    assert ModelImage(vast, dataclasses.replace(header(), image_zoom=0.5)).seen_at.zoom == 0.5
