"""GeoJSON for QuPath, as shapely reads it, and what QuPath itself writes."""

from __future__ import annotations

import json
import uuid

import numpy as np
import pytest
from drawn_labels import drawn_labels, drawn_stack

from src_models.errors import ImageError
from src_models.files.exchange.described import Described
from src_models.files.exchange.geojson import read_geojson, write_geojson
from src_models.files.exchange.painting import paint


def written(tmp_path, labels, axes, described, **options):
    write_geojson(tmp_path / "a.geojson", labels, axes, described, **options)
    return json.loads((tmp_path / "a.geojson").read_text(encoding="utf-8"))["features"]


def test_shapely_reads_exactly_the_pixels(tmp_path):
    shapely = pytest.importorskip("shapely")
    labels = drawn_labels()
    y, x = np.mgrid[: labels.shape[0], : labels.shape[1]] + 0.5
    for feature in written(tmp_path, labels, "YX", Described()):
        geometry = shapely.geometry.shape(feature["geometry"])
        assert geometry.is_valid
        number = int(feature["properties"]["metadata"]["label"])
        np.testing.assert_array_equal(shapely.contains_xy(geometry, x, y), labels == number)
        assert geometry.area == np.count_nonzero(labels == number)


def test_properties_are_those_that_qupath_reads(tmp_path):
    described = Described(
        kinds={1: "tumour", 2: "stroma"}, measurements={2: {"area (µm²)": 3.5, "sense": float("nan")}}, image="a.tif"
    )
    features = {
        f["properties"]["name"]: f for f in written(tmp_path, drawn_labels(), "YX", described, kind="annotation")
    }
    one = features["stroma 2"]
    assert one["type"] == "Feature"
    uuid.UUID(one["id"])
    assert one["properties"]["objectType"] == "annotation"
    assert one["properties"]["classification"]["name"] == "stroma"
    assert all(0 <= part <= 255 for part in one["properties"]["classification"]["color"])
    assert one["properties"]["measurements"] == {"area (µm²)": 3.5}
    assert one["geometry"]["type"] == "Polygon"
    assert one["geometry"]["coordinates"][0][0] == one["geometry"]["coordinates"][0][-1]
    assert "plane" not in one["geometry"]
    assert features["7"]["geometry"]["type"] == "MultiPolygon"
    assert "classification" not in features["7"]["properties"]
    assert len({feature["id"] for feature in features.values()}) == len(features)


def test_planes_count_from_zero(tmp_path):
    planes = [f["geometry"]["plane"] for f in written(tmp_path, drawn_stack(), "TZYX", Described())]
    assert {(one["t"], one["z"], one["c"]) for one in planes} == {(t, z, -1) for t in (0, 1) for z in (0, 1, 2)}


@pytest.mark.parametrize(("axes", "labels"), [("YX", drawn_labels()), ("TZYX", drawn_stack())])
def test_what_was_written_is_read_again(tmp_path, axes, labels):
    written(tmp_path, labels, axes, Described(kinds={2: "disc"}))
    painted = paint(read_geojson(tmp_path / "a.geojson"), "a", axes=axes, shape=labels.shape)
    np.testing.assert_array_equal(painted.labels, labels)
    assert painted.kinds == {2: "disc"}


def test_what_qupath_writes(tmp_path):
    """As exported by QuPath 0.5: a rectangle, an ellipse in fractions of pixels, a point."""
    (tmp_path / "a.geojson").write_text(
        """{"type":"FeatureCollection","features":[
        {"type":"Feature","id":"6d2f3ac1-3a44-4f3c-9a39-1f3b0d53c8cb","geometry":{"type":"Polygon",
         "coordinates":[[[2,1],[6,1],[6,4],[2,4],[2,1]]]},
         "properties":{"objectType":"annotation","name":"first","classification":{"name":"Tumor","color":[200,0,0]}}},
        {"type":"Feature","id":"9f7a4c5e-30f8-4a3e-9a76-3f5f2a0f9d11","geometry":{"type":"Polygon",
         "coordinates":[[[7.4,1.4],[9.6,1.4],[9.6,3.6],[7.4,3.6],[7.4,1.4]]],"plane":{"c":-1,"z":0,"t":0}},
         "properties":{"objectType":"detection","classification":{"names":["Tumor","Positive"]}}},
        {"type":"Feature","id":"PathAnnotationObject","geometry":{"type":"Point","coordinates":[1,1]},"properties":{}}
        ]}""",
        encoding="utf-8",
    )
    drawing = read_geojson(tmp_path / "a.geojson")
    painted = paint(drawing, "a", axes="YX", shape=(6, 12))
    assert np.count_nonzero(painted.labels == 1) == 12
    assert np.argwhere(painted.labels == 2).tolist() == [[y, x] for y in (1, 2, 3) for x in (7, 8, 9)]
    assert painted.names == {1: "first"}
    assert painted.kinds == {1: "Tumor", 2: "Tumor: Positive"}
    assert "1 of its features" in painted.notes[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "cannot be read as GeoJSON"),
        ('{"type": "FeatureCollection", "features": []}', "holds no polygons"),
        (
            '{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, NaN], [1, 1]]]}}',
            "no number",
        ),
        ('{"type": "Feature", "geometry": {"type": "Polygon"}}', "not as GeoJSON has them"),
        ("[1, 2]", "not as GeoJSON has them"),
    ],
)
def test_what_is_no_geojson_is_refused(tmp_path, text, words):
    (tmp_path / "a.geojson").write_text(text)
    with pytest.raises(ImageError, match=words):
        read_geojson(tmp_path / "a.geojson")
