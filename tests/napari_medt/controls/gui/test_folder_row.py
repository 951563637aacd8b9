"""The row that shows a folder, and with which another one is chosen."""

from pathlib import Path

from qtpy.QtWidgets import QFileDialog

from napari_medt.controls.folder_row import FolderRow


def test_a_folder_is_shown_and_another_one_is_told_of(qtbot, monkeypatch, tmp_path):
    row = FolderRow()
    qtbot.addWidget(row)
    assert not row.change.isEnabled(), "without an image there is none"
    row.set_folder(tmp_path / "project" / "cells")
    assert row.name.text() == "project/cells"
    assert str(tmp_path / "project" / "cells") in row.name.toolTip()
    asked, told = [], []
    row.changed.connect(told.append)

    def choose(_parent, _title, start):
        asked.append(start)
        return str(tmp_path / "other")

    monkeypatch.setattr(QFileDialog, "getExistingDirectory", choose)
    row.change.click()
    assert asked == [str(tmp_path / "project")]
    assert told == [Path(tmp_path / "other")]
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    row.change.click()
    assert len(told) == 1, "nothing was chosen"
