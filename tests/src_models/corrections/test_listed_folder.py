"""What is listed stays as it was written; what another process adds or withdraws is seen, and what it leaves is not."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from src_models.corrections.listed_folder import ListedFolder, plain_name
from src_models.errors import DataSetError


@dataclass(frozen=True)
class Note:
    words: str

    def to_json(self) -> str:
        return json.dumps(self.words)


@dataclass(frozen=True)
class Listed:
    name: str
    counts: bool
    record: Note


class Notes(ListedFolder[Listed]):
    columns = ("file", "counts")
    folders = ("notes",)
    what = "note"
    lacks = "holds no notes"

    @classmethod
    def _check_empty(cls, root, names):
        if names - {"notes", "records"}:
            raise DataSetError(f"{root}: other things")

    @classmethod
    def _rows(cls, manifest):
        with manifest.open(newline="") as file:
            return list(csv.DictReader(file))

    @classmethod
    def _read_record(cls, text, name):
        return Note(json.loads(text))

    @classmethod
    def _listed_item(cls, row, record):
        return Listed(row["file"], row["counts"] == "yes", record)

    def _row(self, item):
        return item.name, "yes" if item.counts else "no"

    def _replaced(self, item):
        return replace(item, counts=False)

    def _files_of(self, item):
        return [self.root / "notes" / item.name]

    def add(self, name: str, words: str) -> None:
        with self._changing():
            (self.root / "notes").mkdir(exist_ok=True)
            (self.root / "notes" / name).write_text(words)
            self._write_record(name, Note(words))
            self._list([*self._items, Listed(name, True, Note(words))])


@pytest.fixture
def notes(tmp_path) -> Notes:
    made = Notes.open(tmp_path / "notes of a person")
    made.add("a.txt", "first")
    made.add("b.txt", "second")
    return made


def test_what_was_listed_is_read_back_in_its_order(notes):
    back = Notes.open(notes.root)
    assert back.items == back.history == notes.items
    assert [(item.name, item.record.words) for item in back.items] == [("a.txt", "first"), ("b.txt", "second")]
    assert back.sha256 == notes.sha256


def test_what_is_withdrawn_does_not_count_and_stays(notes):
    before = notes.sha256
    notes.withdraw("a.txt")
    assert [item.name for item in notes.items] == ["b.txt"]
    assert len(notes) == 1
    assert [item.name for item in Notes.open(notes.root).history] == ["a.txt", "b.txt"]
    assert (notes.root / "notes" / "a.txt").read_text() == "first"
    assert notes.sha256 != before
    with pytest.raises(DataSetError, match=r"there is no note 'a.txt' to withdraw"):
        notes.withdraw("a.txt")


def test_two_windows_on_one_folder_lose_nothing_of_each_other(notes):
    other = Notes.open(notes.root)
    other.add("c.txt", "third")
    notes.withdraw("b.txt")
    other.add("d.txt", "fourth")
    assert [item.name for item in Notes.open(notes.root).items] == ["a.txt", "c.txt", "d.txt"]


def test_its_version_is_that_of_names_records_and_files(notes):
    before = notes.sha256
    (notes.root / "notes" / "b.txt").write_text("changed")
    assert notes.sha256 != before


def test_a_process_that_died_before_it_listed_anything_leaves_an_empty_folder(notes):
    (notes.root / "manifest.csv").unlink()
    assert len(Notes.open(notes.root)) == 0
    (notes.root / "photo.png").touch()
    with pytest.raises(DataSetError, match="other things"):
        Notes.open(notes.root)


def test_a_record_that_is_missing_is_named(notes):
    (notes.root / "records" / "b.json").unlink()
    with pytest.raises(DataSetError, match=r"b\.json is missing: this folder holds no notes, or not all of it was"):
        Notes.open(notes.root)
    assert [item.name for item in notes.items] == ["a.txt", "b.txt"], "what was read stays known"


@pytest.mark.parametrize(
    ("name", "plain"),
    [("cells", "cells"), ("a/b: c?", "a_b_c"), ("..", ""), ("Zellkörper 3", "Zellkörper_3"), ("x" * 99, "x" * 60)],
)
def test_names_are_such_as_every_disk_takes(name, plain):
    assert plain_name(name) == plain
    assert Path(plain).name == plain
