"""Segments are told by their names: what a model knows keeps its number, what is new gets the next one."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.errors import DataSetError, UserError
from src_models.finetuning.kinds.label_kind import MOST_CLASSES, LabelKind
from src_models.finetuning.labelled.segments import (
    kind_of_set,
    numbered,
    numbers_of,
    objects_in,
    write_names,
)

ORGANS = LabelKind("classes", ("liver", "spleen"))


def test_known_names_keep_the_model_s_numbers_whatever_their_order_and_case():
    assert numbers_of({1: "Spleen ", 2: "LIVER"}, ORGANS) == ({1: 2, 2: 1}, ORGANS)


def test_new_names_are_further_classes_and_one_name_is_one_class():
    numbers, kind = numbers_of({1: "cyst", 4: "liver", 5: "Cyst", 6: "stent"}, ORGANS)
    assert numbers == {1: 3, 4: 1, 5: 3, 6: 4}
    assert kind.names == ("liver", "spleen", "cyst", "stent")


def test_strokes_and_background_are_no_classes():
    numbers, kind = numbers_of({1: "background", 2: "foreground_scribbles", 3: "background_scribbles"}, ORGANS)
    assert set(numbers.values()) == {0}
    assert kind == ORGANS


def test_a_segment_without_a_name_and_too_many_names_are_refused_in_words():
    with pytest.raises(UserError, match="no name"):
        numbers_of({1: " "}, ORGANS)
    with pytest.raises(UserError, match="classes"):
        numbers_of({value: f"organ {value}" for value in range(1, MOST_CLASSES + 1)}, ORGANS)


@given(st.dictionaries(st.integers(1, 9), st.integers(0, 9)), st.integers(0, 5))
def test_labels_get_other_numbers_pixel_by_pixel(numbers, seed):
    labels = np.random.default_rng(seed).integers(0, 10, (3, 5, 4))
    found = numbered(labels, numbers)
    for place in np.ndindex(labels.shape):
        assert found[place] == numbers.get(int(labels[place]), 0)


def test_each_part_of_each_segment_is_an_object_also_where_two_segments_touch():
    labels = np.array([[1, 1, 0, 1, 2, 2], [0, 0, 0, 0, 0, 3]])
    objects = objects_in(labels, {1: "nuclei", 2: "dividing", 3: "background_scribbles"})
    parts = [((0, 0), (0, 1)), ((0, 3),), ((0, 4), (0, 5))]
    numbers = [{int(objects[place]) for place in part} for part in parts]
    assert sorted(next(iter(each)) for each in numbers) == [1, 2, 3]
    assert all(len(each) == 1 for each in numbers)
    assert (objects > 0).sum() == 5


def test_names_of_a_set_come_back_and_objects_have_none(tmp_path):
    assert kind_of_set(tmp_path, ORGANS) == ORGANS
    write_names(tmp_path, ("liver", "spleen", "Zyste ä"))
    assert kind_of_set(tmp_path, ORGANS).names == ("liver", "spleen", "Zyste ä")
    assert kind_of_set(tmp_path, LabelKind("objects")) == LabelKind("objects")


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"2": "liver"}), json.dumps({"1": "kidney"})])
def test_names_that_are_damaged_or_another_model_s_are_refused(tmp_path, content):
    (tmp_path / "labels.json").write_text(content)
    with pytest.raises(DataSetError, match=r"labels\.json"):
        kind_of_set(tmp_path, ORGANS)
