"""The loss of clicks: what it is by its formula, and that few errors weigh as much as many."""

import numpy as np
import pytest
import torch

from src_models.clicking.training.focal_loss import ClickLoss, normalised_focal


def logits_of(probability):
    """Return logits (1, 2, H, W) at which a network gives the object these probabilities."""
    odds = torch.from_numpy(np.log(probability / (1 - probability))).float()
    return torch.stack([torch.zeros_like(odds), odds])[None]


def test_it_is_what_the_formula_says():
    random = np.random.default_rng(0)
    probability, truth = random.uniform(0.01, 0.99, (6, 7)), random.random((6, 7)) < 0.4
    right = np.where(truth, probability, 1 - probability)
    wrong = (1 - right) ** 2
    expected = -(wrong * np.log(right)).sum() / wrong.sum()
    targets = torch.from_numpy(truth)[None, None].long()
    assert float(normalised_focal(logits_of(probability), targets)) == pytest.approx(expected, rel=1e-5)
    entropy = -np.log(right).mean()
    assert float(normalised_focal(logits_of(probability), targets, focus=0)) == pytest.approx(entropy, rel=1e-5)


def gradient_at_an_error(errors):
    """Return how strongly a pixel that is wrong is pulled, where so many of 400 are."""
    truth = np.zeros((20, 20))
    truth[:10] = 1
    probability = np.where(truth > 0, 0.999, 0.001)
    probability.flat[:errors] = 0.2
    logits = logits_of(probability).requires_grad_()
    normalised_focal(logits, torch.from_numpy(truth)[None, None].long()).sum().backward()
    return float(logits.grad[0, 1, 0, 0].abs())


def test_the_last_errors_are_pulled_at_the_more_the_fewer_there_are():
    assert gradient_at_an_error(2) == pytest.approx(10 * gradient_at_an_error(20), rel=0.05)


def test_each_example_is_weighed_by_itself_and_a_right_answer_costs_nothing():
    truth = np.zeros((2, 20, 20))
    truth[:, 5:15, 5:15] = 1
    right = np.where(truth[0] > 0, 1 - 1e-6, 1e-6)
    half = np.full((20, 20), 0.5)
    logits = torch.cat([logits_of(right), logits_of(half)])
    each = normalised_focal(logits, torch.from_numpy(truth)[:, None].long())
    assert float(each[0]) < 1e-3
    assert float(each[1]) == pytest.approx(np.log(2), rel=1e-5)


def test_the_loss_of_clicks_falls_to_nothing_as_answers_become_right():
    truth = torch.zeros(1, 1, 20, 20, dtype=torch.long)
    truth[..., 5:15, 5:15] = 1
    sure = [np.where(truth[0, 0].numpy() > 0, p, 1 - p) for p in (0.5, 0.8, 0.999999)]
    losses = [float(ClickLoss()(logits_of(each), truth)) for each in sure]
    assert losses[0] > losses[1] > losses[2]
    assert losses[2] < 1e-3
