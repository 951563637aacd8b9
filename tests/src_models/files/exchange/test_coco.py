"""COCO JSON, as pycocotools reads it, and as it writes it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from drawn_labels import drawn_labels, drawn_stack, ious

from src_models.errors import ImageError
from src_models.files.exchange.coco import read_coco, write_coco
from src_models.files.exchange.described import Described
from src_models.files.exchange.painting import paint


@pytest.fixture
def coco():
    return pytest.importorskip("pycocotools.coco").COCO


def test_pycocotools_reads_the_objects(tmp_path, coco, capsys):
    labels = drawn_labels()
    write_coco(tmp_path / "a.json", labels, "YX", Described(kinds={2: "disc", 3: "disc"}, image="a.tif"))
    read = coco(str(tmp_path / "a.json"))
    again = np.zeros_like(labels)
    for one in read.loadAnns(read.getAnnIds()):
        mask = read.annToMask(one).astype(bool)
        again[mask] = one["label"]
        assert one["area"] == np.count_nonzero(labels == one["label"])
        rows, columns = np.nonzero(labels == one["label"])
        size = [np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert one["bbox"] == [columns.min(), rows.min(), *size]
    assert min(ious(labels, again).values()) >= 0.99
    np.testing.assert_array_equal(again == 1, labels == 1)  # with a hole: by runs, exactly
    assert read.imgs[1]["file_name"] == "a.tif"
    assert [one["label"] for one in read.loadAnns(read.getAnnIds(catIds=read.getCatIds(catNms=["disc"])))] == [2, 3]


@pytest.mark.parametrize(("axes", "labels"), [("YX", drawn_labels()), ("TZYX", drawn_stack())])
def test_what_was_written_is_read_again(tmp_path, axes, labels):
    write_coco(tmp_path / "a.json", labels, axes, Described(kinds={2: "disc"}))
    drawing = read_coco(tmp_path / "a.json")
    assert drawing.size == labels.shape[-2:]
    painted = paint(drawing, "a", axes=axes, shape=labels.shape)
    np.testing.assert_array_equal(painted.labels, labels)
    assert painted.kinds == {
        number: "disc" if number == 2 else "object" for number in painted.kinds
    } or painted.kinds == {2: "disc"}


def test_runs_that_pycocotools_packs_are_read(tmp_path):
    packed = pytest.importorskip("pycocotools.mask")
    labels = drawn_labels()
    labels[:, 70:74] = 9  # whole columns
    notes = []
    for number in (1, 7, 9):
        runs = packed.encode(np.asfortranarray(labels == number))
        notes.append({"image_id": 5, "category_id": 1, "segmentation": {**runs, "counts": runs["counts"].decode()}})
    image = {"id": 5, "file_name": "a.png", "height": labels.shape[0], "width": labels.shape[1]}
    content = {"images": [image], "annotations": notes, "categories": [{"id": 1, "name": "cell"}]}
    (tmp_path / "a.json").write_text(json.dumps(content))
    painted = paint(read_coco(tmp_path / "a.json"), "a")
    for order, number in enumerate((1, 7, 9), start=1):
        np.testing.assert_array_equal(painted.labels == order, labels == number)
    assert painted.kinds == {1: "cell", 2: "cell", 3: "cell"}


def test_of_several_images_the_named_one(tmp_path):
    images = [{"id": n, "file_name": f"{name}.png", "height": 4, "width": 4} for n, name in enumerate("ab")]
    notes = [{"image_id": n, "category_id": 1, "segmentation": [[n, 0, n + 1, 0, n + 1, 1, n, 1]]} for n in (0, 1)]
    path = tmp_path / "all.json"
    path.write_text(json.dumps({"images": images, "annotations": notes, "categories": []}))
    assert paint(read_coco(path, "b"), "b").labels[0].tolist() == [0, 1, 0, 0]
    with pytest.raises(ImageError, match="2 images"):
        read_coco(path, "c")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"segmentation": {"size": [4, 4], "counts": [3, 99]}}, "do not fit the image"),
        ({"segmentation": [[0, 0, 1]]}, "not as COCO has it"),
        ({"segmentation": 5}, "not as COCO has it"),
    ],
)
def test_damaged_annotations_are_refused(tmp_path, change, words):
    image = {"id": 1, "file_name": "a.png", "height": 4, "width": 4}
    note = {"image_id": 1, "category_id": 1, **change}
    (tmp_path / "a.json").write_text(json.dumps({"images": [image], "annotations": [note], "categories": []}))
    with pytest.raises(ImageError, match=words):
        read_coco(tmp_path / "a.json")


def test_other_json_is_refused(tmp_path):
    (tmp_path / "a.json").write_text('{"a": 1}')
    with pytest.raises(ImageError, match="no COCO JSON"):
        read_coco(tmp_path / "a.json")
