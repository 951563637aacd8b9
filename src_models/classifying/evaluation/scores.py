"""How well classes were told: the confusion of true and found classes, and what follows from it.

Examples
--------
>>> confusion = confusion_of(np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1]), 2)
>>> confusion.tolist(), accuracy(confusion), round(balanced_accuracy(confusion), 3)
([[2, 1], [0, 1]], 0.75, 0.833)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClassScores", "accuracy", "balanced_accuracy", "class_scores", "confusion_of", "mean_auc"]


@dataclass(frozen=True, slots=True)
class ClassScores:
    """What is told of one class; NaN where nothing was of it, or found to be.

    Parameters
    ----------
    precision
        Of those that were found to be of this class, the share that is.
    recall
        Of those that are of this class, the share that was found.
    f1
        The harmonic mean of both.
    count
        How many are of this class.
    """

    precision: float
    recall: float
    f1: float
    count: int


def confusion_of(true: NDArray[np.integer], found: NDArray[np.integer], classes: int) -> NDArray[np.int64]:
    """Return how many of each true class (rows) were found to be of each class (columns): (classes, classes)."""
    pairs = np.asarray(true, np.int64) * classes + np.asarray(found, np.int64)
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def accuracy(confusion: NDArray[np.int64]) -> float:
    """Return the share of all that was found right; NaN of nothing."""
    total = int(confusion.sum())
    return float(np.trace(confusion) / total) if total else math.nan


def balanced_accuracy(confusion: NDArray[np.int64]) -> float:
    """Return the mean of the recall of those classes of which there are any; NaN of nothing."""
    counts = confusion.sum(axis=1)
    there = counts > 0
    return float(np.mean(np.diag(confusion)[there] / counts[there])) if there.any() else math.nan


def class_scores(confusion: NDArray[np.int64]) -> tuple[ClassScores, ...]:
    """Return precision, recall and F1 of each class."""
    right, true, found = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    return tuple(
        ClassScores(_share(r, f), _share(r, t), _share(2 * r, t + f), int(t))
        for r, t, f in zip(right, true, found, strict=True)
    )


def mean_auc(true: NDArray[np.integer], probabilities: NDArray[np.floating]) -> float | None:
    """Return the mean over the classes of the area under the ROC curve of each against all others.

    None where a class has no picture, or all are of one. The area is the probability that a picture of the class is
    given a higher probability of it than one of another class (ties count half).
    """
    classes = probabilities.shape[1]
    counts = np.bincount(true, minlength=classes)
    if (counts == 0).any() or (counts == len(true)).any():
        return None
    return float(np.mean([_auc(true == label, probabilities[:, label]) for label in range(classes)]))


def _auc(is_class: NDArray[np.bool_], probability: NDArray[np.floating]) -> float:
    from scipy.stats import rankdata

    positive = int(is_class.sum())
    ranks = rankdata(probability)[is_class].sum() - positive * (positive + 1) / 2
    return float(ranks / (positive * (len(is_class) - positive)))


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan
