"""Buttons that mark and clear: they need labels, and say what they wait for."""

from __future__ import annotations

import pytest
from qtpy.QtWidgets import QPushButton

from napari_medt.correcting.panels.mark_panel import MarkPanel


@pytest.fixture
def panel(qtbot):
    panel = MarkPanel()
    qtbot.addWidget(panel)
    panel.show()
    return panel


def test_without_labels_nothing_can_be_pressed_and_what_is_missing_is_said(panel):
    panel.set_ready(False, "Press Segment to correct.")
    assert not any(button.isEnabled() for button in panel.findChildren(QPushButton))
    assert panel.hint.text() == "Press Segment to correct."
    panel.set_ready(True, "")
    assert all(button.isEnabled() for button in panel.findChildren(QPushButton))
    assert not panel.hint.isVisible()


@pytest.mark.parametrize(("slices", "words"), [(True, "Mark this slice"), (False, "Mark this image")])
def test_an_image_of_one_slice_has_no_slices(panel, slices, words):
    panel.set_ready(True, "", slices=slices)
    assert panel.mark_slice.text().startswith(words)


def test_a_button_that_waits_for_a_box_says_so_and_lets_go_with_the_labels(panel):
    panel.set_ready(True, "")
    panel.mark_region.click()
    assert panel.mark_region.text() == "Drag a box..."
    panel.set_ready(False, "")
    assert (panel.mark_region.isChecked(), panel.mark_region.text()) == (False, "Mark a region...")


def test_how_much_was_changed_is_told(panel):
    panel.set_changed(12345)
    assert panel.changed.text() == "Outlined in yellow: 12,345 px that differ from what was found."
    panel.set_changed(0)
    assert panel.changed.text() == "Nothing in view differs from what was found yet."
    panel.set_changed(None)
    assert not panel.changed.isVisible()


def test_each_button_tells_what_it_is_for(panel):
    panel.set_ready(True, "")
    pressed = []
    for name in ("object_brush", "background_brush", "slice_marked", "painted_marked", "view_cleared"):
        getattr(panel, name).connect(lambda name=name: pressed.append(name))
    for button in (panel.brush, panel.background, panel.mark_slice, panel.mark_painted, panel.clear_view):
        button.click()
    assert pressed == ["object_brush", "background_brush", "slice_marked", "painted_marked", "view_cleared"]
