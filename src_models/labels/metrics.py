"""How well a segmentation agrees with the truth, per pixel and per object.

Both kinds of counts add up, so a score over a data set can be taken in two ways: as the mean of the images' scores, or
pooled, from the sum of their counts, where large and crowded images weigh more.

Examples
--------
>>> truth = np.array([[1, 1, 0, 0, 2, 2]])
>>> prediction = np.array([[5, 5, 0, 0, 0, 7]])
>>> dice(prediction > 0, truth > 0, classes=2)  # background 2 * 2 / (3 + 2), foreground 2 * 3 / (3 + 4)
array([0.8       , 0.85714286])
>>> average_precision(truth, prediction, thresholds=(0.5, 0.75))  # IoU 1 and 0.5: both match at 0.5, one at 0.75
array([1.        , 0.33333333])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

__all__ = [
    "THRESHOLDS",
    "MatchCounts",
    "PixelCounts",
    "average_precision",
    "dice",
    "intersection_over_union",
    "iou",
    "match_objects",
    "mean_without_nan",
    "pixel_counts",
    "pixel_f1",
]

# As quotients, not by adding 0.05: an IoU of exactly 3 / 5 must reach the threshold 0.6.
THRESHOLDS = tuple(step / 20 for step in range(10, 20))


@dataclass(frozen=True, slots=True)
class PixelCounts:
    """Pixels per class that are right, invented and missed.

    Parameters
    ----------
    true_positive, false_positive, false_negative
        Arrays of int64, shape (classes,).

    Notes
    -----
    A class that neither the truth nor the prediction has gets the score nan, which a mean over classes or images leaves
    out. A class that is predicted where the truth has none scores 0.
    """

    true_positive: NDArray[np.int64]
    false_positive: NDArray[np.int64]
    false_negative: NDArray[np.int64]

    def __add__(self, other: PixelCounts) -> PixelCounts:
        return PixelCounts(
            self.true_positive + other.true_positive,
            self.false_positive + other.false_positive,
            self.false_negative + other.false_negative,
        )

    @property
    def dice(self) -> NDArray[np.float64]:
        """2 TP / (2 TP + FP + FN) per class, shape (classes,)."""
        return _ratio(2 * self.true_positive, 2 * self.true_positive + self.false_positive + self.false_negative)

    @property
    def iou(self) -> NDArray[np.float64]:
        """TP / (TP + FP + FN) per class, shape (classes,)."""
        return _ratio(self.true_positive, self.true_positive + self.false_positive + self.false_negative)

    @property
    def f1(self) -> NDArray[np.float64]:
        """Harmonic mean of the precision TP / (TP + FP) and the recall TP / (TP + FN), shape (classes,).

        By algebra this is :attr:`dice`; papers report either name.
        """
        return self.dice


@dataclass(frozen=True, slots=True)
class MatchCounts:
    """Objects that are found, invented and missed, at each IoU threshold.

    Parameters
    ----------
    thresholds
        The IoU that a pair of objects must reach to match.
    true_positive, false_positive, false_negative
        Arrays of int64, shape (thresholds,).
    """

    thresholds: tuple[float, ...]
    true_positive: NDArray[np.int64]
    false_positive: NDArray[np.int64]
    false_negative: NDArray[np.int64]

    def __add__(self, other: MatchCounts) -> MatchCounts:
        if self.thresholds != other.thresholds:
            raise ValueError(f"thresholds differ: {self.thresholds} and {other.thresholds}")
        return MatchCounts(
            self.thresholds,
            self.true_positive + other.true_positive,
            self.false_positive + other.false_positive,
            self.false_negative + other.false_negative,
        )

    @property
    def average_precision(self) -> NDArray[np.float64]:
        """TP / (TP + FP + FN) at each threshold, shape (thresholds,); 1 where there is no object on either side."""
        total = self.true_positive + self.false_positive + self.false_negative
        return np.nan_to_num(_ratio(self.true_positive, total), nan=1.0)


def pixel_counts(prediction: ArrayLike, truth: ArrayLike, *, classes: int) -> PixelCounts:
    """Count right, invented and missed pixels of each class.

    Parameters
    ----------
    prediction, truth
        Class ids from 0 to ``classes - 1``, integer or bool, equal shapes of any number of axes.
    classes
        Number of classes, background included.

    Raises
    ------
    ValueError
        If shapes differ or an id is outside of the classes.
    """
    prediction, truth = _checked(prediction, truth)
    for name, ids in (("prediction", prediction), ("truth", truth)):
        if ids.size and (ids.min() < 0 or ids.max() >= classes):
            raise ValueError(f"{name} holds class ids from {ids.min()} to {ids.max()}, outside of 0 to {classes - 1}")
    pairs = truth.astype(np.int64).ravel() * classes + prediction.astype(np.int64).ravel()
    confusion = np.bincount(pairs, minlength=classes**2).reshape(classes, classes)
    right = confusion.diagonal()
    return PixelCounts(right.copy(), confusion.sum(axis=0) - right, confusion.sum(axis=1) - right)


def dice(prediction: ArrayLike, truth: ArrayLike, *, classes: int) -> NDArray[np.float64]:
    """Return the Dice coefficient of each class, shape (classes,); see :class:`PixelCounts` for absent classes."""
    return pixel_counts(prediction, truth, classes=classes).dice


def iou(prediction: ArrayLike, truth: ArrayLike, *, classes: int) -> NDArray[np.float64]:
    """Return the intersection over union of each class, shape (classes,); nan for a class that is in neither."""
    return pixel_counts(prediction, truth, classes=classes).iou


def pixel_f1(prediction: ArrayLike, truth: ArrayLike, *, classes: int) -> NDArray[np.float64]:
    """Return the F1 score of each class's pixels, shape (classes,); nan for a class that is in neither."""
    return pixel_counts(prediction, truth, classes=classes).f1


def intersection_over_union(truth: ArrayLike, prediction: ArrayLike) -> csr_array[Any, Any]:
    """Return the IoU of every pair of objects that overlap.

    Parameters
    ----------
    truth, prediction
        Object ids, integer or bool, equal shapes of any number of axes; 0 is background, gaps in ids are allowed.

    Returns
    -------
    csr_array of float64, shape (objects in truth, objects in prediction)
        Rows and columns in the order of ids; pairs without a common pixel are not stored.
    """
    truth, prediction = _checked(truth, prediction)
    truth_sizes, rows = _compact(truth)
    prediction_sizes, columns = _compact(prediction)
    both = (rows > 0) & (columns > 0)
    width = prediction_sizes.size
    pairs, common = np.unique((rows[both] - 1) * width + columns[both] - 1, return_counts=True)
    row, column = np.divmod(pairs, max(width, 1))
    union = truth_sizes[row] + prediction_sizes[column] - common
    return csr_array((common / union, (row, column)), shape=(truth_sizes.size, width))


def match_objects(truth: ArrayLike, prediction: ArrayLike, thresholds: Sequence[float] = THRESHOLDS) -> MatchCounts:
    """Match predicted objects to true ones, one to one, and count them at each threshold.

    Parameters
    ----------
    truth, prediction
        Object ids as in :func:`intersection_over_union`.
    thresholds
        A pair may match if its IoU is at least the threshold; each above 0.

    Notes
    -----
    Of all one-to-one matchings the one with the most pairs is taken. Two pairs that share an object cannot both have an
    IoU above 0.5, so that it only matters at thresholds of 0.5 and below.
    """
    if any(not 0 < threshold <= 1 for threshold in thresholds):
        raise ValueError(f"thresholds {tuple(thresholds)} must be above 0 and at most 1")
    ious = intersection_over_union(truth, prediction)
    found = np.array([_largest_matching(ious, threshold) for threshold in thresholds], np.int64)
    return MatchCounts(tuple(thresholds), found, ious.shape[1] - found, ious.shape[0] - found)


def average_precision(
    truth: ArrayLike, prediction: ArrayLike, thresholds: Sequence[float] = THRESHOLDS
) -> NDArray[np.float64]:
    """Return TP / (TP + FP + FN) of matched objects at each IoU threshold, shape (thresholds,).

    Parameters
    ----------
    truth, prediction, thresholds
        As in :func:`match_objects`.

    Notes
    -----
    1 where neither side has an object: finding nothing in an empty image is right.

    References
    ----------
    .. [1] Caicedo et al. 2019, "Nucleus segmentation across imaging experiments: the 2018 Data Science Bowl",
       doi:10.1038/s41592-019-0612-7.
    """
    return match_objects(truth, prediction, thresholds).average_precision


def mean_without_nan(values: Sequence[NDArray[np.float64]] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Average over the first axis without the nan; nan where there is nothing else."""
    stack = np.asarray(values, np.float64)
    counted = np.isfinite(stack)
    mean = np.full(stack.shape[1:], np.nan)
    np.divide(np.where(counted, stack, 0).sum(axis=0), counted.sum(axis=0), out=mean, where=counted.any(axis=0))
    return mean


def _largest_matching(ious: csr_array[Any, Any], threshold: float) -> int:
    pairs = ious.tocoo()
    reached = pairs.data >= threshold
    graph = csr_array((pairs.data[reached], (pairs.row[reached], pairs.col[reached])), shape=ious.shape)
    return int(np.count_nonzero(maximum_bipartite_matching(graph, perm_type="column") >= 0))


def _compact(labels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the objects' sizes in the order of ids, and the flat labels numbered anew: 0, then 1 to the count."""
    ids, inverse, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    numbers = np.cumsum(ids != 0)
    numbers[ids == 0] = 0
    return sizes[ids != 0].astype(np.int64), numbers[inverse.ravel()].astype(np.int64)


def _checked(first: ArrayLike, second: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    arrays = np.asarray(first), np.asarray(second)
    if arrays[0].shape != arrays[1].shape:
        raise ValueError(f"shapes {arrays[0].shape} and {arrays[1].shape} differ")
    if any(array.dtype.kind not in "bui" for array in arrays):
        raise ValueError(f"labels must be integer or bool, not {arrays[0].dtype} and {arrays[1].dtype}")
    return arrays


def _ratio(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    ratio = np.full(part.shape, np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio
