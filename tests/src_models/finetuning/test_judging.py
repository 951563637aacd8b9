"""How far what was learnt is followed: as far as it is good on corrections, and what was known is not forgotten."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from src_models.finetuning.judging import FORGOTTEN, Blends, Validation, judge, knowledge, rank
from src_models.models.header import ModelHeader
from src_models.training.patches import TrainingImage
from src_models.training.rounds.blends import Blend

HEADER = ModelHeader(
    name="m",
    purpose="",
    architecture="unet",
    config={},
    classes=("background", "cell"),
    channels=("grey",),
)


class Threshold(nn.Module):
    """A cell is what is brighter than one number, which is all that this network learns."""

    def __init__(self, level):
        super().__init__()
        self.level = nn.Parameter(torch.tensor(float(level)))

    def forward(self, image):
        return torch.cat([self.level - image, image - self.level], 1)


def ramp(level):
    """An image from dark to bright, on which cells are brighter than a level."""
    values = np.tile(np.linspace(0, 1, 101), (8, 1))
    return TrainingImage("ramp", values[None].astype(np.float16), (values > level).astype(np.int32), None)


def blends(start, held_out, known=()):
    return Blends(Threshold(start), HEADER, [ramp(held_out)], [ramp(level) for level in known], torch.device("cpu"))


def learnt(level):
    return Threshold(level).state_dict()


@pytest.mark.parametrize(("wanted", "share"), [(0.8, 1.0), (0.65, 0.7)])
def test_the_blend_that_is_best_on_what_was_held_out_is_taken(wanted, share):
    found = blends(0.3, wanted).best(learnt(0.8))
    assert float(found.weights["level"]) == pytest.approx(0.3 + share * 0.5, abs=1e-3)
    assert found.validation.dice > 0.9


def test_a_blend_that_forgets_is_not_taken_though_it_is_best():
    """Cells are what is brighter than 0.5 in one image, which is known, and than 0.8 in another, which is learnt."""
    free = blends(0.5, 0.8).best(learnt(0.8))
    bound = blends(0.5, 0.8, known=(0.6,)).best(learnt(0.8))
    assert float(free.weights["level"]) == pytest.approx(0.8, abs=1e-3)
    assert float(bound.weights["level"]) == pytest.approx(
        0.5 + 0.5 * 0.3, abs=1e-3
    )  # 0.71 gives Dice 0.84 where 0.5 gave 0.89
    assert bound.forgot == 0


def test_what_cannot_be_learnt_without_forgetting_is_learnt_and_told():
    found = blends(0.0, 0.9, known=(0.0,)).best(learnt(0.9))
    assert found.forgot == pytest.approx(1 - FORGOTTEN - 2 * 0.1 / 1.1, abs=0.01)
    assert float(found.weights["level"]) == pytest.approx(0.9, abs=1e-3)
    assert found.validation.dice == pytest.approx(1.0, abs=0.01)


def test_of_blends_that_forget_a_little_more_gain_is_not_worth_much_more_forgetting():
    """Cells brighter than 0.7 are learnt a little too well, at the cost of those brighter than 0.5, known once."""
    parts = Threshold(0.52), HEADER, [ramp(0.7)], [ramp(0.5)], torch.device("cpu")
    found = Blends(*parts, knew=1.0).best(learnt(0.72))
    most = judge(Threshold(0.72), [ramp(0.7)], HEADER).dice
    assert 0.55 < float(found.weights["level"]) < 0.67
    assert found.forgot > 0
    assert found.validation.dice < most


def test_what_forgets_nothing_comes_first_and_then_what_gains_most_above_what_it_forgets():
    order = [Blend(Validation(0, dice), {}, forgot) for dice, forgot in ((0.9, 0.3), (0.8, 0.1), (0.2, 0), (0.3, 0))]
    assert sorted(order, key=rank) == order


def test_what_is_forgotten_is_told_from_what_was_never_known():
    """The network never knew the images that are watched: nothing is lost by learning."""
    assert float(blends(0.5, 0.8, known=(0.8,)).best(learnt(0.8)).weights["level"]) == pytest.approx(0.8, abs=1e-3)


def test_what_earlier_rounds_forgot_is_not_forgotten_anew():
    """The network knew cells brighter than 0.5 once, and after a round of learning, those brighter than 0.6."""
    parts = Threshold(0.6), HEADER, [ramp(0.8)], [ramp(0.5)], torch.device("cpu")
    assert Blends(*parts).best(learnt(0.6)).forgot == 0
    again = Blends(*parts, knew=1.0)
    assert again.knew == 1.0
    assert again.best(learnt(0.6)).forgot > 0


class Classes(nn.Module):
    """Gives two classes of cells, and is sure of neither, where the image is bright."""

    def __init__(self):
        super().__init__()
        self.parameter = nn.Parameter(torch.zeros(1))

    def forward(self, image):
        return torch.cat([1 - image, image, image], 1) + self.parameter


@pytest.mark.parametrize(("wanted", "dice"), [((1, 1), 1.0), ((2, 1), 1.0), ((2, 0), 2 / 3), ((-1, -1), 1.0)])
def test_what_is_known_is_what_is_found_of_whatever_class(wanted, dice):
    """Of a bright half, each half is of a class; where one does not count, what is found there does not either."""
    labels = np.zeros((8, 8), np.int32)
    labels[:, 4:6], labels[:, 6:] = wanted
    values = (np.arange(8) >= 4) * np.ones((8, 1))
    image = TrainingImage("halves", values[None].astype(np.float16), labels, None)
    header = dataclasses.replace(HEADER, classes=("background", "cell", "dead cell"))
    known = knowledge(Classes(), [image], header)
    assert known == pytest.approx(dice)
    other = TrainingImage("dark", 0 * values[None].astype(np.float16), np.ones((8, 8), np.int32), None)
    assert knowledge(Classes(), [image, other], header) == pytest.approx(dice / 2)


def test_little_may_be_forgotten():
    """Dice of thresholds a < b on a ramp is 2 (1 - b) / (2 - a - b): half a step of the ramp loses nothing."""
    assert FORGOTTEN > 1 - 2 * (1 - 0.502) / (2 - 0.5 - 0.502)
    assert float(blends(0.5, 0.502, known=(0.5,)).best(learnt(0.502)).weights["level"]) == pytest.approx(
        0.502, abs=1e-3
    )


def test_the_network_that_learning_began_with_stays():
    start = Threshold(0.3)
    before = copy.deepcopy(start.state_dict())
    Blends(start, HEADER, [ramp(0.8)], [], torch.device("cpu")).best(learnt(0.8))
    assert torch.equal(start.state_dict()["level"], before["level"])


def test_dice_is_pooled_over_pixels_that_count():
    image = ramp(0.5)
    image.labels[:, 30:] = ~image.labels[:, 30:]  # only the dark end counts, where there is no cell
    assert judge(Threshold(0.5), [image], HEADER).dice == 1.0
    found = judge(Threshold(0.195), [image, ramp(0.5)], HEADER).dice  # 10 columns too many in one, 30 in the other
    assert found == pytest.approx(2 * 50 / (10 + 81 + 50), abs=0.01)
