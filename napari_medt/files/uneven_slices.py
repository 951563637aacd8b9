"""A question: whether a scan whose slices lie at uneven distances is opened, resampled."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from src_models.files.volumes.dicom.spacing import UnevenSlicesError

__all__ = ["ask_to_resample"]


def ask_to_resample(error: UnevenSlicesError) -> bool:
    """Ask whether a scan is resampled to even slices; without a window to ask in, it is not.

    Parameters
    ----------
    error
        Says how the slices lie.
    """
    from napari import current_viewer

    if current_viewer() is None or threading.current_thread() is not threading.main_thread():
        return False
    from qtpy.QtWidgets import QApplication, QMessageBox

    box = QMessageBox(QApplication.activeWindow())
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("Slices at uneven distances")
    box.setText("This scan cannot be shown as it is: its slices lie at uneven distances. Resample it to even ones?")
    box.setInformativeText(
        f"{error.told}.\n\nIt is resampled linearly between the slices that there are: where one is missing, what is "
        "shown is made up of those beside it. Labels will have the even slices."
    )
    resample = box.addButton("Resample", QMessageBox.ButtonRole.AcceptRole)
    resample.setToolTip("Open the scan with slices at even distances, linearly between those of the files.")
    leave = box.addButton("Do not open", QMessageBox.ButtonRole.RejectRole)
    leave.setToolTip("Leave the scan as it is; the message says what to do.")
    box.setDefaultButton(leave)
    box.setEscapeButton(leave)
    box.exec()
    return box.clickedButton() is resample
