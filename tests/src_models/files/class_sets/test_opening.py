"""What a data set can teach is told by what lies in it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from src_models.errors import DataSetError
from src_models.files.class_sets.opening import open_class_set, truths_of


def picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path):
    """A function that puts pictures and tables into a folder."""

    def make(*names, **tables):
        for name in names:
            picture(tmp_path / name)
        for name, text in tables.items():
            (tmp_path / f"{name}.csv").write_text(text)
        return tmp_path

    return make


def test_masks_teach_to_segment(folder):
    root = folder("images/a.png", "masks/a.png")
    assert truths_of(root) == ("segmentation",)
    with pytest.raises(DataSetError, match="it holds masks"):
        open_class_set(root)


def test_folders_of_classes_teach_classes(folder):
    root = folder("images/long/a.png", "images/round/b.png")
    assert truths_of(root) == ("classification",)
    assert open_class_set(root).classes == ("long", "round")


def test_masks_and_boxes_teach_both(folder):
    rows = "file,class,x0,y0,x1,y1\na.png,long,0,0,4,4\na.png,round,4,4,8,8\n"
    root = folder("images/a.png", "masks/a.png", boxes=rows)
    assert truths_of(root) == ("segmentation", "classification")
    assert open_class_set(root).classes == ("long", "round")


def test_archives_teach_classes(tmp_path):
    np.savez(tmp_path / "a.npz", train_images=np.zeros((4, 8, 8), np.uint8), train_labels=np.array([0, 1, 0, 1]))
    assert truths_of(tmp_path / "a.npz") == ("classification",)
    assert len(open_class_set(tmp_path / "a.npz").samples) == 4


def test_other_folders_teach_nothing(folder, tmp_path):
    assert truths_of(folder("images/a.png")) == ()
    assert truths_of(tmp_path / "gone") == ()


@pytest.mark.skipif("NAPARI_MEDT_SHARED" not in os.environ, reason="needs public data sets (NAPARI_MEDT_SHARED)")
def test_public_sets_are_read():
    shared = Path(os.environ["NAPARI_MEDT_SHARED"]) / "data"
    red = open_class_set(shared / "rbc_chula_cls")
    assert (len(red.classes), len(red.samples), red.size) == (12, 2081, 72)
    sides = [{sample.source for sample in red.split(name)} for name in ("train", "val")]
    assert not sides[0] & sides[1]
    assert all(red.classes[sample.label] == sample.name.split("/")[0] for sample in red.samples)
    white = open_class_set(shared / "bccd_wbc")
    counts = dict(zip(white.classes, white.counts(white.samples), strict=True))
    assert counts == {"Platelets": 111, "RBC": 1325, "WBC": 117}
