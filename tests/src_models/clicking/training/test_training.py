"""Training a network of clicks: it learns, and a run that was stopped ends like one that was not."""

import dataclasses

import numpy as np
import pytest
import torch

from src_models.clicking.prompts import PROMPT_CHANNELS
from src_models.clicking.training import training
from src_models.clicking.training.examples import ClickExamples, ObjectImage
from src_models.clicking.training.training import train_clicks
from src_models.errors import DataSetError, OutputError
from src_models.models.checkpoint import load
from src_models.models.encoder_weights import begin_with_imagenet, encoder_weights_facts
from src_models.models.header import Intensity, ModelHeader
from src_models.training.settings import TrainSettings

HEADER = ModelHeader(
    name="click",
    purpose="Tests",
    architecture="attention-unet",
    config={"in_channels": 6, "classes": 2, "widths": [4, 8, 8], "deep_supervision": False},
    classes=("background", "object"),
    channels=("red", "green", "blue"),
    prompts=PROMPT_CHANNELS,
    intensity=Intensity(kind="window", low=0.0, high=1.0),
    tile=(32, 32),
    overlap=(8, 8),
)
SETTINGS = TrainSettings(
    steps=30, batch=4, patch=32, learning_rate=1e-2, validate_every=15, device="cpu", workers=0, augment="none"
)


def disks(seed):
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:96, :96]
    labels = np.zeros((96, 96), np.int32)
    for number in range(1, 8):
        y, x = random.integers(10, 86, 2)
        labels[(rows - y) ** 2 + (columns - x) ** 2 < random.integers(16, 80)] = number
    return ObjectImage.of(0.2 + 0.6 * (labels > 0), labels, HEADER, classes=False, name="disks")


@pytest.fixture(scope="module")
def examples():
    images = [disks(seed) for seed in range(4)]
    return tuple(ClickExamples([images], made_up=0.0, size=32, seed=seed, augmented=False) for seed in (0, 1))


def train(examples, path, settings=SETTINGS, **options):
    return train_clicks(*examples, HEADER, path, settings, **options)


def same(one, other):
    first, second = load(one).network.state_dict(), load(other).network.state_dict()
    return all(torch.equal(first[name], second[name]) for name in first)


def test_it_learns_to_find_what_was_clicked(examples, tmp_path):
    told = []
    path = train(
        examples, tmp_path / "click.safetensors", dataclasses.replace(SETTINGS, steps=60), on_update=told.append
    )
    assert [update.step for update in told] == [15, 30, 45, 60]
    assert told[-1].loss < 0.8 * told[0].loss
    assert max(update.iou[1] for update in told) > 0.5
    header = load(path).header
    assert header.prompts == PROMPT_CHANNELS
    assert header.training["validation_iou"]["3"] == pytest.approx(max(update.iou[1] for update in told), abs=1e-4)


def test_a_run_that_was_stopped_ends_like_one_that_was_not(examples, tmp_path):
    whole = train(examples, tmp_path / "whole.safetensors")

    def stop(update):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(examples, tmp_path / "parts.safetensors", on_update=stop)
    parts = train(examples, tmp_path / "parts.safetensors", resume=True)
    assert same(whole, parts)
    assert same(whole.with_suffix(".last.safetensors"), parts.with_suffix(".last.safetensors"))
    rows = [path.with_suffix(".log.csv").read_text() for path in (whole, parts)]
    assert rows[0] == rows[1]


def test_an_encoder_begins_with_published_weights_once(examples, lite0_weights_path, tmp_path, monkeypatch):
    config = {**HEADER.config, "encoder": "efficientnet-lite0", "widths": [2, 16, 24]}
    header, path = dataclasses.replace(HEADER, config=config), tmp_path / "click.safetensors"
    settings = dataclasses.replace(SETTINGS, steps=2, validate_every=1)
    begun = []

    def begin(network, file, *, image_channels):
        begin_with_imagenet(network, file, image_channels=image_channels)
        begun.append(network.encoder[1][0].layer.conv.weight.clone())

    def stop(update):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "begin_with_imagenet", begin)
    options = {"encoder_weights": lite0_weights_path}
    with pytest.raises(KeyboardInterrupt):
        train_clicks(*examples, header, path, settings, **options, on_update=stop)
    train_clicks(*examples, header, path, settings, **options, resume=True)
    (stem,) = begun
    assert stem[:, :3].abs().min() > 0
    assert not stem[:, 3:].any(), "what a person gave begins without effect"
    model = load(path)
    assert model.network.encoder[1][0].layer.conv.weight[:, 3:].abs().min() > 0, "and gains one"
    assert model.header.training["encoder_weights"] == encoder_weights_facts(lite0_weights_path)
    assert model.header.prompts == PROMPT_CHANNELS


def test_other_settings_a_damaged_state_and_an_existing_model_are_refused(examples, tmp_path):
    path = train(examples, tmp_path / "click.safetensors", dataclasses.replace(SETTINGS, steps=2))
    with pytest.raises(OutputError):
        train(examples, path)
    with pytest.raises(DataSetError, match="started with other settings"):
        train(examples, path, resume=True)
    path.with_suffix(".training.pt").write_bytes(b"nothing")
    with pytest.raises(DataSetError, match="cannot be read; start anew"):
        train(examples, path, resume=True)
