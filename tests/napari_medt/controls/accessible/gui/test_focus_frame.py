"""The frame of what the keyboard acts on: where it is, how well it is seen, and when it goes."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_medt.controls.accessible.focus_frame import FocusFrame, FocusFrames
from napari_medt.controls.charts.contrast import GRAPHICS, contrast


@pytest.fixture
def window(qtbot):
    """A window with two controls in a watched part, and one beside that."""
    window = QWidget()
    window.watched, window.outside = QWidget(), QLineEdit()
    window.first, window.second = QPushButton("first"), QPushButton("second")
    rows = QVBoxLayout(window.watched)
    rows.addWidget(window.first)
    rows.addWidget(window.second)
    columns = QHBoxLayout(window)
    columns.addWidget(window.watched)
    columns.addWidget(window.outside)
    FocusFrames(window.watched)
    qtbot.addWidget(window)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    window.outside.setFocus()
    QApplication.processEvents()
    return window


def framed(window):
    return [frame.parent().text() for frame in window.findChildren(FocusFrame) if frame.isVisible()]


def test_the_frame_goes_where_the_tab_key_goes_and_stays_inside(window, qtbot):
    assert framed(window) == []
    window.first.setFocus(Qt.FocusReason.TabFocusReason)
    assert framed(window) == ["first"]
    qtbot.keyClick(window.first, Qt.Key.Key_Tab)
    assert framed(window) == ["second"]
    window.outside.setFocus()
    assert framed(window) == []


def test_a_click_needs_no_frame_and_goes_through_one(window, qtbot):
    pressed = []
    window.first.clicked.connect(lambda: pressed.append("first"))
    window.first.setFocus(Qt.FocusReason.TabFocusReason)
    [frame] = window.findChildren(FocusFrame)
    assert frame.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    qtbot.mouseClick(window.first, Qt.MouseButton.LeftButton)
    assert pressed == ["first"]


@pytest.mark.parametrize(("ground", "words"), [("#23242b", "#f0f1f2"), ("#ebe7e6", "#1e1e21")])
def test_the_frame_is_seen_on_every_side_in_both_themes_and_as_large_as_the_control(window, ground, words):
    window.setStyleSheet(f"QWidget {{ background-color: {ground}; color: {words}; border: 0px; }}")
    window.first.setFocus(Qt.FocusReason.TabFocusReason)
    window.resize(500, 200)
    QApplication.processEvents()
    picture = window.first.grab().toImage()
    right, bottom = window.first.width() - 1, window.first.height() - 1
    for x, y in ((0, bottom // 2), (right, bottom // 2), (right // 3, 0), (right // 3, bottom)):
        assert contrast(picture.pixelColor(x, y).name(), ground) >= GRAPHICS
    assert picture.pixelColor(6, 5).name() == ground, "what is framed is not covered"
