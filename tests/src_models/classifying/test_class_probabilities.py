"""What is said of the likeliest class follows from the probabilities."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis.extra.numpy import arrays

from src_models.classifying.class_probabilities import Classified, ClassProbabilities


@given(arrays(np.float32, (7, 3), elements={"min_value": 0.0, "max_value": 1.0}))
def test_best_names_and_counts_agree_with_the_table(probabilities):
    found = ClassProbabilities(("a", "b", "c"), probabilities)
    for row, best, name, certainty in zip(probabilities, found.best, found.names, found.certainty, strict=True):
        assert row[best] == max(row) == certainty
        assert name == "abc"[best]
    assert found.counts == {letter: found.names.count(letter) for letter in "abc"}
    assert len(found) == 7


def classified(probabilities, kind):
    count = len(probabilities)
    empty = np.zeros((count, 4))
    return Classified(
        ("round", "long"), np.array(probabilities, np.float32).reshape(count, 2), ids=np.arange(count),
        positions=empty, boxes=empty, planes=empty, kind=kind,
    )  # fmt: skip


def test_the_summary_names_the_most_frequent_first():
    assert classified([[0.1, 0.9], [0.2, 0.8], [0.7, 0.3]], "objects").summary == "3 objects: 2 long, 1 round"
    assert classified([[0.1, 0.9]], "objects").summary == "1 object: 1 long"
    assert classified([[0.1, 0.9]], "image").summary == "long (90%)"
    assert classified([], "objects").summary == "0 objects"
