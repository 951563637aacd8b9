"""Versions are chosen by their names, and a person can write a note on each, but not on the first model."""

from __future__ import annotations

import pytest

from napari_medt.controls.learning.version_list import NAME, NOTE, VersionList, name_of, version_row


@pytest.fixture
def versions(qtbot):
    made = VersionList("Agreement")
    qtbot.addWidget(made)
    rows = [
        version_row(None, "nuclei", "", "where it began"),
        version_row("one", "one", "0.5", ""),
        version_row("two", "two (in use)", "0.6", "dim"),
    ]
    made.set_versions(rows, "two")
    return made


def test_one_is_chosen_by_its_name_whatever_is_shown_of_it(versions):
    assert versions.chosen_name() == "two"
    assert versions.currentItem().text(NAME) == "two (in use)"
    versions.setCurrentItem(versions.topLevelItem(0))
    assert versions.chosen_name() is None


def test_of_a_version_that_has_gone_the_first_model_is_chosen(versions):
    versions.set_versions([version_row(None, "nuclei", "", ""), version_row("one", "one", "", "")], "two")
    assert versions.chosen_name() is None


def test_a_note_is_told_with_the_name_of_its_version(versions, qtbot):
    with qtbot.waitSignal(versions.noted) as told:
        versions.topLevelItem(1).setText(NOTE, "for bright cells")
    assert told.args == ["one", "for bright cells"]


def test_what_a_person_cannot_note_is_not_told(versions, qtbot):
    with qtbot.assertNotEmitted(versions.noted):
        versions.topLevelItem(0).setText(NOTE, "mine")
        versions.topLevelItem(1).setText(NAME, "another title")
    versions.itemDoubleClicked.emit(versions.topLevelItem(0), NOTE)
    assert versions.state() != versions.State.EditingState
    versions.itemDoubleClicked.emit(versions.topLevelItem(1), NAME)
    assert versions.state() == versions.State.EditingState
    assert name_of(versions.topLevelItem(1)) == "one"
