"""Dice and cross-entropy where only a part of the pixels counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from monai.losses.dice import DiceCELoss

from src_models.training.masked_loss import IGNORED, masked_ce, masked_dice_ce


def example(shape=(3, 4, 9, 11), seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape, generator=generator, requires_grad=True)
    targets = torch.randint(0, shape[1], (shape[0], *shape[2:]), generator=generator)
    return logits, targets


def by_hand(logits, targets):
    """Sum over pixels and channels one by one, with MONAI's smoothing of 1e-5."""
    logits, targets = logits.detach().double().numpy(), targets.numpy()
    e = np.exp(logits - logits.max(1, keepdims=True))
    p = e / e.sum(1, keepdims=True)
    dice, entropy, count = [], 0.0, 0
    for n in range(len(p)):
        counts = targets[n] >= 0
        entropy += sum(-np.log(p[n, targets[n][at], *at]) for at in zip(*np.nonzero(counts), strict=True))
        count += counts.sum()
        for c in range(p.shape[1]):
            truth = (targets[n] == c)[counts]
            found = p[n, c][counts]
            dice.append(1 - (2 * (found * truth).sum() + 1e-5) / (found.sum() + truth.sum() + 1e-5))
    return np.mean(dice) + entropy / count


@pytest.mark.parametrize("shape", [(3, 4, 9, 11), (1, 2, 5, 6), (2, 3, 4, 5, 6)], ids=str)
def test_where_all_counts_it_is_the_loss_of_monai(shape):
    logits, targets = example(shape)
    expected = DiceCELoss(softmax=True, to_onehot_y=True)(logits, targets[:, None])
    loss = masked_dice_ce(logits, targets)
    torch.testing.assert_close(loss, expected)
    for one, other in zip(torch.autograd.grad(loss, logits), torch.autograd.grad(expected, logits), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("seed", range(3))
def test_with_holes_it_is_the_formula_over_the_rest(seed):
    logits, targets = example(seed=seed)
    targets[torch.rand(targets.shape, generator=torch.Generator().manual_seed(seed)) < 0.6] = IGNORED
    assert float(masked_dice_ce(logits.detach(), targets)) == pytest.approx(by_hand(logits, targets), rel=1e-5)


def test_pixels_that_do_not_count_have_no_gradient():
    logits, targets = example()
    targets[:, 2:5] = IGNORED
    masked_dice_ce(logits, targets).backward()
    assert (logits.grad[:, :, 2:5] == 0).all()
    assert (logits.grad[:, :, :2] != 0).all()


def test_what_was_ignored_may_be_anything():
    logits, targets = example()
    targets[1:, :4] = IGNORED
    changed = logits.detach().clone()
    changed[1:, :, :4] = 1e4
    torch.testing.assert_close(masked_dice_ce(changed, targets), masked_dice_ce(logits, targets).detach())


def test_where_nothing_counts_there_is_nothing_to_learn():
    logits, targets = example()
    loss = masked_dice_ce(logits, torch.full_like(targets, IGNORED))
    loss.backward()
    assert float(loss.detach()) == 0
    assert (logits.grad == 0).all()


def test_a_patch_of_a_batch_in_which_nothing_counts_teaches_nothing():
    logits, targets = example()
    targets[0] = IGNORED
    loss = masked_dice_ce(logits, targets)
    assert torch.isfinite(loss)
    loss.backward()
    assert (logits.grad[0] == 0).all()


def test_cross_entropy_alone_leaves_out_what_does_not_count():
    logits, targets = example()
    torch.testing.assert_close(masked_ce(logits, targets), torch.nn.functional.cross_entropy(logits, targets))
    targets[:, 3:] = IGNORED
    expected = torch.nn.functional.cross_entropy(logits[:, :, :3], targets[:, :3])
    torch.testing.assert_close(masked_ce(logits, targets), expected)
    assert float(masked_ce(logits.detach(), torch.full_like(targets, IGNORED))) == 0
