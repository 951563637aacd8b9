"""Archives in the form of MedMNIST, and what is said of others; nothing is unpickled."""

from __future__ import annotations

import os

import numpy as np
import pytest

from src_models.errors import DataSetError
from src_models.files.class_sets.archive import open_class_archive


def arrays(**changes):
    random = np.random.default_rng(0)
    content = {}
    for split, count in (("train", 6), ("val", 3), ("test", 2)):
        content[f"{split}_images"] = random.integers(0, 255, (count, 28, 28, 3), np.uint8)
        content[f"{split}_labels"] = (np.arange(count) % 3).astype(np.uint8)[:, None]
    return {name: value for name, value in {**content, **changes}.items() if value is not None}


def test_pictures_and_labels_of_each_split_are_those_of_the_file(tmp_path):
    content = arrays()
    np.savez_compressed(tmp_path / "blood.npz", **content)
    data = open_class_archive(tmp_path / "blood.npz")
    assert (data.classes, data.size) == (("class 0", "class 1", "class 2"), 28)
    for split, count in (("train", 6), ("val", 3), ("test", 2)):
        samples = data.split(split)
        assert [sample.label for sample in samples] == [number % 3 for number in range(count)]
        for number, sample in enumerate(samples):
            assert (sample.read(0) == content[f"{split}_images"][number]).all()


def test_grey_pictures_plain_labels_and_names_of_classes(tmp_path):
    grey = np.arange(6 * 64, dtype=np.uint16).reshape(6, 8, 8, 1)
    np.savez(tmp_path / "grey.npz", train_images=grey, train_labels=np.array([0, 1, 0, 1, 0, 1]),
             class_names=np.array(["benign", "malignant"]))  # fmt: skip
    data = open_class_archive(tmp_path / "grey.npz")
    assert data.classes == ("benign", "malignant")
    assert (data.samples[2].read(0) == grey[2, ..., 0]).all()
    assert len(data.split("train")) + len(data.split("val")) == 6


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_images": None}, "there is no train_images"),
        ({"val_labels": None}, "there is no val_labels"),
        ({"train_labels": np.zeros((6, 14), np.uint8)}, "train_labels has 14 labels for each picture"),
        ({"train_labels": np.zeros(5, np.uint8)}, "train_labels must hold 6 whole numbers"),
        ({"train_labels": np.full(6, 0.5)}, "train_labels must hold 6 whole numbers"),
        ({"train_images": np.zeros((6, 28, 28, 28), np.uint8)}, r"train_images is 6 x 28 x 28 x 28 of uint8"),
        ({"class_names": np.array(["one"])}, "class_names has 1 names and there are 3 classes"),
        ({f"{split}_labels": np.zeros(n, int) for split, n in (("train", 6), ("val", 3), ("test", 2))}, "of one class"),
    ],
    ids=["no pictures", "no labels", "many labels", "too few", "fractions", "volumes", "names", "one class"],
)
def test_what_is_wrong_with_an_archive_is_said(tmp_path, changes, message):
    np.savez(tmp_path / "odd.npz", **arrays(**changes))
    with pytest.raises(DataSetError, match=rf"odd.npz: .*{message}"):
        open_class_archive(tmp_path / "odd.npz")


def test_nothing_is_unpickled(tmp_path):
    class Harm:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harmed"),)

    content = arrays(val_labels=np.array([Harm()], dtype=object))
    np.savez(tmp_path / "bad.npz", **content)
    with pytest.raises(DataSetError, match="Python objects, which are not read"):
        open_class_archive(tmp_path / "bad.npz")
    assert not (tmp_path / "harmed").exists()


def test_what_is_no_archive_is_refused(tmp_path):
    with pytest.raises(DataSetError, match=r"gone.npz: there is no such file"):
        open_class_archive(tmp_path / "gone.npz")
    whole = tmp_path / "whole.npz"
    np.savez(whole, **arrays())
    (tmp_path / "half.npz").write_bytes(whole.read_bytes()[:5000])
    (tmp_path / "array.npz").write_bytes(b"hello")
    np.save(tmp_path / "single.npy", np.zeros(3))
    (tmp_path / "single.npz").write_bytes((tmp_path / "single.npy").read_bytes())
    for name in ("half", "array", "single"):
        with pytest.raises(DataSetError, match=rf"{name}.npz: "):
            open_class_archive(tmp_path / f"{name}.npz")
