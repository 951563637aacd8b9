"""Audits of a model of classes on an image: of its objects, or of its planes."""

import numpy as np
import pytest
from patch_classes import patch_model

from src_models.auditing.auditor import audit
from src_models.auditing.classes.image_audit import image_pictures_steps
from src_models.progress import finish


def scene():
    """Two bright squares of 8 px, the first off the middle of its object, and one without any."""
    image = np.random.default_rng(0).uniform(0, 0.1, (80, 100)).astype(np.float32)
    labels = np.zeros((80, 100), np.int32)
    for number, (row, column) in enumerate([(10, 12), (10, 70), (50, 40)], start=1):
        labels[row : row + 20, column : column + 20] = number
        if number < 3:
            image[row : row + 8, column : column + 8] = 1
    return image, labels


def test_the_objects_of_labels_are_audited_by_the_public_name():
    image, labels = scene()
    found = audit(image, patch_model(), labels=labels, device="cpu", name="scene.tif")
    assert found.told.counts == {"patch": 2, "empty": 1}
    assert (found.told.what, found.images) == ("objects", 3)
    assert "of scene.tif" in found.summary[0]
    assert found.maps[0].pointing.chance == pytest.approx(400 / 36**2)
    assert found.maps[0].pointing.strongest > 0.5


def test_without_labels_planes_are_and_one_of_them_where_it_is_asked_for():
    stack = np.stack([scene()[0][:36, :36], np.zeros((36, 36), np.float32)])
    found = audit(stack, patch_model(), axes="ZYX", device="cpu")
    assert (found.told.what, found.told.counts) == ("planes", {"patch": 1, "empty": 1})
    found = audit(stack, patch_model(), axes="ZYX", plane=(1,), device="cpu")
    assert found.told.counts == {"patch": 0, "empty": 1}
    assert found.maps[0].pointing is None


def test_a_limit_takes_of_each_class_alike():
    image, labels = scene()
    steps = image_pictures_steps(image, patch_model(), labels=labels, device="cpu", limit=2)
    assert [one.name for one in finish(steps)] == ["the image 1", "the image 3"]
