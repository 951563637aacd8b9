"""Labels of other programs, opened onto their image and saved again, in a viewer."""

from __future__ import annotations

import json

import numpy as np
import pytest
from drawn_labels import drawn_labels

from src_models.files.exchange.described import Described
from src_models.files.exchange.formats import read_foreign, write_foreign

PLUGIN = "napari-medt"
pytestmark = pytest.mark.usefixtures("plugin_registered")
LABELS = drawn_labels()


def test_labels_are_opened_onto_the_image_that_they_fit_and_saved_with_what_is_known(make_napari_viewer, tmp_path):
    viewer = make_napari_viewer()
    place = {"scale": (0.5, 0.5), "translate": (3, 4), "units": ("µm", "µm"), "axis_labels": ("y", "x")}
    image = viewer.add_image(np.zeros(LABELS.shape), name="cells", **place)
    viewer.add_image(np.zeros((20, 20)), name="other")  # lies above, and is too small
    viewer.layers.selection = set()
    write_foreign(tmp_path / "cells.geojson", LABELS, "YX", Described(kinds={2: "disc", 300: "edge"}))
    np.save(tmp_path / "cells_seg.npy", {"masks": LABELS})
    for name in ("cells.geojson", "cells_seg.npy"):
        (layer,) = viewer.open(tmp_path / name, plugin=PLUGIN)
        assert type(layer).__name__ == "Labels"
        np.testing.assert_array_equal(layer.data, LABELS)
        np.testing.assert_allclose(layer.data_to_world((7, 9)), image.data_to_world((7, 9)))
    layer = viewer.layers["cells [1]"]
    assert dict(zip(layer.features["index"], layer.features["class"], strict=True)) == {2: "disc", 300: "edge"}
    layer.features = {**layer.features, "area (µm²)": [1.5, 2.5]}
    layer.save(str(tmp_path / "again.geojson"))
    features = json.loads((tmp_path / "again.geojson").read_text(encoding="utf-8"))["features"]
    told = {one["properties"]["name"]: one["properties"].get("measurements") for one in features}
    assert told["disc 2"] == {"area (µm²)": 1.5}
    layer.save(str(tmp_path / "again.json"), plugin=PLUGIN)
    found = read_foreign(tmp_path / "again.json")
    np.testing.assert_array_equal(found.data, LABELS)


def test_without_an_image_labels_are_as_large_as_they_need(make_napari_viewer, tmp_path):
    viewer = make_napari_viewer()
    write_foreign(tmp_path / "a.geojson", LABELS[:50, :30], "YX")
    (layer,) = viewer.open(tmp_path / "a.geojson", plugin=PLUGIN)
    np.testing.assert_array_equal(layer.data, LABELS[: layer.data.shape[0], : layer.data.shape[1]])
