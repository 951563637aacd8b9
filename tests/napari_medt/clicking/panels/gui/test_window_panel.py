"""Windows of a CT: what is seen, what the network sees, and how the one follows the other."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_medt.clicking.panels.window_panel import WindowPanel
from src_models.images.grey.ct_windows import ct_window


@pytest.fixture
def panel(qtbot):
    panel = WindowPanel()
    qtbot.addWidget(panel)
    return panel


@pytest.fixture
def scan():
    return Image(np.linspace(-1000, 2000, 64, dtype=np.float32).reshape(8, 8), contrast_limits=(-1000, 2000))


def test_without_a_layer_the_network_sees_what_it_is_used_to(panel):
    panel.choose("lung")
    assert panel.intensity() is None


def test_a_window_acts_on_what_a_person_says(panel, scan):
    panel.set_layer(scan)
    lung, soft = ct_window("lung"), ct_window("soft tissue")
    panel.choose("lung")
    assert tuple(scan.contrast_limits) == lung.limits
    assert panel.intensity() == lung.intensity
    panel.choose("soft tissue", "network only")
    assert tuple(scan.contrast_limits) == lung.limits
    assert panel.intensity() == soft.intensity
    panel.choose("soft tissue", "view only")
    assert tuple(scan.contrast_limits) == soft.limits
    assert panel.intensity() is None
    panel.choose("whole range")
    assert panel.intensity() is None


def test_level_and_width_of_ones_own_are_seen_by_the_network_unless_the_view_alone_is_meant(panel, scan, qtbot):
    panel.set_layer(scan)
    panel.choose("liver")
    assert (panel.choice.level.value(), panel.choice.width.value()) == (30, 150)
    for acts_on, seen in (("network only", (-70, 130)), ("view only", None)):
        panel.choose("liver", acts_on)
        scan.contrast_limits = (-45, 105)
        panel.choice.width.setValue(200)
        panel.choice.width.editingFinished.emit()
        assert tuple(scan.contrast_limits) == (-70, 130)
        assert panel.window_name.currentText() == "as shown"
        window = panel.intensity()
        assert (window and (window.low, window.high)) == seen


def test_limits_of_ones_own_are_seen_by_the_network_once_they_rest(panel, scan, qtbot):
    panel.set_layer(scan)
    panel.choose("lung")
    with qtbot.waitSignal(panel.changed, timeout=2000):
        scan.contrast_limits = (-300, 500)
    assert panel.window_name.currentText() == "as shown"
    assert (panel.intensity().low, panel.intensity().high) == (-300, 500)
    told = []
    panel.changed.connect(lambda: told.append(True))
    for high in range(510, 560, 10):  # a slider that moves
        scan.contrast_limits = (-300, high)
    assert told == []
    qtbot.waitUntil(lambda: told == [True], timeout=2000)


def test_a_layer_that_was_left_is_not_listened_to(panel, scan, qtbot):
    panel.set_layer(scan)
    panel.choose("as shown")
    panel.set_layer(None)
    with qtbot.assertNotEmitted(panel.changed, wait=600):
        scan.contrast_limits = (0, 100)
    assert panel.intensity() is None
