"""The table of objects and classes: what a model found, what a person says, and the file that it is written to."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.classifying.layer.object_classes import ObjectClasses
from src_models.errors import OutputError

CLASSES = ("round", "long", "dead")
IDS = (3, 8, 12, 40)
SHARES = ((0.5, 0.3, 0.2), (0.1, 0.8, 0.1), (0.05, 0.05, 0.9), (0.3, 0.36, 0.34))


@pytest.fixture
def table():
    return ObjectClasses(
        CLASSES,
        np.array(IDS),
        np.array(SHARES, np.float32),
        positions=np.array([(1.5, 2), (10, 20), (30, 4.25), (0, 0)]),
        boxes=np.array([[0, 0, 4, 5]] * 4),
        areas=np.array([20, 10, 5, 1]),
    )


def read(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_the_model_s_class_is_the_likeliest(table):
    assert [table.class_of(own) for own in IDS] == ["round", "long", "dead", "long"]
    assert table.counts() == {"round": 1, "long": 2, "dead": 1}
    assert table.probability_of(8) == pytest.approx(0.8)


def test_what_a_person_says_counts_and_can_be_left_to_the_model_again(table):
    table.give(8, "dead")
    assert (table.class_of(8), table.found(8)) == ("dead", "long")
    assert table.probability_of(8) == pytest.approx(0.1)  # of the class that it has now
    assert table.corrected().tolist() == [False, True, False, False]
    assert table.counts() == {"round": 1, "long": 1, "dead": 2}
    table.give(8, None)
    assert table.class_of(8) == "long"
    assert not table.corrected().any()


def test_a_class_that_the_model_does_not_know_has_no_probability(table):
    table.give(3, "budding")
    assert table.classes == (*CLASSES, "budding")
    assert math.isnan(table.probability_of(3))
    assert table.counts()["budding"] == 1
    table.give(3, "round")
    table.name_class("budding")
    assert table.classes == (*CLASSES, "budding")


def test_the_least_sure_come_first_and_those_a_person_looked_at_last(table):
    assert table.least_sure_first().tolist() == [40, 3, 8, 12]
    table.give(40, "long")  # the model was right
    assert table.least_sure_first().tolist() == [3, 8, 12, 40]


def test_columns_hold_a_row_for_each_object(table):
    table.give(12, "budding")
    columns = table.columns()
    assert columns["index"] == list(IDS)
    assert columns["class"] == ["round", "long", "budding", "long"]
    assert columns["corrected"] == [False, False, True, False]
    assert columns["p dead"] == [0.2, 0.1, 0.9, 0.34]
    assert math.isnan(columns["probability"][2])


def test_the_file_holds_classes_probabilities_centres_and_areas_in_pixels_and_in_a_unit(table, tmp_path):
    table.give(12, "budding")
    table.write_csv(tmp_path / "cells.csv", spacing={"Y": 0.5, "X": 2.0}, unit="µm")
    rows = read(tmp_path / "cells.csv")
    assert [row["index"] for row in rows] == ["3", "8", "12", "40"]
    first, third = rows[0], rows[2]
    assert (first["centre y (px)"], first["centre x (px)"], first["area (px)"]) == ("1.5", "2.0", "20")
    assert (first["centre y (µm)"], first["centre x (µm)"], first["area (µm²)"]) == ("0.75", "4.0", "20.0")
    assert (third["class"], third["class by the model"], third["probability"]) == ("budding", "dead", "")
    assert third["p dead"] == "0.9"
    assert [row["corrected"] for row in rows] == ["False", "False", "True", "False"]


def test_of_a_stack_over_time_the_file_tells_when_and_where(tmp_path):
    found = ObjectClasses(
        ("one",),
        [1],
        np.ones((1, 1)),
        positions=[(6, 2, 3, 4)],
        boxes=np.zeros((1, 4), int),
        areas=np.array([9]),
        axes="TZYX",
    )
    found.write_csv(tmp_path / "stack.csv", spacing={"T": 1.0, "Z": 3.0, "Y": 0.5, "X": 0.5}, unit="µm")
    (row,) = read(tmp_path / "stack.csv")
    assert (row["time"], row["centre z (px)"], row["centre z (µm)"], row["centre x (µm)"]) == (
        "6.0",
        "2.0",
        "6.0",
        "2.0",
    )


def test_a_file_that_is_there_is_not_overwritten_unasked(table, tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text("mine")
    with pytest.raises(OutputError, match=r"cells\.csv"):
        table.write_csv(path)
    assert path.read_text() == "mine"
    table.write_csv(path, overwrite=True)
    assert "centre y (mm)" not in read(path)[0]
    assert len(read(path)) == 4


def test_an_empty_table_has_nothing_to_tell(tmp_path):
    empty = np.zeros((0, 4), int)
    table = ObjectClasses(
        CLASSES, [], np.zeros((0, 3)), positions=np.zeros((0, 2)), boxes=empty, areas=np.zeros(0, int)
    )
    assert table.least_sure_first().tolist() == []
    assert set(table.counts().values()) == {0}
    table.write_csv(tmp_path / "none.csv")
    assert read(tmp_path / "none.csv") == []


@given(st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from([*CLASSES, "new", None])), max_size=12))
def test_counts_are_those_of_the_classes_one_by_one(gifts):
    table = ObjectClasses(
        CLASSES,
        np.array(IDS),
        np.array(SHARES),
        positions=np.zeros((4, 2)),
        boxes=np.zeros((4, 4), int),
        areas=np.ones(4, int),
    )
    said = {}
    for own, name in gifts:
        table.give(own, name)
        said[own] = name
    for own in IDS:
        assert table.class_of(own) == (said.get(own) or table.found(own))
    names = [table.class_of(own) for own in IDS]
    assert {name: count for name, count in table.counts().items() if count} == {n: names.count(n) for n in set(names)}
