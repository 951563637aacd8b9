"""Scores against hand-computed cases, an exhaustive matching, MONAI and scikit-image."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_allclose, assert_array_equal

from src_models.labels.metrics import (
    THRESHOLDS,
    average_precision,
    dice,
    intersection_over_union,
    iou,
    match_objects,
    pixel_counts,
    pixel_f1,
)


@st.composite
def label_pairs(draw, largest: int = 4) -> tuple[np.ndarray, np.ndarray]:
    shape = draw(array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=6))
    labels = arrays(np.int64, shape, elements=st.integers(0, largest))
    return draw(labels), draw(labels)


def exhaustive_true_positives(truth: np.ndarray, prediction: np.ndarray, threshold: float) -> int:
    """Try every one-to-one assignment; sets of pixels instead of arrays of counts."""
    sides = []
    for labels in (truth, prediction):
        flat = labels.ravel().tolist()
        sides.append([{i for i, label in enumerate(flat) if label == one} for one in sorted(set(flat) - {0})])
    short, long = sorted(sides, key=len)
    return max(
        sum(len(a & b) / len(a | b) >= threshold for a, b in zip(short, order, strict=True))
        for order in itertools.permutations(long, len(short))
    )


def test_pixel_scores_of_a_case_counted_by_hand() -> None:
    truth = np.array([[0, 0, 1, 1], [0, 2, 2, 1]])
    prediction = np.array([[0, 1, 1, 1], [0, 2, 0, 0]])
    counts = pixel_counts(prediction, truth, classes=4)
    assert_array_equal(counts.true_positive, [2, 2, 1, 0])
    assert_array_equal(counts.false_positive, [2, 1, 0, 0])
    assert_array_equal(counts.false_negative, [1, 1, 1, 0])
    assert_allclose(dice(prediction, truth, classes=4), [4 / 7, 4 / 6, 2 / 3, np.nan])
    assert_allclose(iou(prediction, truth, classes=4), [2 / 5, 2 / 4, 1 / 2, np.nan])
    precision, recall = np.array([2 / 4, 2 / 3, 1 / 1]), np.array([2 / 3, 2 / 3, 1 / 2])
    assert_allclose(pixel_f1(prediction, truth, classes=4)[:3], 2 * precision * recall / (precision + recall))


def test_a_class_that_only_the_prediction_has_scores_zero() -> None:
    assert_allclose(dice(np.array([0, 1]), np.array([0, 0]), classes=3), [2 / 3, 0, np.nan])


def test_boolean_masks_are_two_classes() -> None:
    assert_allclose(iou(np.array([True, True, False]), np.array([True, False, False]), classes=2), [0.5, 0.5])


@pytest.mark.parametrize("shape", [(30, 20), (6, 7, 8)])
def test_pixel_scores_agree_with_monai(shape: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch")
    from monai.metrics import compute_dice, compute_iou

    truth, prediction = np.random.default_rng(0).integers(0, 4, (2, *shape))
    prediction[truth == 2] = 2
    one_hot = [
        torch.from_numpy(np.stack([labels == k for k in range(4)])[None].astype(np.float32))
        for labels in (prediction, truth)
    ]
    for ours, theirs in ((dice, compute_dice), (iou, compute_iou)):
        expected = theirs(y_pred=one_hot[0], y=one_hot[1], include_background=True)[0].numpy()
        assert_allclose(ours(prediction, truth, classes=4), expected, rtol=1e-6)


def test_counts_add_up_to_those_of_the_joined_images() -> None:
    rng = np.random.default_rng(0)
    truth, prediction = rng.integers(0, 4, (2, 2, 20, 20))
    total = pixel_counts(prediction[0], truth[0], classes=4) + pixel_counts(prediction[1], truth[1], classes=4)
    assert_allclose(total.dice, dice(prediction, truth, classes=4))
    assert_allclose(total.f1, pixel_f1(prediction, truth, classes=4))
    objects = match_objects(truth[0], prediction[0], (0.1, 0.2)) + match_objects(truth[1], prediction[1], (0.1, 0.2))
    # Side by side with ids of their own, the two images are one image with all of their objects.
    assert_array_equal(
        objects.true_positive,
        match_objects(
            np.concatenate([truth[0], np.where(truth[1], truth[1] + 10, 0)]),
            np.concatenate([prediction[0], np.where(prediction[1], prediction[1] + 10, 0)]),
            (0.1, 0.2),
        ).true_positive,
    )


def test_counts_at_other_thresholds_do_not_add() -> None:
    labels = np.array([1, 0])
    with pytest.raises(ValueError, match="thresholds differ"):
        match_objects(labels, labels, (0.5,)) + match_objects(labels, labels, (0.7,))


def test_average_precision_of_a_case_counted_by_hand() -> None:
    truth = np.zeros((10, 40), np.int32)
    truth[:, 0:10], truth[:, 10:20], truth[:, 30:40] = 1, 2, 3
    prediction = np.zeros_like(truth)
    prediction[:, 0:8] = 4  # IoU 0.8 with 1
    prediction[:6, 10:20] = 9  # IoU 0.6 with 2
    prediction[0, 25:30] = 2  # touches nothing
    assert_allclose(
        average_precision(truth, prediction, (0.5, 0.6, 0.65, 0.8, 0.85)), [2 / 4, 2 / 4, 1 / 5, 1 / 5, 0 / 6]
    )
    assert_allclose(average_precision(truth, prediction).mean(), (3 * 0.5 + 4 * 0.2) / 10)


def test_thresholds_are_reached_by_exact_fractions() -> None:
    """An IoU of k / 20 counts at the threshold k / 20, for every k: no floating-point hair in between."""
    assert len(THRESHOLDS) == 10
    for step, threshold in enumerate(THRESHOLDS, 10):
        truth = np.ones(20, np.uint8)
        prediction = (np.arange(20) < step).astype(np.uint8)
        assert average_precision(truth, prediction, (threshold,)) == [1.0]


def test_at_a_low_threshold_the_largest_matching_is_taken() -> None:
    """Greedy matching by IoU would pair 2 with 1 and leave the other two alone."""
    truth = np.array([1, 1, 1, 2, 2, 2, 2, 0, 0])
    prediction = np.array([0, 1, 1, 1, 1, 1, 2, 0, 0])
    # IoU: (1,1) 2/6, (2,1) 3/6, (2,2) 1/4
    assert match_objects(truth, prediction, (0.25,)).true_positive == [2]
    assert match_objects(truth, prediction, (0.5,)).true_positive == [1]


@pytest.mark.parametrize(
    ("truth", "prediction", "expected"),
    [
        pytest.param([0, 0], [0, 0], 1.0, id="neither has an object"),
        pytest.param([0, 0], [0, 3], 0.0, id="one invented"),
        pytest.param([5, 0], [0, 0], 0.0, id="one missed"),
        pytest.param([5, 0], [1, 0], 1.0, id="ids need not agree"),
        pytest.param([7, 7], [2, 2], 1.0, id="no background"),
    ],
)
def test_average_precision_at_the_edges(truth: list[int], prediction: list[int], expected: float) -> None:
    assert_array_equal(average_precision(np.array(truth), np.array(prediction)), np.full(10, expected))


def test_an_array_without_pixels_has_no_object() -> None:
    empty = np.zeros((0, 5), np.int32)
    assert_array_equal(average_precision(empty, empty, (0.5,)), [1.0])


@given(label_pairs(largest=5), st.sampled_from([0.1, 0.25, 0.5, 0.6, 0.75]))
@settings(max_examples=200, deadline=None)
def test_matching_agrees_with_trying_every_assignment(pair: tuple[np.ndarray, np.ndarray], threshold: float) -> None:
    truth, prediction = pair
    counts = match_objects(truth, prediction, (threshold,))
    found = exhaustive_true_positives(truth, prediction, threshold)
    assert counts.true_positive == [found]
    assert counts.false_negative == [np.unique(truth[truth > 0]).size - found]
    assert counts.false_positive == [np.unique(prediction[prediction > 0]).size - found]


@given(label_pairs(), st.permutations([3, 70000, 2**40, 11, 6]))
@settings(deadline=None)
def test_ids_do_not_matter(pair: tuple[np.ndarray, np.ndarray], ids: list[int]) -> None:
    truth, prediction = pair
    renamed = np.array([0, *ids])[prediction]
    assert_array_equal(average_precision(truth, renamed, (0.2, 0.5)), average_precision(truth, prediction, (0.2, 0.5)))
    assert_array_equal(average_precision(prediction, truth, (0.2, 0.5)), average_precision(truth, renamed, (0.2, 0.5)))


def crowded_image(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Touching cells, and the same cells shifted, some merged and some lost."""
    from skimage.segmentation import watershed

    rng = np.random.default_rng(seed)
    points = np.zeros((96, 96), np.int32)
    points[tuple(rng.integers(0, 96, (2, 60)))] = np.arange(1, 61)
    truth = watershed(rng.random((96, 96)), points, mask=rng.random((96, 96)) < 0.95)
    prediction = np.roll(truth, 1, axis=0)
    prediction[prediction == 7] = 8
    prediction[np.isin(prediction, (20, 21, 22))] = 0
    return truth, prediction


def test_overlaps_agree_with_scikit_image() -> None:
    from skimage.metrics import contingency_table

    truth, prediction = crowded_image(1)
    common = contingency_table(truth, prediction).toarray()
    keep = np.ix_(
        common.any(axis=1) & (np.arange(len(common)) > 0), common.any(axis=0) & (np.arange(common.shape[1]) > 0)
    )
    union = common.sum(1, keepdims=True) + common.sum(0, keepdims=True) - common
    expected = np.divide(common, union, out=np.zeros(common.shape), where=union > 0)[keep]
    assert_allclose(intersection_over_union(truth, prediction).toarray(), expected)


def test_object_counts_agree_with_monai() -> None:
    torch = pytest.importorskip("torch")
    from monai.metrics import compute_panoptic_quality

    for seed in range(3):
        truth, prediction = crowded_image(seed)
        found, invented, missed, _ = compute_panoptic_quality(
            torch.from_numpy(prediction), torch.from_numpy(truth), remap=True, output_confusion_matrix=True
        )
        counts = match_objects(truth, prediction, (0.5,))
        assert counts.true_positive == [found]
        assert counts.false_positive == [invented]
        assert counts.false_negative == [missed]
        assert 0 < found < truth.max()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        pytest.param(lambda: dice(np.zeros(3, int), np.zeros(4, int), classes=2), "shapes", id="shapes"),
        pytest.param(lambda: dice(np.zeros(3), np.zeros(3, int), classes=2), "integer or bool", id="float"),
        pytest.param(lambda: dice(np.array([2]), np.array([1]), classes=2), "prediction holds class ids", id="class"),
        pytest.param(lambda: dice(np.array([1]), np.array([-1]), classes=2), "truth holds class ids", id="negative"),
        pytest.param(lambda: match_objects(np.array([1]), np.array([1]), (0.0,)), "above 0", id="threshold"),
    ],
)
def test_input_that_makes_no_sense_is_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
