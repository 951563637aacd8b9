"""Logits of what other networks give: their softmax is the probabilities that were meant."""

import numpy as np
import pytest
import torch

from src_models.models.packages.logits import to_logits

SHARES = torch.rand((2, 3, 6, 5), generator=torch.Generator().manual_seed(0)) * 0.98 + 0.01


def probabilities(values, meaning, order=()):
    return torch.softmax(to_logits(values, meaning, order), dim=1)


def test_logits_are_taken_as_they_are_and_in_order():
    assert torch.equal(to_logits(SHARES, "logits"), SHARES)
    assert torch.equal(to_logits(SHARES, "logits", (2, 0)), SHARES[:, [2, 0]])


def test_classes_that_exclude_each_other_keep_their_probabilities():
    shares = SHARES / SHARES.sum(dim=1, keepdim=True)
    np.testing.assert_allclose(probabilities(shares, "classes", (1, 0, 2)), shares[:, [1, 0, 2]], atol=1e-6)


def test_one_probability_is_that_of_the_foreground():
    one = SHARES[:, :1]
    np.testing.assert_allclose(probabilities(one, "each"), torch.cat([1 - one, one], 1), atol=1e-6)
    logit = torch.log(one / (1 - one))
    np.testing.assert_allclose(probabilities(logit, "logit of each"), torch.cat([1 - one, one], 1), atol=1e-5)


def test_of_several_the_likeliest_wins_where_it_is_above_a_half():
    wanted = np.where(SHARES.amax(1) > 0.5, SHARES.argmax(1) + 1, 0)
    np.testing.assert_array_equal(probabilities(SHARES, "each").argmax(1), wanted)
    np.testing.assert_array_equal(probabilities(torch.logit(SHARES), "logit of each").argmax(1), wanted)


def test_certainty_is_bounded_and_finite():
    sure = torch.tensor([0.0, 1.0]).view(1, 2, 1, 1)
    for meaning in ("classes", "each", "boundary"):
        assert torch.isfinite(to_logits(sure, meaning)).all()


def test_an_unknown_meaning_is_named():
    with pytest.raises(ValueError, match="no meaning 'dream'"):
        to_logits(SHARES, "dream")
