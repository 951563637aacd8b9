"""Images against forgetting: a few of those that a shipped model was trained on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from src_models.finetuning import replay
from src_models.finetuning.replay import Replay, replay_images
from src_models.models.header import Intensity, ModelHeader, read_header
from src_models.models.library import find_model


def all_of(found):
    return sorted([*found.training, *found.watched], key=lambda image: image.name)


def header(data, *, channels=("grey",), generations=0, **fields):
    training = {"data": data}
    for _ in range(generations):
        training = {"finetuned_from": "m", "parent_training": training}
    return ModelHeader(
        name="m",
        purpose="",
        architecture="unet",
        config={},
        classes=("background", "interior", "boundary"),
        result="instances",
        channels=channels,
        training=training,
        **fields,
    )


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A data set of a grey and a colour image, as it ships."""
    rng = np.random.default_rng(0)
    arrays = {
        "image_a": rng.integers(0, 255, (20, 24)).astype(np.uint8),
        "mask_a": rng.integers(0, 3, (20, 24)).astype(np.uint16),
        "image_b": rng.integers(0, 255, (30, 20, 3)).astype(np.uint8),
        "mask_b": rng.integers(0, 3, (30, 20)).astype(np.uint16),
    }
    np.savez(tmp_path / "cells.npz", **arrays)
    monkeypatch.setattr(replay, "_FOLDER", tmp_path)
    return arrays


@pytest.mark.parametrize("generations", [0, 1, 3])
def test_they_are_those_of_the_first_training_of_a_chain(shipped, generations):
    found = all_of(replay_images(header("cells", channels=("red", "green", "blue"), generations=generations)))
    assert [image.name for image in found] == ["a", "b"]
    for image in found:
        np.testing.assert_array_equal(image.labels, shipped[f"mask_{image.name}"])
        assert image.image.dtype == np.float16
        assert (image.labels.dtype, image.diameter) == (np.int32, None)
    np.testing.assert_allclose(found[0].image, np.repeat(shipped["image_a"][None], 3, 0) / 255, atol=1e-3)
    np.testing.assert_allclose(found[1].image, np.moveaxis(shipped["image_b"], -1, 0) / 255, atol=1e-3)


def test_a_network_with_a_window_gets_them_in_its_window(shipped):
    (image, _) = all_of(replay_images(header("cells", intensity=Intensity(kind="window", low=0, high=51))))
    expected = np.clip(shipped["image_a"] / 51, 0, 1)
    np.testing.assert_allclose(np.clip(image.image[0], 0, 1), expected, atol=2e-3)


@pytest.mark.parametrize("data", ["another", "", "../cells", "/etc/passwd"])
def test_where_none_ship_there_are_none(shipped, data):
    assert replay_images(header(data)) == Replay()
    assert replay_images(dataclasses.replace(header(data), training={})) == Replay()


def test_the_shipped_model_of_nuclei_has_some():
    found = replay_images(read_header(find_model("nuclei")))
    assert len(found.training) > len(found.watched) >= 4
    assert not {image.name for image in found.training} & {image.name for image in found.watched}
    for image in all_of(found):
        assert len(image.image) == 3
        assert np.isfinite(image.image).all()
        assert (image.labels > 0).any()
        assert image.labels.shape == image.image.shape[1:]


def test_nothing_is_replayed_since_a_model_learnt_another_kind_of_labels(shipped):
    known = header("cells", generations=1)
    assert all_of(replay_images(known))
    other = dataclasses.replace(known, training={**known.training, "new_head": True})
    assert replay_images(other) == Replay()
    later = dataclasses.replace(known, training={"finetuned_from": "m", "parent_training": other.training})
    assert replay_images(later) == Replay()
