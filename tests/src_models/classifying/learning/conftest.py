"""A model that was trained on squares, and given classes for it."""

from __future__ import annotations

import numpy as np
import pytest
from toy_classes import CLASSES, square, toy_among_architectures, write_squares

from src_models.classifying.class_corrections import ClassCorrection, ClassCorrectionSet, ClassRecord
from src_models.classifying.training.new_classifier import new_classifier
from src_models.classifying.training.settings import ClassTrainSettings
from src_models.classifying.training.training import train_classes
from src_models.corrections.correction import Source
from src_models.files.class_sets.opening import open_class_set
from src_models.models.checkpoint import load
from src_models.models.header import Intensity


@pytest.fixture(scope="session")
def trained_path(tmp_path_factory):
    """The file of a model that tells bright, dark and striped squares, trained once."""
    folder = tmp_path_factory.mktemp("trained")
    data = open_class_set(write_squares(folder / "squares"))
    window = Intensity(kind="window", low=0, high=255)
    settings = ClassTrainSettings(
        steps=80, batch=8, patch=16, learning_rate=0.05, weight_decay=0.0, validate_every=20, augment="flip",
        device="cpu",
    )  # fmt: skip
    with toy_among_architectures():
        header = new_classifier(data, architecture="toy-classes", name="squares", size=16, intensity=window)
        return train_classes(data, header, folder / "squares.safetensors", settings)


@pytest.fixture
def trained(trained_path):
    """A model that tells bright, dark and striped squares."""
    return load(trained_path)


@pytest.fixture
def given(tmp_path):
    """A function that makes a set of given classes; `as_named` says what a kind of square is called."""

    def make(as_named, count=12):
        kept = ClassCorrectionSet.open(tmp_path / "given")
        pictures = []
        for kind, name in as_named.items():
            for number in range(count):
                picture = checked(number) if kind == "checked" else square(kind, 1000 + number)
                place = (float(30 * number), 30.0 * [*CLASSES, "checked"].index(kind))
                record = ClassRecord(source=Source(layer="plate"), position=place, class_name=name)
                pictures.append(ClassCorrection(picture, record))
        kept.add(pictures)
        return kept.root

    return make


def checked(number):
    """A square of another kind: a chessboard."""
    random = np.random.default_rng((9, number))
    board = 100 + 90 * (np.indices((16, 16)).sum(0) % 2 * 2 - 1)
    return (board + random.normal(0, 12, (16, 16))).clip(0, 255).astype(np.uint8)
