"""Joined data sets: what belongs to them, at which size, and which of their pixels count."""

import csv
import json

import imageio.v3 as iio
import numpy as np
import pytest
from skimage.draw import disk

from benchmarks.assemble_data_set import Part, assemble
from src_models.errors import DataSetError
from src_models.files.dataset import DataSet
from src_models.files.samples import read_marks, read_sample
from src_models.labels.instances import median_diameter


def make_set(root, splits=("train", "val", "train"), columns=("kind",), values=("x", "y", "y")):
    """Images of 80 x 100 px with two objects: one of 24 px across in the middle, one that an edge cuts off."""
    for folder in ("images", "masks"):
        (root / folder).mkdir(parents=True)
    rows = [",".join(("file", "split", *columns))]
    for number, (split, value) in enumerate(zip(splits, values, strict=True)):
        mask = np.zeros((80, 100), np.uint16)
        mask[disk((40, 50), 12)] = 1
        mask[30:50, :6] = 2
        iio.imwrite(root / "images" / f"{number}.png", (mask * 100 + number).astype(np.uint8))
        iio.imwrite(root / "masks" / f"{number}.png", mask)
        rows.append(f"{number}.png,{split},{value}")
    (root / "manifest.csv").write_text("\n".join(rows))
    return root


def joined(tmp_path, *parts):
    assemble(tmp_path / "all", parts)
    return {sample.name: sample for sample in DataSet.open(tmp_path / "all").samples}


def test_domains_splits_and_choices_go_into_the_manifest(tmp_path):
    first, second = make_set(tmp_path / "one"), make_set(tmp_path / "two", splits=("", "", ""))
    found = joined(
        tmp_path,
        Part(first, "a", where={"kind": "x"}),
        Part(first, "b", where={"kind": "y"}, without=("2.png",)),
        Part(second, "b", validates=("1.png",)),
    )
    assert {name: (sample.split, sample.domain) for name, sample in found.items()} == {
        "one_0.png": ("train", "a"),
        "one_1.png": ("val", "b"),
        "two_0.png": (None, "b"),
        "two_1.png": ("val", "b"),
        "two_2.png": (None, "b"),
    }
    with (tmp_path / "all" / "manifest.csv").open() as file:
        assert {row["file"]: row["source"] for row in csv.DictReader(file)}["two_2.png"] == "two"


def test_an_object_of_uncertain_outline_does_not_count_as_a_whole(tmp_path):
    source = make_set(tmp_path / "one")
    (source / "uncertain").mkdir()
    unsure = np.zeros((80, 100), np.uint8)
    unsure[40:44, 50:54] = 255  # a part of the object is enough
    iio.imwrite(source / "uncertain" / "0.png", unsure)
    iio.imwrite(source / "uncertain" / "1.png", np.zeros_like(unsure))
    found = joined(tmp_path, Part(source))
    mask = read_sample(found["one_0.png"])[1]
    np.testing.assert_array_equal(read_marks(found["one_0.png"], mask.shape), mask != 1)
    assert [found[f"one_{number}.png"].marked for number in (1, 2)] == [None, None], "all counts"


def test_what_did_not_count_before_does_not_count_then(tmp_path):
    source = make_set(tmp_path / "one")
    (source / "marked").mkdir()
    marked = np.zeros((80, 100), np.uint8)
    marked[:, 20:] = 1
    iio.imwrite(source / "marked" / "2.png", marked)
    found = joined(tmp_path, Part(source))
    np.testing.assert_array_equal(read_marks(found["one_2.png"], (80, 100)), marked > 0)


def test_background_near_the_edge_does_not_count_and_objects_there_do(tmp_path):
    found = joined(tmp_path, Part(make_set(tmp_path / "one"), margin=5))
    mask = read_sample(found["one_0.png"])[1]
    inside = np.zeros((80, 100), bool)
    inside[5:75, 5:95] = True
    np.testing.assert_array_equal(read_marks(found["one_0.png"], mask.shape), inside | (mask > 0))


def test_a_set_of_large_objects_is_stored_smaller(tmp_path):
    source = make_set(tmp_path / "one")
    found = joined(tmp_path, Part(source, zoom=0.5, margin=8))["one_1.png"]
    image, mask = read_sample(found)
    assert (image.shape, image.dtype, mask.shape) == ((40, 50), np.uint8, (40, 50))
    assert median_diameter(np.where(mask == 1, mask, 0)) == pytest.approx(12, abs=0.5)
    assert image[20, 25] == 101, "in the middle of an object nothing is blurred"
    assert image[3, 30] == 1
    assert sorted(np.unique(mask)) == [0, 1, 2]
    counts = read_marks(found, mask.shape)
    assert not counts[:4, 10:].any()
    assert counts[4:36, 4:46].all()
    assert iio.imread(source / "images" / "1.png").shape == (80, 100), "the source is as it was"


def test_names_that_are_not_there_and_files_given_twice_are_refused(tmp_path):
    source = make_set(tmp_path / "one")
    with pytest.raises(DataSetError, match="there is no 7"):
        assemble(tmp_path / "all", [Part(source, without=("7.png",))])
    with pytest.raises(DataSetError, match="more than once"):
        assemble(tmp_path / "all", [Part(source, "a"), Part(source, "b")])
    with pytest.raises(DataSetError, match="no image is left"):
        assemble(tmp_path / "all", [Part(source, where={"kind": "z"})])
    assert not (tmp_path / "all").exists()


def test_what_a_set_says_of_its_source_goes_along_else_what_is_known_of_it(tmp_path):
    unknown = make_set(tmp_path / "sets" / "one")
    own, known = make_set(tmp_path / "sets" / "usiigaci_phase"), make_set(tmp_path / "sets" / "bccd_wbc")
    (own / "CITATION.json").write_text(json.dumps([{"name": "mine", "licence": "MIT"}]))
    assemble(tmp_path / "all", [Part(folder) for folder in (unknown, own, known)])
    found = DataSet.open(tmp_path / "all").citations()
    assert [(citation.name, citation.licence) for citation in found] == [
        ("bccd_wbc", "MIT"),
        ("bccd_wbc", "MIT"),
        ("mine", "MIT"),
    ]
