"""The list of corrections: newest first, each with its place, and the chosen one stays chosen."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QFileDialog

from napari_medt.correcting.panels.marked_panel import MarkedPanel
from src_models.corrections.correction import CorrectionRecord, Source
from src_models.corrections.correction_set import CorrectionItem


def item(name, plane=(), mode="slice", **made_by):
    record = CorrectionRecord(
        source=Source(layer="cells", plane=plane),
        mode=mode,
        region=((0, 8), (0, 8)),
        made_by=made_by,
        time="2026-03-01T12:00:00+00:00",
    )
    return CorrectionItem(name, replaced=False, record=record)


FIRST = item("a.tif", (3,), network=900, brush=1200, click=34)
SECOND = item("b.tif", mode="region", network=5)


@pytest.fixture
def panel(qtbot):
    panel = MarkedPanel()
    qtbot.addWidget(panel)
    panel.show()
    return panel


def rows(panel):
    found = [panel.list.topLevelItem(row) for row in range(panel.list.topLevelItemCount())]
    return [[row.text(column) for column in range(3)] for row in found]


def test_before_anything_is_marked_the_list_says_so(panel):
    assert panel.empty.isVisible()
    assert not panel.list.isVisible()
    assert not panel.withdraw.isEnabled()


def test_the_newest_comes_first_with_what_counts_and_what_people_changed(panel):
    panel.set_items([FIRST, SECOND])
    assert rows(panel) == [["cells", "a region", "0 px"], ["slice 3", "all of it", "1,234 px"]]
    assert panel.chosen() is SECOND
    assert "kept as b.tif" in panel.list.topLevelItem(0).toolTip(0)


def test_the_chosen_one_stays_chosen_while_others_come(panel):
    panel.set_items([FIRST])
    panel.list.setCurrentItem(panel.list.topLevelItem(0))
    panel.set_items([FIRST, SECOND])
    assert panel.chosen() is FIRST
    panel.set_items([SECOND])
    assert panel.chosen() is SECOND


def test_buttons_tell_which_correction_and_which_folder(panel, monkeypatch, tmp_path):
    told = []
    for signal in (panel.shown, panel.withdrawn, panel.merged):
        signal.connect(told.append)
    panel.set_items([FIRST])
    panel.show_it.click()
    panel.withdraw.click()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, **__: "")
    panel.merge.click()  # and no folder is chosen
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_, **__: str(tmp_path))
    panel.merge.click()
    assert told == [FIRST, FIRST, tmp_path]
