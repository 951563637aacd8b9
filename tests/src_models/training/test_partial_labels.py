"""Classes that nobody drew: what is learnt and judged where the mask's background may be one of them."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src_models.errors import DataSetError
from src_models.training.masked_dice import dice_counts
from src_models.training.masked_loss import IGNORED, masked_ce, masked_dice_ce
from src_models.training.partial_labels import marginal, undrawn_classes, unknown_background, without_undrawn

CLASSES = 5


def example(seed=0, drawn=((1, 2, 3, 4), (2, 4)), shape=(4, 5, 6)):
    """Logits of a batch, and for each of its samples the classes of its drawn ones alone."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn((len(drawn), CLASSES, *shape), generator=generator).requires_grad_()
    samples = []
    for there in drawn:
        classes = torch.randint(0, CLASSES, shape, generator=generator).numpy()
        classes = np.where(np.isin(classes, there), classes, 0)
        samples.append(unknown_background(classes, undrawn_classes(there, CLASSES)))
    return logits, torch.from_numpy(np.stack(samples))


def by_hand(logits, targets, drawn):
    """Sum over voxels and classes one by one, after adding up probabilities, with MONAI's smoothing of 1e-5."""
    p = torch.softmax(logits.detach().double(), 1).numpy()
    dice, entropy, count = [], 0.0, 0
    for n, there in enumerate(drawn):
        classes = np.where(targets[n].numpy() < IGNORED, 0, targets[n].numpy())
        counts = classes != IGNORED
        groups = {c: [c] for c in there} | {0: [c for c in range(CLASSES) if c not in there]}
        merged = {c: sum(p[n, one] for one in members) for c, members in groups.items()}
        entropy -= sum(np.log(merged[c][(classes == c)]).sum() for c in groups)
        count += counts.sum()
        for c in range(CLASSES):
            found, truth = (merged[c][counts], (classes == c)[counts]) if c in groups else (np.zeros(1), np.zeros(1))
            dice.append(1 - (2 * (found * truth).sum() + 1e-5) / (found.sum() + truth.sum() + 1e-5))
    return np.mean(dice) + entropy / count


@given(st.integers(0, 10_000), st.lists(st.sets(st.integers(1, CLASSES - 1)), min_size=1, max_size=3))
def test_the_loss_is_that_of_probabilities_that_were_added_up(seed, drawn):
    drawn = [tuple(there) for there in drawn]
    logits, targets = example(seed, drawn)
    loss = masked_dice_ce(*marginal(logits, targets))
    assert float(loss.detach()) == pytest.approx(by_hand(logits, targets, drawn), rel=1e-4)


def test_where_all_is_drawn_nothing_is_changed():
    logits, targets = example(drawn=((1, 2, 3, 4), (1, 2, 3, 4)))
    targets[0, :2] = IGNORED
    same, classes = marginal(logits, targets)
    assert same is logits
    assert classes is targets


def test_a_class_that_is_not_drawn_may_be_found_anywhere_in_the_background():
    """There the loss says nothing between background and that class, and forbids the others."""
    logits, targets = example(drawn=((2, 4),))
    masked_ce(*marginal(logits, targets)).backward()
    background = targets[0] < IGNORED
    p = torch.softmax(logits.detach(), 1)[0][:, background]
    unknown = [0, 1, 3]
    gradient = logits.grad[0][:, background]
    assert (gradient[[2, 4]] > 0).all(), "what is drawn elsewhere is not here"
    # d/dz of -log(sum of p) shares the gain among them as their probabilities do: their order stays as it is.
    torch.testing.assert_close(gradient[unknown] / p[unknown], (gradient[0] / p[0]).expand(3, -1), rtol=1e-3, atol=1e-6)
    assert (gradient[unknown] < 0).all()


def test_a_voxel_of_an_organ_is_no_undrawn_class():
    logits, targets = example(drawn=((2, 4),))
    masked_ce(*marginal(logits, targets)).backward()
    organ = targets[0] == 2
    assert (logits.grad[0][[0, 1, 3, 4]][:, organ] > 0).all()
    assert (logits.grad[0][2, organ] < 0).all()


def test_gradients_stay_numbers_where_a_network_is_sure():
    logits, targets = example()
    sure = (200 * logits.detach()).requires_grad_()
    masked_dice_ce(*marginal(sure, targets)).backward()
    assert torch.isfinite(sure.grad).all()


def test_pixels_that_do_not_count_still_teach_nothing():
    logits, targets = example()
    targets[:, 2] = IGNORED
    masked_dice_ce(*marginal(logits, targets)).backward()
    assert (logits.grad[:, :, 2] == 0).all()
    assert (logits.grad[:, :, 0] != 0).any()


@given(st.integers(0, 10_000), st.sets(st.integers(1, CLASSES - 1)))
def test_scores_are_those_of_the_drawn_classes_alone(seed, drawn):
    _, targets = example(seed, (tuple(drawn),))
    found = torch.randint(0, CLASSES, targets[0].shape, generator=torch.Generator().manual_seed(seed))
    counts = dice_counts(*without_undrawn(found, targets[0]), CLASSES)
    for number in range(1, CLASSES):
        here, there = found.numpy() == number, targets[0].numpy() == number
        expected = (2 * (here & there).sum(), here.sum() + there.sum()) if number in drawn else (0, 0)
        assert tuple(counts[:, number].tolist()) == expected


def test_more_classes_than_there_are_bits_are_refused():
    assert undrawn_classes(None, 200) == 0
    assert undrawn_classes(range(1, 62), 63) == 1 << 62
    with pytest.raises(DataSetError, match="63 are possible"):
        undrawn_classes((1,), 64)
