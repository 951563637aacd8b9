"""Scores agree with scikit-learn's."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from sklearn import metrics

from src_models.classifying.evaluation.scores import accuracy, balanced_accuracy, class_scores, confusion_of, mean_auc


@pytest.fixture(params=range(5))
def told(request):
    """True classes of which the last has no picture, and probabilities with ties."""
    random = np.random.default_rng(request.param)
    true = random.integers(0, 4, 60)
    probabilities = np.round(random.dirichlet(np.ones(5), 60), 1)
    return true, probabilities, probabilities.argmax(1)


def test_confusion_accuracy_and_scores_of_each_class(told):
    true, _, found = told
    confusion = confusion_of(true, found, 5)
    assert (confusion == metrics.confusion_matrix(true, found, labels=range(5))).all()
    assert accuracy(confusion) == pytest.approx(metrics.accuracy_score(true, found))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a class that nobody has
        assert balanced_accuracy(confusion) == pytest.approx(metrics.balanced_accuracy_score(true, found))
        precision, recall, f1, count = metrics.precision_recall_fscore_support(
            true, found, labels=range(5), zero_division=np.nan
        )
    for row, scores in enumerate(class_scores(confusion)):
        wanted = (precision[row], recall[row], f1[row])
        assert np.allclose((scores.precision, scores.recall, scores.f1), wanted, equal_nan=True)
        assert scores.count == count[row]


def test_auc_is_the_mean_of_each_class_against_the_others(told):
    true, probabilities, _ = told
    assert mean_auc(true, probabilities) is None  # the last class has no picture
    four = probabilities[:, :4]
    wanted = np.mean([metrics.roc_auc_score(true == label, four[:, label]) for label in range(4)])
    assert mean_auc(true, four) == pytest.approx(wanted)


def test_of_nothing_nothing_is_said():
    empty = confusion_of(np.zeros(0, int), np.zeros(0, int), 2)
    assert math.isnan(accuracy(empty))
    assert math.isnan(balanced_accuracy(empty))
    assert mean_auc(np.zeros(4, int), np.ones((4, 1))) is None
