"""Scores of a patient's organs, against brute force and MONAI, and what counts where an organ is missing."""

import numpy as np
import pytest
import torch
from monai.metrics import compute_hausdorff_distance
from scipy import ndimage
from scipy.spatial.distance import cdist

from benchmarks.volume_scores import OrganScore, organ_scores, outline_distances


def blobs(seed, slices=3, size=24):
    """Classes 0 to 2 in smooth shapes, each in every slice."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(slices, size, size)), (0, 3, 3))
    return np.digitize(noise, np.quantile(noise, (0.6, 0.85)))


def outline(mask):
    padded = np.pad(mask, 1)
    inside = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.argwhere(mask & ~inside)


def test_distances_of_all_slices_are_pooled_and_the_larger_direction_counts():
    prediction, truth = blobs(0), blobs(1)
    for number, found in enumerate(organ_scores(prediction, truth, classes=3), start=1):
        there, back = [], []
        for one, other in zip(prediction == number, truth == number, strict=True):
            far = cdist(outline(one), outline(other))
            there.extend(far.min(1))
            back.extend(far.min(0))
        both = (prediction == number) & (truth == number)
        dice = 2 * both.sum() / ((prediction == number).sum() + (truth == number).sum())
        wanted = OrganScore(dice, max(np.percentile(there, 95), np.percentile(back, 95)), 0.0)
        assert vars(found) == pytest.approx(vars(wanted))


def test_of_a_single_slice_it_is_monais_distance():
    for seed in range(4):
        prediction, truth = blobs(seed, slices=1), blobs(seed + 10, slices=1)
        found = organ_scores(prediction, truth, classes=3)
        onehot = [
            torch.from_numpy(np.stack([ids == number for number in (1, 2)], 1)).float() for ids in (prediction, truth)
        ]
        wanted = compute_hausdorff_distance(*onehot, include_background=True, percentile=95)[0].tolist()
        assert [score.hd95 for score in found] == pytest.approx(wanted)


def test_a_square_that_is_moved_is_as_far_as_it_was_moved():
    masks = np.zeros((2, 40, 40), bool)
    masks[0, 10:20, 5:15], masks[1, 10:20, 9:19] = True, True
    there, back = outline_distances(*masks)
    assert (there.max(), back.max(), there.min()) == (4, 4, 0)
    assert len(there) == len(back) == 36


def drawn(*slices, shape=(4, 30, 40)):
    labels = np.zeros(shape, int)
    labels[list(slices), 8:16, 8:16] = 1
    return labels


@pytest.mark.parametrize(
    ("prediction", "truth", "wanted"),
    [
        pytest.param((), (), None, id="nobody has it"),
        pytest.param((0, 1), (), OrganScore(0, 50, 1), id="invented"),
        pytest.param((), (2,), OrganScore(0, 50, 1), id="missed"),
        pytest.param((0,), (1,), OrganScore(0, 50, 1), id="in no slice in common"),
        pytest.param((0, 1), (1, 2, 3), OrganScore(0.4, 0, 0.75), id="in one slice of four in common"),
        pytest.param((1, 2), (1, 2), OrganScore(1, 0, 0), id="found"),
    ],
)
def test_what_is_missing_counts_and_is_never_nan(prediction, truth, wanted):
    (found,) = organ_scores(drawn(*prediction), drawn(*truth), classes=2)
    assert (found is None) == (wanted is None)
    if wanted is not None:
        assert vars(found) == pytest.approx(vars(wanted))
