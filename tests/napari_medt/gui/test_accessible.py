"""Every control of every widget has a name and an explanation, and the Tab key goes through them as they are read."""

from __future__ import annotations

from itertools import pairwise

import pytest
from napari._qt.qt_viewer import QtViewer
from npe2 import PluginManifest
from qtpy import API_NAME
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTextEdit,
    QWidget,
)
from superqt import QCollapsible

CONTROLS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
)
PARTS = (QHeaderView, QScrollBar)  # Qt's own, of controls
MADE_BY_MAGICGUI = ("Segment a layer", "Link objects over time")


def controls_in(widget):
    """Return the controls that are ours: not those that Qt makes others of, as the list of a combo box."""
    found = [control for control in widget.findChildren(QWidget) if isinstance(control, CONTROLS)]
    found = [control for control in found if not isinstance(control, PARTS)]
    found = [control for control in found if control.window() is widget.window()]
    return [control for control in found if not any(inside(control, other) for other in found)]


def inside(control, other):
    holds = isinstance(other, QComboBox | QAbstractSpinBox | QAbstractItemView)
    return holds and other is not control and other.isAncestorOf(control)


def name_of(control, widget):
    """Return what a screen reader calls a control: its own name, its text, or that of the label that points to it."""
    text = control.text() if isinstance(control, QAbstractButton) else ""
    labels = [label.text() for label in widget.findChildren(QLabel) if label.buddy() is control]
    return control.accessibleName() or text or " ".join(labels)


def tab_chain(widget):
    """Return the controls in a widget in the order in which the Tab key goes through them."""
    chain, at = [], widget.nextInFocusChain()
    while at is not widget:
        if widget.isAncestorOf(at) and at.focusPolicy() & Qt.FocusPolicy.TabFocus and at.isVisibleTo(widget):
            chain.append(at)
        at = at.nextInFocusChain()
    return chain


@pytest.fixture
def viewer(make_napari_viewer, plugin_registered, noise):
    viewer = make_napari_viewer(show=True)
    viewer.add_image(noise)
    yield viewer
    if API_NAME == "PySide6":  # keeps all that is asked for the next control: napari would miss its window
        viewer.close()
        QtViewer._instances.clear()


def test_controls_have_names_and_explanations_and_the_tab_key_goes_from_top_to_bottom(viewer, qtbot, repository):
    manifest = PluginManifest.from_file(repository / "napari.yaml")
    names = [widget.display_name for widget in manifest.contributions.widgets]
    assert len(names) >= 8
    for name in names:
        if name in MADE_BY_MAGICGUI:
            continue
        _, widget = viewer.window.add_plugin_dock_widget("napari-medt", name)
        controls = controls_in(widget)
        assert controls, name
        nameless = [control for control in controls if not name_of(control, widget).strip()]
        assert [(name, type(c).__name__, type(c.parent()).__name__) for c in nameless] == []
        silent = [control for control in controls if not control.toolTip()]
        assert [(name, name_of(control, widget)) for control in silent] == []
        for part in widget.findChildren(QCollapsible):
            part.expand(animate=False)
        QApplication.processEvents()
        qtbot.wait(50)
        places = [(control, control.mapTo(widget, QPoint(0, 0))) for control in tab_chain(widget)]
        back = [
            (name_of(above, widget), name_of(below, widget))
            for (above, first), (below, then) in pairwise(places)
            if then.y() < first.y() - above.height() // 2
        ]
        assert back == [], name
        viewer.window.remove_dock_widget(widget)
