"""Pictures of one image stay on one side, names of classes are checked, channels are picked in order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from src_models.errors import DataSetError
from src_models.files.class_sets.class_set import ClassSample, ClassSet
from src_models.files.split_by_name import fraction_of


def make(sources, *, labels=None, splits=None, picture=None) -> ClassSet:
    """A set of pictures cut out of these sources."""
    count = len(sources)
    labels = labels or [number % 2 for number in range(count)]
    splits = splits or [None] * count
    samples = tuple(
        ClassSample(f"{number:03d}", label, lambda _size: picture, split, source)
        for number, (label, split, source) in enumerate(zip(labels, splits, sources, strict=True))
    )
    return ClassSet(Path("cells"), ("round", "long"), samples, 32)


def test_pictures_of_one_image_are_on_one_side_and_none_is_on_both():
    data = make([f"slide {number // 6}" for number in range(240)])
    sides = {name: {sample.source for sample in data.split(name)} for name in ("train", "val")}
    assert not sides["train"] & sides["val"]
    assert sides["val"] == {source for source in sides["train"] | sides["val"] if fraction_of(source) < 0.15}
    assert len(data.split("train")) + len(data.split("val")) == 240
    assert data.splits == ("train", "val")


def test_without_sources_each_picture_is_on_its_own():
    data = make([None] * 100)
    assert {sample.name for sample in data.split("val")} == {
        sample.name for sample in data.samples if fraction_of(sample.name) < 0.15
    }


def test_a_class_keeps_a_picture_to_learn_from():
    rare = next(f"slide {number}" for number in range(1000) if fraction_of(f"slide {number}") < 0.15)
    others = [f"slide {number}" for number in range(30) if f"slide {number}" != rare]
    data = make([rare, *others], labels=[1] + [0] * len(others))
    assert data.counts(data.split("train"))[1] == 1


def test_the_set_s_own_words_are_believed_and_a_missing_one_is_named():
    data = make(["a", "b", "c", "d"], splits=["train", "val", "test", "train"])
    assert [sample.name for sample in data.split("train")] == ["000", "003"]
    assert [sample.name for sample in data.split("test")] == ["002"]
    with pytest.raises(DataSetError, match=r"cells: there is no split 'holdout'; there are: test, train, val"):
        data.split("holdout")


def test_a_test_set_is_left_alone_where_train_is_divided():
    data = make([f"{number}" for number in range(60)], splits=["test"] * 10 + ["train"] * 50)
    divided = {sample.name for name in ("train", "val") for sample in data.split(name)}
    assert divided == {f"{number:03d}" for number in range(10, 60)}


def test_one_image_cannot_be_divided():
    with pytest.raises(DataSetError, match="pictures of one image"):
        make(["same"] * 5).split("train")


def test_classes_get_the_names_that_are_given_if_there_is_one_for_each():
    data = make(["a", "b"])
    assert data.named(["rund", "lang"]).classes == ("rund", "lang")
    for wrong in (["rund"], ["rund", "rund"], ["a", "b", "c"]):
        with pytest.raises(DataSetError, match=r"2 classes \(round, long\)"):
            data.named(wrong)


def test_channels_are_picked_in_the_order_asked_for():
    from dataclasses import replace

    picture = np.arange(24).reshape(2, 3, 4)
    data = make(["a"], picture=picture)
    assert (data.picture(data.samples[0], 1) == picture.transpose(2, 0, 1)).all()
    picked = replace(data, channels=(3, 0))
    assert (picked.picture(picked.samples[0], 1) == np.stack([picture[..., 3], picture[..., 0]])).all()
    with pytest.raises(DataSetError, match="no channel 4; it has 4"):
        replace(data, channels=(4,)).picture(data.samples[0], 1)
