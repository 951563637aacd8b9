"""People ask a network of clicks: what they give follows from what it answered, and its answers are counted right."""

import numpy as np
import pytest
import torch

from src_models.clicking.training.asking import CLICKS, asked, iou_of, ious_after_clicks, lesson
from src_models.clicking.training.examples import Example

CPU = torch.device("cpu")


class Bright:
    """Finds all that is bright in the first channel; of others, a half."""

    def __init__(self, columns=64):
        self.columns = columns

    def eval(self):
        return self

    def __call__(self, batch):
        found = (batch[:, 0] > 0.5).float()
        found[..., self.columns :] = 0
        return torch.stack([1 - found, found], 1) * 20


def disc(y, x, radius, size=64):
    rows, columns = np.mgrid[:size, :size]
    truth = np.hypot(rows - y, columns - x) < radius
    return Example(np.repeat(truth[None].astype(np.float32), 3, axis=0), truth)


def people(count):
    return [np.random.default_rng(number) for number in range(count)]


def test_what_is_found_right_has_an_iou_of_one_whatever_was_clicked():
    examples = [disc(30, 30, 12), disc(20, 40, 8)]
    assert ious_after_clicks(Bright(), examples, people(2), CPU) == pytest.approx(np.ones((2, len(CLICKS))))


def test_the_iou_is_that_of_the_pixels():
    example = disc(31.5, 31.5, 12)
    half = ious_after_clicks(Bright(columns=32), [example], people(1), CPU)
    assert half == pytest.approx(np.full((1, 3), 0.5))
    assert iou_of(np.zeros((2, 2), bool), np.zeros((2, 2), bool)) == 0
    assert iou_of(np.array([True, True, False]), np.array([False, True, True])) == pytest.approx(1 / 3)


def test_clicks_are_added_where_the_answer_is_wrong():
    example = disc(31.5, 31.5, 12)
    first, third, fifth = asked(Bright(columns=32), [example], people(1), CPU)
    positive = [np.asarray(batch[0, 3]) > 0 for batch in (first, third, fifth)]
    assert positive[0].sum() < positive[1].sum() < positive[2].sum(), "more was clicked"
    new = positive[2] & ~positive[0]
    assert (np.flatnonzero(new.any(axis=0)) >= 28).all(), "only the missing half was clicked again, discs of 4 px"


def test_a_lesson_asks_for_the_object_that_was_clicked():
    examples = [disc(30, 30, 12), disc(20, 40, 8)]
    batch, targets = lesson(Bright(), examples, np.random.default_rng(0), CPU)
    assert batch.shape == (2, 6, 64, 64)
    assert targets.shape == (2, 1, 64, 64)
    for number, example in enumerate(examples):
        assert (np.asarray(targets[number, 0]) == example.truth).all()
        assert np.asarray(batch[number, :3]) == pytest.approx(example.image)
