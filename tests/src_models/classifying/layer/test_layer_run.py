"""A run on a part of a layer: what it tells of, and where that lies."""

from __future__ import annotations

import numpy as np
import pytest
from grey_classifiers import grey_classifier, grey_header

from src_models.classifying.classify import classify
from src_models.classifying.layer.layer_run import ClassRun, class_steps
from src_models.errors import UserError
from src_models.images.region import Region
from src_models.models.checkpoint import load, save
from src_models.models.header import Intensity
from src_models.progress import finish


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    header = grey_header("any", ("a", "b", "c"), 16, intensity=Intensity())
    return save(grey_classifier(header, seed=1), tmp_path_factory.mktemp("models") / "any.safetensors")


@pytest.fixture
def image():
    return np.random.default_rng(0).random((3, 40, 50), np.float32)


def run(path, image, index, **how):
    region = Region("ZYX", index, image.shape, rgb=False)
    return finish(class_steps(ClassRun(model=path, data=image, region=region, layer_id=1, layer_name="stack", **how)))


def test_a_part_of_a_plane_is_looked_at_by_itself_and_areas_are_counted(path, image):
    labels = np.zeros(image.shape, np.int32)
    labels[1, 12:20, 22:30], labels[1, 30:35, 40:44], labels[2] = 4, 9, 5
    result = run(path, image, (1, slice(10, 40), slice(20, 50)), looked_at="objects", labels=labels)
    assert result.table.ids.tolist() == [4, 9]
    assert result.table.areas.tolist() == [64, 20]
    assert result.run.region.position(result.table.positions[0]) == (1.0, 15.5, 25.5)
    alone = classify(image[1, 10:, 20:], load(path), labels=labels[1, 10:, 20:])
    np.testing.assert_allclose(result.table.probabilities, alone.probabilities, atol=1e-6)
    assert result.model_name == "any"


def test_tiles_are_numbered_row_by_row_through_the_planes(path, image):
    result = run(path, image, (slice(1, 3), slice(0, 40), slice(10, 50)), looked_at="tiles", tile=20)
    rows, columns = np.arange(40)[:, None] // 20, np.arange(40) // 20
    expected = np.arange(2)[:, None, None] * 4 + rows * 2 + columns + 1
    np.testing.assert_array_equal(result.tiles, expected)
    assert result.table.areas.tolist() == [400] * 8


def test_a_whole_plane_is_one_row(path, image):
    result = run(path, image, (2, slice(0, 40), slice(0, 50)), looked_at="image")
    assert result.tiles is None
    assert result.table.areas.tolist() == [2000]


def test_what_is_missing_is_said(path, image, monkeypatch):
    whole = tuple(slice(0, size) for size in image.shape)
    with pytest.raises(UserError, match="has no objects yet"):
        run(path, image, whole, looked_at="objects")
    with pytest.raises(UserError, match="hold no objects"):
        run(path, image, whole, looked_at="objects", labels=np.zeros(image.shape, np.int32))
    monkeypatch.setattr("src_models.classifying.layer.layer_run._LARGEST_CANVAS", 1000)
    with pytest.raises(UserError, match="too large to show tiles"):
        run(path, image, whole, looked_at="tiles")
