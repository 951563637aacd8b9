"""Records come back as they were; objects are the same where they lie in the same place of the same plane."""

from __future__ import annotations

from dataclasses import replace

import pytest

from src_models.classifying.class_record import ClassRecord
from src_models.corrections.correction import Source
from src_models.errors import DataSetError

SOURCE = Source(layer="smear", file="/data/smear.tif", axes="TZYX", plane=(2, 5), spacing=(0.1, 0.2), unit="µm",
                padding=((-2000.0, -1024.0),))  # fmt: skip
RECORD = ClassRecord(
    source=SOURCE, position=(7.5, 3.25), class_name="Zelle ä", object_id=4, zoom=0.5, found="normal", probability=0.7,
    model_name="red-cells", model_sha256="ab", by="Ada",
)  # fmt: skip


def test_a_record_comes_back_as_it_was():
    assert ClassRecord.from_json(RECORD.to_json(), "r.json") == RECORD
    plain = ClassRecord(source=Source(layer="a"), position=(0.0, 0.0), class_name="x")
    assert ClassRecord.from_json(plain.to_json(), "r.json") == plain


def test_an_object_is_the_same_near_its_place_in_its_plane_alone():
    assert RECORD.is_same_object(replace(RECORD, position=(8.0, 3.9), class_name="other", object_id=9))
    assert not RECORD.is_same_object(replace(RECORD, position=(8.5, 3.25)))
    assert not RECORD.is_same_object(replace(RECORD, source=replace(SOURCE, plane=(2, 6))))
    assert not RECORD.is_same_object(replace(RECORD, source=replace(SOURCE, file="/data/other.tif")))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "r.json: this is no record of a class"),
        ("[1]", "r.json: this is no record of a class"),
        ("no json", "r.json: this is no record of a class"),
        (RECORD.to_json().replace('"schema_version": 1', '"schema_version": 9'), "r.json was written by a newer"),
    ],
)
def test_what_is_no_record_is_refused(text, message):
    with pytest.raises(DataSetError, match=message):
        ClassRecord.from_json(text, "r.json")
