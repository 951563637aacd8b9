"""Columns of features are written beside those of others."""

import numpy as np
import pandas as pd
from napari.layers import Labels

from napari_medt.viewer.labels.features import join_features


def features_of(before, columns, own=()):
    labels = Labels(np.array([[0, 1, 2]]), features=before)
    join_features(labels, columns, own=lambda name: name in own)
    return labels.features


def test_columns_and_rows_of_others_stay():
    found = features_of({"index": [1, 9], "stage": ["M", "S"]}, {"index": [1, 2], "area": [5, 6]})
    found = found.set_index("index")
    assert found.loc[[1, 9], "stage"].tolist() == ["M", "S"]
    assert found.loc[[1, 2], "area"].tolist() == [5, 6]
    assert pd.isna(found.loc[9, "area"])


def test_columns_of_an_earlier_run_are_replaced():
    found = features_of({"index": [1], "old": [3], "area": [1]}, {"index": [1], "area": [5]}, own=("old", "area"))
    assert found.to_dict("list") == {"index": [1], "area": [5]}


def test_features_may_be_empty():
    assert features_of(None, {"index": [2], "area": [5]}).to_dict("list") == {"index": [2], "area": [5]}
