"""Classes have names where napari shows them."""

import numpy as np
from napari.layers import Labels

from napari_medt.viewer.labels.class_names import name_classes


def labels(**options):
    return Labels(np.array([[0, 1], [2, 2]]), **options)


def test_the_status_bar_names_the_class_under_the_pointer():
    layer = labels()
    name_classes(layer, ("axon", "myelin"))

    assert "myelin" in str(layer.get_status((1, 0)))
    assert "axon" in str(layer.get_status((0, 1)))


def test_names_change_and_go():
    layer = labels()
    name_classes(layer, ("axon", "myelin"))
    name_classes(layer, ("nerve",))
    assert layer.features["name"].tolist() == ["nerve"]
    name_classes(layer, ())
    assert len(layer.features.columns) == 0


def test_features_of_a_person_s_own_stay():
    layer = labels(features={"index": [1, 2], "patient": ["a", "b"]})
    name_classes(layer, ("axon", "myelin"))
    assert list(layer.features) == ["index", "patient"]
