"""Each picture is seen once before any is seen again, always the same for its number."""

from __future__ import annotations

from collections import Counter

import numpy as np
import torch
from toy_classes import CLASSES, square, toy_header

from src_models.classifying.training.pictures import DrawnPictures, Pictures, load_pictures
from src_models.files.class_sets.opening import open_class_set

PICTURES = Pictures(np.arange(7).repeat(16).reshape(7, 1, 4, 4).astype(np.float16), np.arange(7) % 3)


def drawn(start=0, stop=28, seed=3, recipe="none"):
    return DrawnPictures(PICTURES, recipe=recipe, seed=seed, start=start, stop=stop)


def test_all_are_seen_in_each_round_in_a_new_order():
    seen = [int(drawn()[number][0][0, 0, 0]) for number in range(28)]
    rounds = [seen[first : first + 7] for first in range(0, 28, 7)]
    assert all(Counter(each) == Counter(range(7)) for each in rounds)
    assert len({tuple(each) for each in rounds}) > 1


def test_a_number_is_the_same_picture_wherever_drawing_begins():
    late, all_of_them = drawn(start=10, recipe="light"), drawn(recipe="light")
    for number in (17, 3, 12, 3):
        picture, label = late[number]
        again, same = all_of_them[number + 10]
        assert torch.equal(picture, again)
        assert label == same
    assert len(late) == 18


def test_the_class_goes_with_the_picture():
    for number in range(14):
        picture, label = drawn()[number]
        assert int(label) == int(picture[0, 0, 0]) % 3


def test_pictures_are_loaded_as_the_model_sees_them(squares):
    data = open_class_set(squares)
    header = toy_header(16, classes=("striped", "dark", "bright"))
    loaded = load_pictures(data, data.split("val"), header)
    for number, sample in enumerate(data.split("val")):
        kind, name = sample.name.removesuffix(".png").split("/")
        assert header.classes[loaded.labels[number]] == kind
        assert np.abs(loaded.images[number, 0] - square(kind, int(name)) / 200).max() < 1e-3
    assert data.classes == CLASSES
