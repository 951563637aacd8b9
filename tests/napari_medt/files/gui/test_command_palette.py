"""Each command of the plugin, called from napari's command palette, does what its title says."""

from __future__ import annotations

import numpy as np
import pytest
from npe2 import PluginManager
from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication, QFileDialog

pytestmark = pytest.mark.usefixtures("plugin_registered")

WIDGETS = (
    "Segment", "Segment a folder", "Click", "Attention", "Correct and learn", "Classify", "Measure", "CT window",
    "Segment a layer", "Link objects over time", "About MedT",
)  # fmt: skip
SAMPLES = {
    "Nuclei in fluorescence, with ground truth": "fluorescence",
    "Nuclei in stained tissue (histology), with ground truth": "histology",
    "Nuclei in bright field, with ground truth": "brightfield",
    "CT of an abdomen, with organs that a model drew": "abdomen_ct",
}
DIALOGS = {
    "Open CT and other scans (NIfTI, NRRD, DICOM)... (MedT)": "Open scans",
    "Open a folder of DICOM slices... (MedT)": "Open a folder of DICOM slices",
    "Save labels as NIfTI, NRRD or DICOM... (MedT)": "Save 'Labels' for a scan",
    "Open an OME-Zarr image... (MedT)": "Open an OME-Zarr image",
    "Save labels into an OME-Zarr image... (MedT)": "Save 'Labels' into the OME-Zarr image",
    "Open labels of ImageJ, QuPath, Cellpose or ilastik... (MedT)": "Open labels of another program",
    "Save labels for ImageJ, QuPath or COCO... (MedT)": "Save 'Labels' for another program",
}

IN_3D = "Show in 3D, or go back to the slice (MedT)"


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer(show=True)


@pytest.fixture
def choose(viewer):
    """Return a function that opens the palette, types a title, and presses Enter."""

    def choose(title):
        window = viewer.window._qt_window
        viewer.window._toggle_command_palette()
        palette = window._command_palette
        palette._line.setText(title)
        hits = [command.title for command in palette._list.iter_command()]
        assert hits[0] == title, hits
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
            QApplication.sendEvent(palette._line, QKeyEvent(kind, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier))

    return choose


def commands():
    """Every command of the plugin that the palette lists, by its title."""
    from napari._app_model import get_app_model

    menus = get_app_model().menus
    return {
        item.command.title: item.command.id
        for item in menus.get_menu(menus.COMMAND_PALETTE_ID)
        if item.command.id.startswith("napari-medt.")
    }


def test_these_are_all_commands(viewer):
    declared = {one.id for one in PluginManager.instance().get_manifest("napari-medt").contributions.commands}
    assert set(commands().values()) == declared
    assert set(commands()) == {f"{name} (MedT)" for name in WIDGETS} | set(SAMPLES) | set(DIALOGS) | {IN_3D}


@pytest.mark.parametrize("name", WIDGETS)
def test_a_widget_opens(viewer, choose, name, qtbot):
    choose(f"{name} (MedT)")
    (dock,) = viewer.window.dock_widgets
    assert dock == f"{name} (MedT)"
    widget = viewer.window.dock_widgets[dock]
    qtbot.waitUntil(getattr(widget, "native", widget).isVisible)  # a form that magicgui made is no Qt widget itself


@pytest.mark.parametrize("title", SAMPLES)
def test_a_sample_opens(viewer, choose, title):
    choose(title)
    drawn_by = "ground truth" if "ground truth" in title else "organs that a model drew"
    assert [layer.name for layer in viewer.layers] == [SAMPLES[title], f"{SAMPLES[title]} - {drawn_by}"]


@pytest.mark.parametrize("title", DIALOGS)
def test_a_dialog_opens(viewer, choose, title, monkeypatch, messages):
    asked = []
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *args: asked.append(args[1]) or ([], ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *args: asked.append(args[1]) or "")
    monkeypatch.setattr(QFileDialog, "exec", lambda dialog: asked.append(dialog.windowTitle()) or 0)
    viewer.add_labels(np.zeros((4, 4), int), name="Labels")
    choose(title)
    assert asked == [DIALOGS[title]]
    assert messages == []


def test_a_volume_is_shown_in_3d_and_as_the_slice_that_was_seen(viewer, choose):
    viewer.add_image(np.random.default_rng(0).random((4, 12, 14)), name="volume")
    viewer.dims.set_current_step(0, 1)
    choose(IN_3D)
    assert viewer.dims.ndisplay == 3
    choose(IN_3D)
    assert viewer.dims.ndisplay == 2
    assert viewer.dims.current_step[0] == 1
