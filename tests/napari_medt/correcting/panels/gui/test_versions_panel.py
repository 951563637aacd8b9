"""The list of versions: which is in use, what each gained, and what its buttons are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_medt.correcting.panels.versions_panel import VersionsPanel
from src_models.finetuning.versions import ModelVersion


def version(number, parent, before=None, dice=None, note=""):
    return ModelVersion(
        name=f"cells-v{number}",
        path=Path(f"cells-v{number}.safetensors"),
        sha256=str(number),
        parent_sha256=parent,
        time="2026-03-01T12:00:00+00:00",
        dice_before=before,
        dice=dice,
        note=note,
    )


FIRST, SECOND = version(1, "0", 0.5, 0.754), version(2, "1", note="with the new dye")


@pytest.fixture
def panel(qtbot):
    panel = VersionsPanel()
    qtbot.addWidget(panel)
    panel.show()
    return panel


def rows(panel):
    found = [panel.list.topLevelItem(row) for row in range(panel.list.topLevelItemCount())]
    return [[row.text(column) for column in range(3)] for row in found]


def choose(panel, row):
    panel.list.setCurrentItem(panel.list.topLevelItem(row))


def test_versions_stand_below_the_model_that_they_began_with(panel):
    assert panel.empty.isVisible()
    panel.set_versions([FIRST, SECOND], "cells-v1", "nuclei")
    assert rows(panel) == [
        ["nuclei", "", "where it began"],
        ["cells-v1  \N{CHECK MARK} in use", "0.50 \N{RIGHTWARDS ARROW} 0.75", ""],
        ["cells-v2", "", "with the new dye"],
    ]
    assert not panel.empty.isVisible()


def test_a_version_that_is_new_makes_the_one_in_use_the_chosen_one(panel):
    panel.set_versions([FIRST], "cells-v1", None)
    assert panel.chosen() is FIRST
    choose(panel, 0)
    panel.set_versions([FIRST], "cells-v1", None)
    assert panel.chosen_name() is None  # what a person chose stays
    panel.set_versions([FIRST, SECOND], "cells-v2", None)
    assert panel.chosen() is SECOND


def test_the_one_in_use_cannot_be_taken_into_use_and_the_first_model_is_gone_back_to(panel):
    wanted = []
    panel.wanted.connect(wanted.append)
    panel.set_versions([FIRST, SECOND], "cells-v2", "nuclei")
    assert not panel.use.isEnabled()
    choose(panel, 1)
    panel.use.click()
    choose(panel, 0)
    assert panel.use.text() == "Go back to the first model"
    panel.use.click()
    assert wanted == ["cells-v1", None]


def test_before_and_after_are_of_the_chosen_version_else_the_newest(panel):
    panel.set_versions([FIRST, SECOND], None, "nuclei")
    choose(panel, 0)
    assert panel.chosen() is SECOND
    assert panel.parent_of(SECOND) is FIRST
    assert panel.parent_of(FIRST) is None


def test_words_on_a_version_are_kept_by_its_name_and_the_first_model_has_none(panel):
    noted = []
    panel.noted.connect(lambda *what: noted.append(what))
    panel.set_versions([FIRST], None, "nuclei")
    assert noted == []
    panel.list.topLevelItem(1).setText(2, "for my thesis")
    panel.list.topLevelItem(0).setText(2, "not mine")
    assert noted == [("cells-v1", "for my thesis")]


def test_only_one_outline_is_chosen_at_a_time(panel):
    wanted = []
    panel.outlines_wanted.connect(wanted.append)
    panel.set_versions([FIRST], None, "nuclei")
    panel.shown["after"].click()
    panel.shown["both"].click()
    assert wanted == ["after", "both"]
    panel.set_shown("off")
    assert [name for name, button in panel.shown.items() if button.isChecked()] == ["off"]
    assert wanted == ["after", "both"]
