"""A network learns to tell squares; a run that was killed ends as one that was not; what is best is kept, and said."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch

from src_models.classifying.evaluation.evaluate import evaluate_classes
from src_models.classifying.training import training
from src_models.classifying.training.new_classifier import new_classifier
from src_models.classifying.training.settings import ClassTrainSettings
from src_models.classifying.training.training import train_classes
from src_models.errors import DataSetError, OutputError, UserError
from src_models.files.class_sets.opening import open_class_set
from src_models.models.checkpoint import Model, load
from src_models.models.encoder_weights import encoder_weights_facts
from src_models.models.header import Intensity

SETTINGS = ClassTrainSettings(
    steps=40, batch=8, patch=16, learning_rate=0.05, weight_decay=0.0, validate_every=10, augment="light", device="cpu"
)


def header_of(data, size=16):
    window = Intensity(kind="window", low=0, high=255)
    return new_classifier(data, architecture="toy-classes", name="squares", size=size, intensity=window)


@pytest.fixture
def data(squares):
    return open_class_set(squares)


def weights(path):
    return load(path).network.state_dict()


def test_classes_are_learnt_and_the_best_model_is_as_good_as_it_says(data, tmp_path):
    updates = []
    path = train_classes(data, header_of(data), tmp_path / "a.safetensors", SETTINGS, on_update=updates.append)
    model = load(path)
    evaluation = evaluate_classes(data, model, split="val", device="cpu")
    training = model.header.training
    assert evaluation.accuracy > 0.9
    assert training["validation_accuracy"] == round(evaluation.accuracy, 4)
    assert training["best_by"] == "validation accuracy"
    assert training["train_counts"] == {"bright": 15, "dark": 15, "striped": 15}
    assert (training["data"], training["train_images"], training["val_images"]) == ("squares", 45, 15)
    assert [update.step for update in updates] == list(range(1, 41))
    assert updates[-1].best_score == max(each.validation_score or 0 for each in updates) == evaluation.accuracy
    with path.with_suffix(".log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["step"]) for row in rows] == [10, 20, 30, 40]
    best = max(rows, key=lambda row: (float(row["validation_accuracy"]), -int(row["step"])))
    assert int(best["step"]) == training["step"]


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_a_run_that_was_killed_ends_as_one_that_was_not(data, tmp_path, average):
    settings = replace(SETTINGS, average=average)
    whole = train_classes(data, header_of(data), tmp_path / "whole.safetensors", settings)

    def kill(update):
        if update.step == 27:
            raise KeyboardInterrupt

    halved = tmp_path / "halved.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train_classes(data, header_of(data), halved, settings, on_update=kill)
    with pytest.raises(OutputError):
        train_classes(data, header_of(data), halved, settings)
    train_classes(data, header_of(data), halved, settings, resume=True)
    for name in ("", ".last"):
        one, other = (weights(path.with_suffix(f"{name}.safetensors")) for path in (whole, halved))
        assert all(torch.equal(one[key], other[key]) for key in one)
    assert whole.with_suffix(".log.csv").read_text() == halved.with_suffix(".log.csv").read_text()


def test_the_mean_of_the_weights_is_what_is_measured_and_written(data, tmp_path):
    plain = train_classes(data, header_of(data), tmp_path / "plain.safetensors", SETTINGS)
    averaged = train_classes(data, header_of(data), tmp_path / "mean.safetensors", replace(SETTINGS, average=0.9))
    assert not torch.equal(weights(plain)["fc.weight"], weights(averaged)["fc.weight"])
    model = load(averaged)
    accuracy = evaluate_classes(data, model, split="val", device="cpu").accuracy
    assert model.header.training["validation_accuracy"] == round(accuracy, 4)


def test_uneven_classes_are_judged_by_balanced_accuracy(data, tmp_path):
    samples = tuple(s for s in data.samples if s.label or s.split == "val" or int(s.name[7:-4]) < 4)
    uneven = replace(data, samples=samples)
    updates = []
    settings = replace(SETTINGS, steps=10, class_weights="balanced")
    path = train_classes(uneven, header_of(uneven), tmp_path / "a.safetensors", settings, on_update=updates.append)
    training = load(path).header.training
    assert updates[-1].measure == "balanced accuracy"
    assert training["best_by"] == "validation balanced accuracy"
    assert updates[-1].validation_score == pytest.approx(training["validation_balanced_accuracy"], abs=1e-4)
    assert training["train_counts"]["bright"] == 3


def test_a_training_can_begin_with_another_model_of_other_classes(data, tmp_path):
    first = load(train_classes(data, header_of(data), tmp_path / "first.safetensors", replace(SETTINGS, steps=10)))
    other = replace(data, classes=("hell", "dunkel", "streifen"))
    begun = replace(SETTINGS, steps=1, learning_rate=1e-9)
    path = train_classes(other, header_of(other), tmp_path / "second.safetensors", begun, start=first)
    second = load(path)
    assert second.header.parent_sha256 == first.sha256
    kept, fresh = first.network.state_dict(), second.network.state_dict()
    assert torch.allclose(kept["features.weight"], fresh["features.weight"], atol=1e-6)
    assert not torch.allclose(kept["fc.weight"], fresh["fc.weight"], atol=1e-3)
    grey = replace(header_of(data), channels=("a", "b"), config={"in_channels": 2, "classes": 3})
    with pytest.raises(UserError, match="cannot be the start"):
        train_classes(data, grey, tmp_path / "third.safetensors", begun, start=first)


def test_a_loss_that_is_no_number_ends_the_run_with_a_sentence(data, tmp_path):
    first = load(train_classes(data, header_of(data), tmp_path / "a.safetensors", replace(SETTINGS, steps=1)))
    with torch.no_grad():
        first.network.fc.weight.fill_(float("nan"))
    with pytest.raises(DataSetError, match="training step 1: the loss is not a number"):
        train_classes(
            data, header_of(data), tmp_path / "b.safetensors", SETTINGS, start=Model(first.network, first.header)
        )


def test_balanced_weights_make_each_class_count_the_same():
    from src_models.classifying.training.training import class_weights

    weights = class_weights(np.array([0, 0, 0, 0, 0, 0, 1, 1, 2, 2]), 4, "balanced").numpy()
    counts = np.array([6, 2, 2, 0])
    assert np.allclose((weights * counts)[:3], 10 / 3)
    assert weights[3] == 0
    assert (class_weights(np.array([0, 1]), 2, "none").numpy() == 1).all()


@pytest.mark.parametrize(
    ("architecture", "config"),
    [
        ("efficientnet-lite0", {}),
        ("med-former", {"embedding": "efficientnet-lite0", "patch": 8, "width": 8, "head_channels": 4, "stages": 1}),
    ],
)
def test_a_network_begins_with_published_weights_once_and_the_header_says_whose(
    data, lite0_weights_path, tmp_path, architecture, config
):
    described = header_of(data)
    header = replace(described, architecture=architecture, config={**described.config, **config})
    still = replace(SETTINGS, steps=1, learning_rate=1e-30)
    first = load(train_classes(data, header, tmp_path / "m.safetensors", still, encoder_weights=lite0_weights_path))
    published = torch.load(lite0_weights_path, weights_only=True)
    found = [value for name, value in first.network.state_dict().items() if name.endswith("expand.conv.weight")]
    assert torch.equal(found[3], published["_blocks.4._expand_conv.weight"])
    assert first.header.training["encoder_weights"] == encoder_weights_facts(lite0_weights_path)
    child = load(train_classes(data, header, tmp_path / "child.safetensors", still, start=first))
    assert child.header.training["encoder_weights"] == encoder_weights_facts(lite0_weights_path)
    with pytest.raises(UserError, match="and with the weights of the model squares: leave one out"):
        train_classes(data, header, tmp_path / "x.safetensors", still, start=first, encoder_weights=lite0_weights_path)


def test_a_run_that_goes_on_does_not_begin_with_published_weights_again(
    data, lite0_weights_path, tmp_path, monkeypatch
):
    header = replace(header_of(data), architecture="efficientnet-lite0")
    settings = replace(SETTINGS, steps=4, validate_every=2)
    begin = {"encoder_weights": lite0_weights_path}
    whole = train_classes(data, header, tmp_path / "whole.safetensors", settings, **begin)

    def stop(update):
        if update.step == 3:
            raise KeyboardInterrupt

    parts = tmp_path / "parts.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train_classes(data, header, parts, settings, **begin, on_update=stop)
    monkeypatch.setattr(training, "begin_with_imagenet", lambda *_args, **_how: pytest.fail("it began again"))
    train_classes(data, header, parts, settings, **begin, resume=True)
    for name, value in weights(whole).items():
        assert torch.equal(value, weights(parts)[name]), name
