"""Pictures of a model's first training are found where they ship, or taken from the set that a person has."""

from __future__ import annotations

import numpy as np
import pytest
from toy_classes import CLASSES, square, toy_header

from src_models.classifying.learning import known_pictures as module
from src_models.classifying.learning.known_pictures import first_data, known_pictures
from src_models.errors import DataSetError
from src_models.files.class_sets.opening import open_class_set


def test_what_ships_is_found_by_the_first_data_of_a_chain_of_models(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_FOLDER", tmp_path)
    pictures = {split: np.stack([square(kind, number) for kind in CLASSES for number in range(n)])
                for split, n in (("train", 4), ("val", 2))}  # fmt: skip
    labels = {split: np.repeat(np.arange(3), n) for split, n in (("train", 4), ("val", 2))}
    np.savez(tmp_path / "squares.npz", class_names=np.array(CLASSES),
             **{f"{split}_images": pictures[split] for split in pictures},
             **{f"{split}_labels": labels[split] for split in labels})  # fmt: skip
    chain = {"parent_training": {"parent_training": {"data": "squares"}, "data": "given"}}
    header = toy_header(16, classes=("striped", "bright", "dark", "new"), training=chain)
    found = known_pictures(header)
    assert (first_data(chain), len(found.training), len(found.watched)) == ("squares", 12, 6)
    assert [header.classes[label] for label in found.watched.labels] == ["bright"] * 2 + ["dark"] * 2 + ["striped"] * 2
    assert np.abs(found.watched.images[0, 0] - square("bright", 0) / 200).max() < 1e-3

    fewer = toy_header(16, classes=("dark", "striped"), training={"data": "squares"})
    kept = known_pictures(fewer)
    assert [fewer.classes[label] for label in kept.watched.labels] == ["dark"] * 2 + ["striped"] * 2
    assert len(known_pictures(toy_header(16, classes=("a", "b"), training={"data": "squares"})).training) == 0
    assert len(known_pictures(toy_header(16, training={"data": "others"})).training) == 0


def test_a_person_s_own_set_is_taken_in_parts(squares, monkeypatch):
    monkeypatch.setattr(module, "MOST", 10)
    data = open_class_set(squares)
    found = known_pictures(toy_header(16), data)
    assert (len(found.training), len(found.watched)) == (9, 8)
    assert set(found.training.labels) == set(found.watched.labels) == {0, 1, 2}
    with pytest.raises(DataSetError, match="has the class"):
        known_pictures(toy_header(16, classes=("a", "b", "c")), data)
