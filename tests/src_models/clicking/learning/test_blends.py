"""Judging networks of clicks: what forgets is not followed, and of what does not, as much as can be."""

import copy

import numpy as np
import pytest
import torch

from src_models.clicking.learning.blends import FORGOTTEN, ClickBlends, KnownAnswers, judge_clicks
from src_models.clicking.training.examples import Example

CPU = torch.device("cpu")


def disc(y, x, radius, size=64, light=1.0):
    rows, columns = np.mgrid[:size, :size]
    truth = np.hypot(rows - y, columns - x) < radius
    return Example(np.repeat(truth[None].astype(np.float32) * light, 3, axis=0), truth)


BRIGHT = [disc(30, 30, 12), disc(20, 40, 9), disc(40, 22, 15)]
DIM = [disc(30, 32, 12, light=0.4), disc(22, 40, 9, light=0.4)]  # the network finds what is above 0.5


def learnt(network, bias):
    """The weights of a network that takes more for an object, or less."""
    other = copy.deepcopy(network)
    with torch.no_grad():
        other.heads[0].bias[1] += bias
    return other.state_dict()


def test_answers_are_judged_by_the_pixels(bright_model):
    assert judge_clicks(bright_model.network, BRIGHT, CPU) == pytest.approx((1, 1, 1))
    assert judge_clicks(bright_model.network, DIM, CPU) == pytest.approx((0, 0, 0))
    assert KnownAnswers(bright_model.network, [*BRIGHT, *DIM], CPU).iou(bright_model.network) == pytest.approx(0.6)


def test_what_gains_without_forgetting_is_followed_all_the_way(bright_model):
    blends = ClickBlends(bright_model.network, DIM, BRIGHT, CPU)
    assert (blends.first, blends.knew) == (pytest.approx((0, 0, 0)), pytest.approx(1))
    weights = learnt(bright_model.network, 20)  # what is above 0.25 is found
    found = blends.best(weights)
    assert found.validation == pytest.approx((1, 1, 1))
    assert all(torch.equal(found.weights[name], weights[name]) for name in weights)


def test_what_forgets_is_followed_as_far_as_it_does_not(bright_model):
    dark = Example(np.full((3, 64, 64), 0.3, np.float32) + 0.7 * BRIGHT[0].image, BRIGHT[0].truth)
    blends = ClickBlends(bright_model.network, DIM, [dark], CPU)
    found = blends.best(learnt(bright_model.network, 20))  # all of it takes the dark ground for the object, too
    assert found.validation == pytest.approx((1, 1, 1))
    start = bright_model.network.state_dict()
    assert float(found.weights["heads.0.bias"][1] - start["heads.0.bias"][1]) == pytest.approx(0.6 * 20)


def test_where_all_of_it_forgets_there_is_nothing_to_follow(bright_model):
    blends = ClickBlends(bright_model.network, DIM, BRIGHT, CPU)
    assert blends.best(learnt(bright_model.network, -1000)) is None


def test_several_rounds_forget_no_more_than_one(bright_model):
    blends = ClickBlends(bright_model.network, DIM, [*BRIGHT, *DIM], CPU, knew=0.6 + 2 * FORGOTTEN)
    assert blends.best(learnt(bright_model.network, 0)) is None
