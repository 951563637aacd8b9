"""The plugin's docks are tabs of one place, in whatever order they are opened."""

from __future__ import annotations

import itertools

import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDockWidget, QLabel

pytestmark = pytest.mark.usefixtures("plugin_registered")

WIDGETS = ("Segment", "Click", "Attention", "Correct and learn", "Classify", "Measure")
ORDERS = [WIDGETS, WIDGETS[::-1], ("Attention", "Measure", "Segment", "Correct and learn", "Classify", "Click")]


@pytest.fixture
def viewer(make_napari_viewer, noise, tmp_path, monkeypatch):
    """A window as large as a small screen."""
    monkeypatch.setenv("XDG_DOCUMENTS_DIR", str(tmp_path))
    viewer = make_napari_viewer(show=True)
    viewer.window.resize(1280, 800)
    viewer.add_image(noise)
    return viewer


@pytest.fixture
def open_docks(viewer, qtbot):
    """Return a function that opens widgets from the menu, one after the other, and returns their docks."""

    def open_docks(*names):
        docks = []
        for name in names:
            choose(name.split()[0].lower())
            widget = viewer.window.dock_widgets[f"{name} (MedT)"]
            qtbot.waitUntil(lambda widget=widget: not widget.visibleRegion().isEmpty())
            docks.append(dock_of(widget))
        return docks

    return open_docks


def dock_of(widget):
    while not isinstance(widget, QDockWidget):
        widget = widget.parentWidget()
    return widget


def tabbed(viewer, dock):
    return set(viewer.window._qt_window.tabifiedDockWidgets(dock))


@pytest.mark.parametrize("order", ORDERS)
def test_all_share_the_room_that_the_first_had(viewer, open_docks, order, qtbot):
    (first,) = open_docks(order[0])
    height = first.height()
    docks = [first, *open_docks(*order[1:])]
    assert tabbed(viewer, first) == set(docks[1:])
    qtbot.waitUntil(lambda: docks[-1].height() > height - 60)  # but for the row of tabs
    for dock in docks:
        dock.raise_()
        qtbot.waitUntil(lambda dock=dock: not dock.visibleRegion().isEmpty())


def test_the_layer_controls_and_other_docks_stay_apart(viewer, open_docks):
    other = viewer.window.add_dock_widget(QLabel("another plugin's"), name="other")
    docks = open_docks("Segment", "Click")
    assert tabbed(viewer, docks[0]) == {docks[1]}
    assert tabbed(viewer, other) == set()
    left = [dock for dock in viewer.window._qt_window.findChildren(QDockWidget) if dock not in (*docks, dock_of(other))]
    assert {"layer controls", "layer list"} <= {dock.objectName() for dock in left}
    assert all(tabbed(viewer, dock) == set() for dock in left)


def test_a_floating_dock_and_one_on_another_side_are_left_there(viewer, open_docks):
    (first,) = open_docks("Segment")
    first.setFloating(True)
    (second,) = open_docks("Click")
    assert first.isFloating()
    assert tabbed(viewer, second) == set()
    viewer.window._qt_window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, second)
    (third,) = open_docks("Attention")
    assert tabbed(viewer, third) == tabbed(viewer, second) == set()


def test_docks_that_a_person_pulled_apart_stay_apart(viewer, open_docks, qtbot):
    first, second = open_docks("Segment", "Click")
    window = viewer.window._qt_window
    second.setFloating(True)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, second)
    second.setFloating(False)
    assert tabbed(viewer, first) == set()
    for dock in (second, first):
        dock.hide()
        dock.show()
        qtbot.wait(50)
    assert tabbed(viewer, first) == set()


def choose(name):
    """Choose a widget in the menu, open or not."""
    from napari._app_model import get_app_model

    get_app_model().commands.execute_command(f"napari-medt.{name}").result()


def test_the_menu_brings_a_tab_to_the_front(viewer, open_docks, qtbot):
    first, second = open_docks("Segment", "Click")
    assert first.visibleRegion().isEmpty()
    for dock, name in ((first, "segment"), (second, "click"), (first, "segment")):
        choose(name)
        qtbot.waitUntil(lambda dock=dock: not dock.visibleRegion().isEmpty())
        assert all(one.isVisible() for one in (first, second))


def test_the_menu_hides_the_tab_in_front_and_brings_it_back_there(viewer, open_docks, qtbot):
    first, second = open_docks("Segment", "Click")
    choose("click")
    (third,) = open_docks("Attention")
    assert not second.isVisible()
    choose("click")
    qtbot.waitUntil(lambda: not second.visibleRegion().isEmpty())
    for one, other in itertools.permutations((first, second, third), 2):
        assert other in tabbed(viewer, one)


def test_a_window_that_is_hidden_and_shown_keeps_its_tab_in_front(viewer, open_docks, qtbot):
    first, second = open_docks("Segment", "Click")
    first.raise_()
    window = viewer.window._qt_window
    window.hide()
    window.show()
    qtbot.wait(200)
    assert not first.visibleRegion().isEmpty()
    assert second.visibleRegion().isEmpty()


def test_a_dock_that_is_closed_and_opened_again_is_a_tab_again(viewer, open_docks):
    _, second = open_docks("Segment", "Click")
    viewer.window.remove_dock_widget(viewer.window.dock_widgets["Segment (MedT)"])
    (first,) = open_docks("Segment")
    assert tabbed(viewer, first) == {second}
