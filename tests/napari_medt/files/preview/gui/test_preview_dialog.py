"""Which of several series are opened is asked with a picture of each; these come without the window standing still."""

import threading
from functools import partial

import numpy as np
import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget

from napari_medt.files.preview.preview_dialog import PreviewDialog, ask_which_series
from src_models.files.volumes.dicom_preview import thumbnail
from src_models.files.volumes.dicom_preview.series_preview import preview_series


@pytest.fixture
def dialog(qtbot, study):
    dialog = PreviewDialog(study, preview_series(study), "left out: report.dcm")
    qtbot.addWidget(dialog)
    yield dialog
    dialog.done(0)


def row_of(dialog, word):
    (row,) = [row for row in range(dialog.list.count()) if word in dialog.list.item(row).text()]
    return row


def middle_grey(dialog, row):
    image = dialog.list.item(row).icon().pixmap(96, 96).toImage()
    return image.pixelColor(48, 48).lightness()


def test_what_is_said_of_series_is_what_tells_them_apart(dialog, study):
    lung = dialog.list.item(row_of(dialog, "Lung")).text()
    assert lung.splitlines() == [
        "5: Lung", "CT, chest, 5 slices", "128 x 128 px, 0.661 x 0.661 x 2 mm", "2004-01-19 07:27, e+1",
    ]  # fmt: skip
    said = [label.text() for label in dialog.findChildren(QLabel)]
    assert "ct holds 3 series. Which ones do you want to open?" in said
    assert "left out: report.dcm" in said
    everything = " ".join(dialog.list.item(row).text() + dialog.list.item(row).toolTip() for row in range(3))
    assert not any(name in everything for name in ("Doe", "Jane", "CompressedSamples"))


def test_a_series_that_is_no_volume_says_why_and_cannot_be_chosen(dialog):
    copies = dialog.list.item(row_of(dialog, "Copies"))
    assert "Cannot be opened: Copies0.dcm and Copies1.dcm are at the same place" in copies.text()
    assert not copies.flags() & Qt.ItemFlag.ItemIsSelectable
    dialog.every.click()
    assert {one.title for one in dialog.chosen()} == {"5: Lung", "1: series without description"}


def test_the_series_of_most_slices_is_chosen_to_begin_with_and_nothing_cannot_be_opened(dialog):
    assert [one.title for one in dialog.chosen()] == ["5: Lung"]
    assert dialog.open.isEnabled()
    dialog.list.clearSelection()
    assert not dialog.open.isEnabled()


def test_pictures_come_one_by_one_while_the_dialog_can_be_used(qtbot, study, monkeypatch):
    go_on, drawn, draw = threading.Semaphore(0), [], thumbnail.thumbnail

    def held(preview, *arguments):
        go_on.acquire(timeout=30)
        drawn.append(threading.current_thread())
        return draw(preview, *arguments)

    monkeypatch.setattr(thumbnail, "thumbnail", held)
    dialog = PreviewDialog(study, preview_series(study))
    qtbot.addWidget(dialog)
    dialog.show()
    rows = [row_of(dialog, "Lung"), row_of(dialog, "without description"), row_of(dialog, "Copies")]
    assert [middle_grey(dialog, row) for row in rows] == [0, 0, 0]
    for count in (1, 2, 3):
        go_on.release()
        bright = partial(lambda wanted: sum(middle_grey(dialog, row) > 0 for row in rows) == wanted, count)
        qtbot.waitUntil(bright, timeout=10_000)
    assert threading.main_thread() not in drawn
    assert middle_grey(dialog, rows[0]) == int(255 * (976 - 1024 + 150) / 400)  # of soft tissue, -150 to 250 HU
    dialog.done(0)


def test_a_picture_that_is_wide_lies_in_the_middle_of_its_place(dialog):
    dialog.list.show_picture(0, np.full((20, 96), 200, np.uint8))
    image = dialog.list.item(0).icon().pixmap(96, 96).toImage()
    column = np.array([image.pixelColor(48, y).lightness() for y in range(96)])
    np.testing.assert_array_equal(np.flatnonzero(column == 200), np.arange(38, 58))
    dialog.list.show_picture(0, None)  # there is none: what is shown stays
    assert dialog.list.item(0).icon().pixmap(96, 96).toImage().pixelColor(48, 48).lightness() == 200


@pytest.mark.parametrize("cancel", [False, True])
def test_the_chosen_are_returned_and_nothing_if_a_person_cancels(qtbot, study, cancel):
    previews = preview_series(study)
    window = QWidget()
    qtbot.addWidget(window)
    window.show()

    def act():
        (dialog,) = [one for one in QApplication.topLevelWidgets() if isinstance(one, PreviewDialog)]
        if cancel:
            dialog.reject()
        else:
            dialog.list.itemDoubleClicked.emit(dialog.list.item(row_of(dialog, "Lung")))

    QTimer.singleShot(0, act)
    assert [one.title for one in ask_which_series(study, previews)] == ([] if cancel else ["5: Lung"])


def test_every_control_has_a_tooltip(dialog):
    assert all(control.toolTip() for control in [*dialog.findChildren(QAbstractButton), dialog.list])
