"""What a network of clicks learns from and is judged by: known objects, on known sides."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from src_models.clicking.learning.taught_objects import LearningExamples, taught_objects
from src_models.clicking.training.examples import ClickExamples
from src_models.corrections.correction import Source, mark
from src_models.errors import UserError


def scene(count=6, seed=0):
    """An image of squares of 20 px in a row, and their labels."""
    labels = np.zeros((40, 40 * count), np.int32)
    for number in range(count):
        labels[10:30, 40 * number + 10 : 40 * number + 30] = number + 1
    image = np.random.default_rng(seed).uniform(0.1, 0.3, labels.shape) + 0.5 * (labels > 0)
    return image.astype(np.float32), labels


def marked(count=6, name="a.tif", **options):
    image, labels = scene(count)
    return name, mark(image, labels, source=Source(layer=name), **options)


def numbers(images):
    return [number for image in images for number in image.boxes]


def test_every_third_object_judges_and_more_objects_change_no_side(bright_model):
    six, nine = (taught_objects([marked(count)], bright_model.header) for count in (6, 9))
    assert (numbers(six.training), numbers(six.validation), six.count) == ([1, 3, 4, 6], [2, 5], 6)
    assert (numbers(nine.training), numbers(nine.validation)) == ([1, 3, 4, 6, 7, 9], [2, 5, 8])


def test_images_that_are_to_judge_do(bright_model):
    taught = taught_objects([marked(4), marked(3, "b.tif")], bright_model.header, judging={"b.tif"})
    assert (numbers(taught.training), numbers(taught.validation), taught.count) == ([1, 2, 3, 4], [1, 2, 3], 7)


def test_objects_that_reach_beyond_what_counts_do_not_teach(bright_model):
    taught = taught_objects([marked(7, mode="region", region=((0, 40), (0, 220)))], bright_model.header)
    assert sorted(numbers(taught.training) + numbers(taught.validation)) == [1, 2, 3, 4, 5]


def test_slices_of_one_object_are_on_one_side(bright_model):
    found = []
    for number in range(6):
        for plane in range(3):
            name, correction = marked(1, f"{number}_{plane}.tif")
            record = dataclasses.replace(correction.record, clicked={"object": str(number)})
            found.append((name, dataclasses.replace(correction, record=record)))
    taught = taught_objects(found, bright_model.header)
    assert (len(taught.training), len(taught.validation), taught.count) == (12, 6, 6)


def test_grey_values_become_those_that_were_clicked_in(bright_model):
    found = []
    for number in range(5):
        name, correction = marked(1, f"{number}.tif")
        window = {"offset": 0.1, "width": 2.0, "low": 0.0, "high": 5.0, "fill": 0.0}
        record = dataclasses.replace(correction.record, clicked={"object": str(number), "normalisation": window})
        found.append((name, dataclasses.replace(correction, record=record)))
    taught = taught_objects(found, bright_model.header)
    expected = (scene(1)[0] - 0.1) / 2
    assert np.asarray(taught.training[0].image[0], float) == pytest.approx(expected, abs=1e-3)


def test_of_too_few_objects_nothing_can_be_learnt(bright_model):
    with pytest.raises(UserError, match="there are 4 objects to learn from, and it takes 5"):
        taught_objects([marked(4)], bright_model.header)
    name, empty = marked(5)
    with pytest.raises(UserError, match="there are 0 objects"):
        taught_objects([(name, dataclasses.replace(empty, labels=np.zeros_like(empty.labels)))], bright_model.header)


def test_examples_show_accepted_objects_and_others_in_their_shares(bright_model):
    taught = taught_objects([marked(6)], bright_model.header)
    made_up = ClickExamples([], made_up=1.0, size=32, seed=0)
    own = LearningExamples(taught.training, made_up, replay=0.0, size=32, seed=0)
    for number in range(8):
        example = own[number]
        bright = example.image[0] > 0.55
        assert (bright == example.truth).mean() > 0.85, "turned together, and still bright on dark"
        assert (own[number].image == example.image).all(), "a number is always the same example"
    others = LearningExamples(taught.training, made_up, replay=1.0, size=32, seed=0)
    assert all((others[number].image == made_up[number].image).all() for number in range(4))
