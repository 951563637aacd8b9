"""Folders of classes in each of their layouts, and what is said of those that are none."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

from src_models.errors import DataSetError
from src_models.files.class_sets.folder import has_class_folders, open_class_folder, read_picture


def picture(path, value=0, shape=(12, 12, 3)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(shape, value, np.uint8)).save(path)


def listed(data):
    return [(sample.name, data.classes[sample.label], sample.split, sample.source) for sample in data.samples]


@pytest.mark.parametrize("below", ["images", ""])
def test_a_folder_for_each_class(tmp_path, below):
    for value, name in enumerate(("long/b.png", "round/a.png", "round/c.jpg")):
        picture(tmp_path / below / name, value)
    (tmp_path / below / "round" / "notes.txt").write_text("not a picture")
    (tmp_path / below / "round" / ".hidden.png").write_bytes(b"")
    data = open_class_folder(tmp_path)
    assert has_class_folders(tmp_path)
    assert (data.classes, data.size) == (("long", "round"), 12)
    assert listed(data) == [
        ("long/b.png", "long", None, None), ("round/a.png", "round", None, None), ("round/c.jpg", "round", None, None),
    ]  # fmt: skip
    assert (data.samples[1].read(0) == 1).all()


def test_a_folder_for_each_split_above_the_classes(tmp_path):
    for name in ("train/long/a.png", "train/round/b.png", "validation/long/c.png", "test/round/d.png"):
        picture(tmp_path / name)
    data = open_class_folder(tmp_path)
    assert data.classes == ("long", "round")
    assert {(sample.name, sample.split) for sample in data.samples} == {
        ("train/long/a.png", "train"), ("train/round/b.png", "train"),
        ("validation/long/c.png", "val"), ("test/round/d.png", "test"),
    }  # fmt: skip


def test_the_manifest_says_what_belongs_to_the_set_and_where_pictures_come_from(tmp_path):
    for name in ("long/a.png", "round/b.png", "round/left out.png"):
        picture(tmp_path / "images" / name)
    (tmp_path / "manifest.csv").write_text(
        "﻿file,split,source_image\nlong/a.png,train,slide 1\nimages/round/b.png,val,\n", encoding="utf-8"
    )
    assert listed(open_class_folder(tmp_path)) == [
        ("long/a.png", "long", "train", "slide 1"), ("round/b.png", "round", "val", None),
    ]  # fmt: skip


def test_a_manifest_may_tell_the_classes_itself(tmp_path):
    for name in ("a.png", "b.png"):
        picture(tmp_path / "images" / name)
    (tmp_path / "manifest.csv").write_text("file,class\na.png,long\nb.png,round\n")
    assert has_class_folders(tmp_path)
    assert [each[:2] for each in listed(open_class_folder(tmp_path))] == [("a.png", "long"), ("b.png", "round")]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("file\nlong/a.png\nlong/a.png\n", "listed more than once: long/a.png"),
        ("file\nlong/a.png\nlong/gone.png\n", r"manifest.csv lists what is not in .*images: long/gone.png"),
        ("name\nlong/a.png\n", "no column 'file'"),
        ("file\nlong/a.png\nloose.png\n", "does not tell the class of loose.png"),
        ("file\nlong/a.png\n", "one class, long, and it takes two"),
    ],
    ids=["twice", "missing", "no column", "no class", "one class"],
)
def test_what_is_wrong_with_a_manifest_is_said(tmp_path, rows, message):
    for name in ("long/a.png", "round/b.png", "loose.png"):
        picture(tmp_path / "images" / name)
    (tmp_path / "manifest.csv").write_text(rows)
    with pytest.raises(DataSetError, match=message):
        open_class_folder(tmp_path)


def test_other_folders_are_no_sets_of_classes(tmp_path):
    with pytest.raises(DataSetError, match="there is no such folder"):
        open_class_folder(tmp_path / "gone")
    picture(tmp_path / "a.png")
    assert not has_class_folders(tmp_path)
    with pytest.raises(DataSetError, match="no pictures in folders of classes"):
        open_class_folder(tmp_path)
    picture(tmp_path / "images" / "a.png")
    picture(tmp_path / "masks" / "a.png")
    assert not has_class_folders(tmp_path)


def test_pictures_are_read_with_their_channels_last(tmp_path):
    grey = np.arange(30, dtype=np.uint16).reshape(5, 6)
    tifffile.imwrite(tmp_path / "grey.tif", grey)
    assert (read_picture(tmp_path / "grey.tif") == grey).all()
    channels = np.arange(60, dtype=np.uint16).reshape(2, 5, 6)
    tifffile.imwrite(tmp_path / "two.tif", channels, imagej=True, metadata={"axes": "CYX"})
    assert (read_picture(tmp_path / "two.tif") == channels.transpose(1, 2, 0)).all()
    tifffile.imwrite(tmp_path / "deep.tif", np.zeros((7, 5, 6), np.uint8), imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(DataSetError, match=r"deep.tif is read as Z=7.*flat pictures"):
        read_picture(tmp_path / "deep.tif")
