"""Which of several images in a file are opened is asked, and only these are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QAbstractButton, QApplication, QWidget

from napari_medt.files.series_dialog import SeriesDialog, ask_series, chosen_images
from src_models.files.series.image_series import Found, numbered


@pytest.fixture
def positions(tmp_path):
    data = [np.full((20, 30 + number), number, "uint8") for number in range(3)]
    with tifffile.TiffWriter(tmp_path / "cells.ome.tif", ome=True) as tiff:
        for number, one in enumerate(data):
            tiff.write(one, metadata={"axes": "YX", "Name": f"Pos{number}"})
    return tmp_path / "cells.ome.tif"


@pytest.fixture
def answer(qtbot):
    """Return a function that answers the next dialog, over a window: ticks these rows, and opens or cancels."""
    seen, window = [], QWidget()
    qtbot.addWidget(window)
    window.show()

    def later(*rows, cancel=False):
        assert window.isVisible()

        def act():
            (dialog,) = [one for one in QApplication.topLevelWidgets() if isinstance(one, SeriesDialog)]
            seen.append([dialog.list.item(row).text() for row in range(dialog.list.count())])
            dialog.none.click()
            assert not dialog.open.isEnabled()
            for row in rows:
                dialog.list.item(row).setCheckState(Qt.CheckState.Checked)
            (dialog.reject if cancel else dialog.open.click)()

        QTimer.singleShot(0, act)
        return seen

    return later


def test_those_that_are_ticked_are_opened_each_under_its_name(positions, answer):
    seen = answer(0, 2)
    opened = list(chosen_images(positions))
    assert seen == [["Pos0 - 20 x 30", "Pos1 - 20 x 31", "Pos2 - 20 x 32"]]
    assert [(image.name, int(image.data.max())) for image in opened] == [("cells_Pos0", 0), ("cells_Pos2", 2)]


def test_nothing_is_opened_when_a_person_cancels(positions, answer):
    answer(0, 1, cancel=True)
    assert list(chosen_images(positions)) == []


def test_where_there_is_no_window_to_ask_in_all_are_opened(positions, qtbot):
    assert [image.name for image in chosen_images(positions)] == ["cells_Pos0", "cells_Pos1", "cells_Pos2"]


def test_one_image_is_opened_unasked_with_its_thumbnail_left_out(tmp_path, qtbot):
    data = np.arange(200 * 300, dtype="uint8").reshape(200, 300)
    with tifffile.TiffWriter(tmp_path / "a.tif") as tiff:
        tiff.write(data, metadata=None)
        tiff.write(data[::7, ::7], subfiletype=1, metadata=None)
    (image,) = chosen_images(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.data, data)


def test_few_images_are_ticked_to_begin_with_and_of_many_the_first(tmp_path, qtbot):
    for count, ticked in ((8, 8), (9, 1)):
        dialog = SeriesDialog(tmp_path / "a.zarr", numbered([Found(f"A/{number}") for number in range(count)]))
        qtbot.addWidget(dialog)
        assert len(dialog.ticked()) == ticked
        dialog.all.click()
        assert len(dialog.ticked()) == count


def test_every_control_has_a_tooltip(tmp_path, qtbot):
    dialog = SeriesDialog(tmp_path / "a.zarr", numbered([Found("a"), Found("b")]))
    qtbot.addWidget(dialog)
    assert all(control.toolTip() for control in [*dialog.findChildren(QAbstractButton), dialog.list])


def test_where_nobody_can_be_asked_all_images_are_meant(tmp_path, qtbot):
    images = numbered([Found("a"), Found("b"), Found("label", beside=True)])
    with ThreadPoolExecutor(1) as other:
        asked = other.submit(ask_series, tmp_path / "a.zarr", images).result()
    assert [image.name for image in asked] == ["a", "b"]
