"""Classes in napari's table of features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.layers import Labels

from napari_medt.classifying.features import write_features
from src_models.classifying.layer.object_classes import ObjectClasses


def table(ids=(2, 5), classes=("round", "long")):
    shares = np.tile([[0.75, 0.25]], (len(ids), 1))
    boxes, positions, areas = np.zeros((len(ids), 4), int), np.zeros((len(ids), 2)), np.ones(len(ids), int)
    return ObjectClasses(classes, np.array(ids), shares, positions=positions, boxes=boxes, areas=areas)


@pytest.fixture
def labels():
    return Labels(np.array([[0, 2], [5, 0]]))


def test_napari_tells_the_class_of_the_object_under_the_pointer(labels):
    found = table()
    found.give(5, "long")
    write_features(labels, found)
    assert list(labels.features)[:4] == ["index", "class", "probability", "corrected"]
    assert labels.features["p round"].tolist() == [0.75, 0.75]
    status = labels.get_status((1, 0))["value"]
    assert "class: long" in status
    assert "corrected: True" in status


def test_columns_and_rows_of_somebody_else_stay(labels):
    labels.features = pd.DataFrame({"index": [5, 7], "treatment": ["a", "b"]})
    write_features(labels, table())
    kept = labels.features.set_index("index")
    assert kept["treatment"].to_dict() == {5: "a", 7: "b", 2: kept["treatment"][2]}
    assert pd.isna(kept["treatment"][2])
    assert kept["class"].dropna().to_dict() == {2: "round", 5: "round"}


def test_a_row_for_each_number_from_0_on_is_understood_too(labels):
    labels.features = pd.DataFrame({"height": [0.0, 1, 2, 3, 4, 5]})
    write_features(labels, table())
    kept = labels.features.set_index("index")
    assert kept["height"].to_dict() == {number: float(number) for number in range(6)}
    assert kept["class"].dropna().to_dict() == {2: "round", 5: "round"}


def test_of_an_earlier_run_nothing_is_left(labels):
    write_features(labels, table(classes=("old", "older")))
    write_features(labels, table(ids=(5,)))
    assert [name for name in labels.features if name.startswith("p ")] == ["p round", "p long"]
    assert labels.features["index"].tolist() == [5]
