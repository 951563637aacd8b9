"""A person is asked before slices at uneven distances are resampled."""

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QMessageBox

from napari_medt.files.uneven_slices import ask_to_resample
from src_models.files.volumes.dicom.spacing import UnevenSlicesError

ERROR = UnevenSlicesError("scan", "1 slice is missing between a.dcm and b.dcm")


@pytest.mark.parametrize(("button", "expected"), [("Resample", True), ("Do not open", False), (None, False)])
def test_the_answer_is_the_button_that_was_pressed(make_napari_viewer, button, expected):
    viewer = make_napari_viewer()
    said = []

    def press():
        (box,) = (widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QMessageBox))
        said.append(box.text() + box.informativeText())
        said.extend(one.toolTip() for one in box.buttons())
        if button is None:
            box.reject()
        else:
            next(one for one in box.buttons() if one.text() == button).click()

    QTimer.singleShot(0, press)
    assert ask_to_resample(ERROR) is expected
    assert viewer is not None
    assert "scan: 1 slice is missing between a.dcm and b.dcm" in said[0]
    assert "--uneven" not in said[0], "what to do in a shell"
    assert all(said[1:])


def test_without_a_window_nothing_is_asked():
    assert ask_to_resample(ERROR) is False
