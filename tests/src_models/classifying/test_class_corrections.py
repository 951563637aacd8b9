"""Given classes are a set that any tool can train on: sides never change, nothing is lost, nothing is half there."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from toy_classes import middle_pixel_model

from src_models.classifying.class_corrections import (
    ClassCorrection,
    ClassCorrectionSet,
    ClassRecord,
    give_classes,
    is_class_correction_set,
)
from src_models.classifying.classify import classify_objects
from src_models.corrections.correction import Source
from src_models.corrections.correction_set import CorrectionSet
from src_models.disk import atomic
from src_models.errors import DataSetError, OutputError, UserError
from src_models.files.class_sets.opening import open_class_set, truths_of

MODEL = middle_pixel_model()
RANDOM = np.random.default_rng(0)


def given(x=5.0, class_name="long", *, y=7.0, layer="cells", picture=None, **fields):
    source = Source(layer=layer, file=f"/data/{layer}.tif", axes="ZYX", plane=(3,))
    picture = RANDOM.integers(0, 255, (16, 16, 3), np.uint8) if picture is None else picture
    return ClassCorrection(picture, ClassRecord(source=source, position=(y, x), class_name=class_name, **fields))


def rows_of(folder):
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    "picture",
    [
        RANDOM.integers(0, 255, (16, 16, 3), np.uint8), RANDOM.integers(0, 60000, (16, 16), np.uint16),
        RANDOM.normal(0, 1, (16, 16, 2)), RANDOM.normal(0, 1, (16, 16, 5)).astype(np.float32),
        RANDOM.integers(-1000, 1000, (16, 16), np.int16),
    ],
    ids=["rgb", "uint16", "two channels", "five channels", "signed"],
)  # fmt: skip
def test_pictures_come_back_as_they_were(tmp_path, picture):
    kept = ClassCorrectionSet.open(tmp_path / "set")
    [name] = kept.add([given(picture=picture, by="Ada", found="round", probability=0.8, object_id=12)])
    again = ClassCorrectionSet.open(tmp_path / "set")
    found = again.read(name)
    assert (found.picture == picture).all()
    assert found.picture.dtype == picture.dtype
    assert found.record == kept.items[0].record == again.items[0].record
    assert (found.record.by, found.record.object_id, found.record.source.plane) == ("Ada", 12, (3,))
    assert again.sha256 == kept.sha256


def test_the_folder_is_a_set_of_classes_of_which_every_fourth_picture_judges(tmp_path):
    kept = ClassCorrectionSet.open(tmp_path)
    kept.add([given(10.0 * number, ("long", "round/flat")[number % 2]) for number in range(24)])
    assert truths_of(tmp_path) == ("classification",)
    assert is_class_correction_set(tmp_path)
    data = open_class_set(tmp_path)
    assert data.classes == ("long", "round/flat")
    assert (len(data.split("train")), len(data.split("val"))) == (18, 6)
    for item, sample in zip(sorted(kept.items, key=lambda item: item.file), data.samples, strict=True):
        assert (sample.read(0) == kept.read(item.file).picture).all()
        assert data.classes[sample.label] == item.record.class_name
        assert sample.source == "/data/cells.tif"


def test_the_side_of_an_object_never_changes_and_each_class_is_taught(tmp_path):
    kept = ClassCorrectionSet.open(tmp_path)
    sides = {}
    for number in range(30):
        kept.add([given(10.0 * number, f"class {number % 7}")])
        for item in kept.items:
            assert sides.setdefault(item.file, item.split) == item.split
    taught = {item.record.class_name for item in kept.items if item.split == "train"}
    assert taught == {f"class {number}" for number in range(7)}
    assert sum(side == "val" for side in sides.values()) == 7


def test_an_object_that_is_given_another_class_replaces_the_earlier_on_its_side_and_nothing_is_deleted(tmp_path):
    kept = ClassCorrectionSet.open(tmp_path)
    names = kept.add([given(10.0 * number) for number in range(8)])
    before = {item.file: item.split for item in kept.items}
    [judging] = [n for n in names if before[n] == "val"][:1]
    place = kept.read(judging).record.position
    assert kept.add([given(place[1] + 0.4, "long")]) == []  # the same class again
    [new] = kept.add([given(place[1] + 0.4, "round")])
    assert [item.split for item in kept.items if item.file == new] == ["val"]
    assert judging not in {item.file for item in kept.items}
    assert judging in {item.file for item in kept.history}
    assert (tmp_path / "images" / judging).is_file()
    assert {row["file"]: row["split"] for row in rows_of(tmp_path)}[judging] == "replaced"
    assert len(kept) == 8
    assert kept.add([given(place[1], "round", layer="others")])  # another image
    assert kept.add([given(place[1] + 1.5, "round")])  # another object


def test_a_picture_can_be_withdrawn(tmp_path):
    kept = ClassCorrectionSet.open(tmp_path)
    first, second = kept.add([given(0.0), given(20.0, "round")])
    kept.withdraw(first)
    assert [item.file for item in ClassCorrectionSet.open(tmp_path).items] == [second]
    assert (tmp_path / "images" / first).is_file()
    assert kept.counts == {"round": 1}
    with pytest.raises(DataSetError, match="no picture 'gone' to withdraw"):
        kept.withdraw("gone")


def test_names_that_disks_do_not_tell_apart_get_files_of_their_own(tmp_path):
    kept = ClassCorrectionSet.open(tmp_path)
    odd = ["a/b", "a_b", "A_B", "a:b", "../up", "日本", "x" * 200]
    names = kept.add([given(20.0 * number, name) for number, name in enumerate(odd)])
    names += kept.add([given(500.2, "a_b"), given(500.4, "a_b", y=8.4)])
    assert len({name.casefold() for name in names}) == len(names)
    assert len({name.split("/")[1].casefold() for name in names}) == len(names)
    assert all(path.is_relative_to(tmp_path) for path in tmp_path.rglob("*.tif"))
    assert sorted(kept.counts) == sorted({*odd})
    assert ClassCorrectionSet.open(tmp_path).counts == kept.counts


def test_a_set_is_as_it_was_when_something_cannot_be_written(tmp_path, monkeypatch):
    kept = ClassCorrectionSet.open(tmp_path)
    kept.add([given(0.0)])
    before = rows_of(tmp_path)

    def full(beside, path):
        if path.name == "manifest.csv":
            raise OSError(28, "no space left")
        real(beside, path)

    real = atomic._replace
    monkeypatch.setattr(atomic, "_replace", full)
    with pytest.raises(OutputError):
        kept.add([given(0.0, "round"), given(40.0, "round")])
    assert rows_of(tmp_path) == before
    assert ClassCorrectionSet.open(tmp_path).counts == {"long": 1}
    monkeypatch.setattr(atomic, "_replace", real)
    assert len(kept.add([given(0.0, "round"), given(40.0, "round")])) == 2


def test_two_windows_add_to_one_set(tmp_path):
    one, other = ClassCorrectionSet.open(tmp_path), ClassCorrectionSet.open(tmp_path)
    one.add([given(0.0)])
    other.add([given(20.0)])
    one.add([given(40.0)])
    assert len(ClassCorrectionSet.open(tmp_path)) == len(one) == 3


def test_other_folders_are_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DataSetError, match="holds other things"):
        ClassCorrectionSet.open(tmp_path)
    (tmp_path / "data" / "images" / "long").mkdir(parents=True)
    with pytest.raises(DataSetError, match="holds other things"):
        ClassCorrectionSet.open(tmp_path / "data")
    kept = ClassCorrectionSet.open(tmp_path / "set")
    [name] = kept.add([given()])
    with pytest.raises(DataSetError):
        CorrectionSet.open(tmp_path / "set")
    assert not is_class_correction_set(tmp_path)
    record = next((tmp_path / "set" / "records").iterdir())
    record.write_text("{}")
    with pytest.raises(DataSetError, match=f"{record.name}: this is no record of a class"):
        ClassCorrectionSet.open(tmp_path / "set")
    record.unlink()
    with pytest.raises(DataSetError, match=f"{record.name} is missing"):
        ClassCorrectionSet.open(tmp_path / "set")
    with pytest.raises(DataSetError, match="no picture 'other'"):
        kept.read("other")
    assert kept.read(name).record.class_name == "long"


def test_what_a_person_gives_is_cut_out_as_the_model_sees_it():
    stack = RANDOM.integers(0, 200, (3, 40, 50), np.uint16)
    labels = np.zeros(stack.shape, np.uint8)
    labels[1, 10:20, 30:37], labels[2, 0:5, 0:4] = 4, 9
    found = classify_objects(stack, labels, MODEL, axes="ZYX", zoom=2, device="cpu")
    source = Source(layer="stack", axes="ZYX")
    long, new = give_classes(
        stack, found, {9: "striped", 4: " spiky "}, MODEL.header, source, axes="ZYX", zoom=2, by="Ada"
    )
    padded = np.pad(stack, [(0, 0), (20, 20), (20, 20)], mode="symmetric")
    for correction, plane, (y, x) in ((long, 2, (2, 1.5)), (new, 1, (14.5, 33))):
        top, left = (round(place + 0.5 - 4) + 20 for place in (y, x))
        assert (correction.picture == padded[plane, top : top + 8, left : left + 8]).all()
        assert correction.record.source == replace(source, plane=(plane,))
        assert correction.record.position == (y, x)
    assert (new.record.class_name, new.record.object_id, new.record.by) == ("spiky", 4, "Ada")
    assert new.record.found == found.names[found.ids.tolist().index(4)]
    assert new.record.model_sha256 == MODEL.sha256
    with pytest.raises(UserError, match="no object 5 among the 2"):
        give_classes(stack, found, {5: "long"}, MODEL.header, source, axes="ZYX")
    with pytest.raises(UserError, match="without a name"):
        give_classes(stack, found, {4: " "}, MODEL.header, source, axes="ZYX")
