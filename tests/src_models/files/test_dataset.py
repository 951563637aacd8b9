"""Data sets as people have them: real files in a folder, whole and broken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from written_pairs import write_pair

from src_models.errors import DataSetError
from src_models.files.dataset import DataSet
from src_models.files.samples import read_sample


def write_manifest(root: Path, text: str) -> None:
    (root / "manifest.csv").write_text(text, encoding="utf-8")


def test_samples_are_pairs_of_equal_names_in_order(tmp_path: Path) -> None:
    expected = [write_pair(tmp_path, name) for name in ("a.png", "b.tif", "c.png")]
    (tmp_path / "images" / ".DS_Store").write_text("x")
    (tmp_path / "masks" / "notes.txt").write_text("x")
    assert DataSet.open(tmp_path).samples == tuple(expected)


def test_the_manifest_gives_the_splits_and_leaves_out_what_it_does_not_list(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png", "d.png"):
        write_pair(tmp_path, name)
    write_manifest(tmp_path, "\ufefffile,split,note\nb.png,test,x\na.png, train ,y\nc.png,,z\n")
    data = DataSet.open(tmp_path)
    assert [(sample.name, sample.split) for sample in data.samples] == [
        ("a.png", "train"),
        ("b.png", "test"),
        ("c.png", None),
    ]
    assert data.splits == ("test", "train")
    assert [sample.name for sample in data.split("test")] == ["b.png"]
    with pytest.raises(DataSetError, match="no split 'val'; there are: test, train"):
        data.split("val")


def test_the_manifest_says_what_kind_of_image_a_sample_is(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        write_pair(tmp_path, name)
    write_manifest(tmp_path, "file,domain,split\na.png, stained ,train\nb.png,,train\nc.png,blood smears,val\n")
    data = DataSet.open(tmp_path)
    assert [(sample.domain, sample.split) for sample in data.samples] == [
        ("stained", "train"),
        (None, "train"),
        ("blood smears", "val"),
    ]
    write_manifest(tmp_path, "file,split\na.png,train\n")
    assert DataSet.open(tmp_path).samples[0].domain is None


def test_the_manifest_says_which_classes_somebody_drew(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        write_pair(tmp_path, name)
    write_manifest(tmp_path, 'file,drawn,organs\na.png,1 2 5,3\nb.png,,2\nc.png,"2, 4;7",0\n')
    assert [sample.drawn for sample in DataSet.open(tmp_path).samples] == [(1, 2, 5), None, (2, 4, 7)]
    assert [sample.drawn for sample in DataSet.open(tmp_path, drawn="organs").samples] == [(3,), (2,), (0,)]
    with pytest.raises(DataSetError, match=r"no column 'classes' \(columns: file, drawn, organs\)"):
        DataSet.open(tmp_path, drawn="classes")
    write_manifest(tmp_path, "file,drawn\na.png,liver\n")
    with pytest.raises(DataSetError, match=r"'drawn' says 'liver' of a\.png; it lists the numbers"):
        DataSet.open(tmp_path)
    (tmp_path / "manifest.csv").unlink()
    assert DataSet.open(tmp_path).samples[0].drawn is None
    with pytest.raises(DataSetError, match="there is no manifest, and its column 'organs' is asked for"):
        DataSet.open(tmp_path, drawn="organs")


@pytest.mark.parametrize("manifest", [None, "file,width\n" + "".join(f"{i:03}.png,8\n" for i in range(60))])
def test_without_splits_a_hash_of_the_name_divides(tmp_path: Path, manifest: str | None) -> None:
    for index in range(60):
        write_pair(tmp_path, f"{index:03}.png")
    if manifest:
        write_manifest(tmp_path, manifest)
    data = DataSet.open(tmp_path)
    training, validation = data.split("train"), data.split("val")
    assert data.splits == ("train", "val")
    assert sorted([*training, *validation], key=lambda sample: sample.name) == list(data.samples)
    assert 4 <= len(validation) <= 15
    with pytest.raises(DataSetError, match="no split 'test'; there are: train, val"):
        data.split("test")


def test_a_sample_keeps_its_side_when_others_come(tmp_path: Path) -> None:
    for index in range(40):
        write_pair(tmp_path, f"{index:03}.png")
    before = {sample.name for sample in DataSet.open(tmp_path).split("val")}
    for index in range(40, 60):
        write_pair(tmp_path, f"{index:03}.png")
    after = {sample.name for sample in DataSet.open(tmp_path).split("val")}
    assert {name for name in after if int(name[:3]) < 40} == before


@pytest.mark.parametrize("count", [2, 3, 4])
def test_neither_side_of_a_small_set_is_empty(tmp_path: Path, count: int) -> None:
    for start in range(10):
        root = tmp_path / str(start)
        for index in range(count):
            write_pair(root, f"{start}_{index}.png")
        data = DataSet.open(root)
        assert data.split("train")
        assert data.split("val")


def test_one_image_cannot_be_divided(tmp_path: Path) -> None:
    write_pair(tmp_path, "a.png")
    with pytest.raises(DataSetError, match="one image cannot be divided"):
        DataSet.open(tmp_path).split("train")


def test_classes_are_called_as_the_table_beside_the_images_says(tmp_path: Path) -> None:
    for name in ("a.tif", "b.nii.gz"):
        for folder in ("images", "masks"):
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / name).touch()
    data = DataSet.open(tmp_path)
    first, second = data.samples
    assert data.class_names(first) == {}
    table = tmp_path / "labels.json"
    table.write_text('{"1": "liver", "2": "spleen"}')
    assert data.class_names(first) == data.class_names(second) == {1: "liver", 2: "spleen"}
    table.write_text('{"b": {"1": "spleen"}, "c": {"1": "liver"}}')
    assert (data.class_names(first), data.class_names(second)) == ({}, {1: "spleen"})


@pytest.mark.parametrize("content", ['{"liver": 1}', "[1, 2]", "liver", '{"a": {"liver": 1}}'])
def test_a_table_of_classes_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    sample = write_pair(tmp_path, "a.png")
    (tmp_path / "labels.json").write_text(content)
    with pytest.raises(
        DataSetError, match=r"labels.json: it does not tell the names of classes .* write them as"
    ) as caught:
        DataSet.open(tmp_path).class_names(sample)
    assert "\n" not in str(caught.value)


def remove(*parts: str):
    return lambda root: root.joinpath(*parts).unlink()


def rename_masks(root: Path) -> None:
    (root / "masks").rename(root / "labels")


def empty(root: Path) -> None:
    for path in root.glob("*/*.png"):
        path.unlink()


def other_names(root: Path) -> None:
    for path in list((root / "masks").iterdir()):
        path.rename(path.with_name(f"mask_{path.name}"))


BROKEN = [
    pytest.param(lambda root: (root / "images").rename(root / "pictures"), "no folder images/", id="no images"),
    pytest.param(rename_masks, "no folder masks/", id="no masks"),
    pytest.param(empty, "no image in images/", id="empty"),
    pytest.param(remove("masks", "b.png"), "1 in images/ without a file .* in masks/: b.png", id="mask missing"),
    pytest.param(remove("images", "b.png"), "1 in masks/ without a file .* in images/: b.png", id="image missing"),
    pytest.param(other_names, "5 in masks/ .*: mask_a.png, mask_b.png, mask_c.png and 2 more", id="other names"),
    pytest.param(lambda root: write_manifest(root, "name,split\na.png,train\n"), "no column 'file'", id="column"),
    pytest.param(lambda root: write_manifest(root, "file;split\na.png;train\n"), "comma-separated", id="semicolons"),
    pytest.param(lambda root: write_manifest(root, "file\na.png\na.png\n"), "more than once: a.png", id="twice"),
    pytest.param(
        lambda root: write_manifest(root, "file,split\na.png,train\nz.png,val\n"),
        "1 in manifest.csv .* in images/: z.png",
        id="listed but missing",
    ),
    pytest.param(
        lambda root: (root / "manifest.csv").write_bytes(b"file\n\xff\xfe\n"), "manifest cannot be read", id="not text"
    ),
]


@pytest.mark.parametrize(("break_it", "message"), BROKEN)
def test_a_broken_data_set_is_refused_in_one_sentence(tmp_path: Path, break_it, message: str) -> None:
    for name in "abcde":
        write_pair(tmp_path, f"{name}.png")
    break_it(tmp_path)
    with pytest.raises(DataSetError, match=message) as caught:
        DataSet.open(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_masks_need_not_exist_when_none_are_asked_for(tmp_path: Path) -> None:
    write_pair(tmp_path, "a.png")
    rename_masks(tmp_path)
    assert [sample.name for sample in DataSet.open(tmp_path, masks=False).samples] == ["a.png"]


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("dsb2018_fluo", {"train": 357, "val": 95}),
        ("dsb2018_histo", {"train": 73, "val": 16}),
        ("dsb2018_brightfield", {"train": 11, "val": 4}),
    ],
)
def test_real_data_sets_open(shared: Path, name: str, counts: dict[str, int]) -> None:
    data = DataSet.open(shared / "data" / name)
    assert {split: len(data.split(split)) for split in data.splits} == counts
    image, mask = read_sample(data.samples[0])
    assert image.shape[:2] == mask.shape
    assert mask.max() >= 1


# Sets of corrections


def write_marked(root: Path, rows: dict[str, str]) -> DataSet:
    for name in rows:
        write_pair(root, name)
        (root / "marked").mkdir(exist_ok=True)
        tifffile.imwrite(root / "marked" / name, np.eye(6, 8, dtype=np.uint8))
    write_manifest(root, "file,split,counts\n" + "".join(f"{name},{split},all\n" for name, split in rows.items()))
    return DataSet.open(root)


def test_a_set_of_corrections_divides_what_counts(tmp_path: Path) -> None:
    names = [f"{number}.tif" for number in range(40)]
    data = write_marked(tmp_path, {name: "replaced" if name == "7.tif" else "train" for name in names})
    assert data.splits == ("replaced", "train", "val")
    train, val = ({sample.name for sample in data.split(split)} for split in ("train", "val"))
    assert train | val == set(names) - {"7.tif"}
    assert not train & val
    assert 1 <= len(val) < 15
    assert [sample.name for sample in data.split("replaced")] == ["7.tif"]
    assert all(sample.marked == tmp_path / "marked" / sample.name for sample in data.samples)
    more = write_marked(tmp_path, {**dict.fromkeys(names, "train"), "new.tif": "train"})
    assert val <= {sample.name for sample in more.split("val")}


def test_a_set_of_one_correction_cannot_be_divided(tmp_path: Path) -> None:
    data = write_marked(tmp_path, {"a.tif": "train", "b.tif": "replaced"})
    with pytest.raises(DataSetError, match="one image cannot be divided into train and val"):
        data.split("val")


def test_splits_that_someone_named_hold_in_a_set_of_corrections_too(tmp_path: Path) -> None:
    data = write_marked(tmp_path, {"a.tif": "train", "b.tif": "val", "c.tif": "train"})
    assert [sample.name for sample in data.split("val")] == ["b.tif"]
    assert [sample.name for sample in data.split("train")] == ["a.tif", "c.tif"]
