"""Sections of a column of controls show what they hold when they are open, and nothing of it when they are not."""

from __future__ import annotations

from itertools import pairwise

import pytest
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget
from superqt import QCollapsible

from napari_medt.controls.scrolling_column import ScrollingColumn, section


@pytest.fixture
def column(qtbot):
    """Return a function that shows sections, each of a high label."""

    shown = []  # Qt deletes what nobody holds

    def show(*opened):
        content, labels, sections = QWidget(), [], []
        rows = QVBoxLayout(content)
        for is_open in opened:
            label = QLabel("some words")
            label.setFixedHeight(60)
            holder = QWidget()
            QVBoxLayout(holder).addWidget(label)
            sections.append(section("title", holder, opened=is_open))
            labels.append(label)
            rows.addWidget(sections[-1])
        rows.addStretch()
        outer = ScrollingColumn(content)
        qtbot.addWidget(outer)
        shown.append(outer)
        outer.resize(200, 600)
        with qtbot.waitExposed(outer):
            outer.show()
        return sections, labels

    return show


def seen(label):
    return label.visibleRegion().boundingRect().height()


def test_a_closed_section_shows_nothing_until_it_is_opened(column, qtbot):
    (opened, closed), (above, below) = column(True, False)
    qtbot.waitUntil(lambda: seen(above) == 60)
    assert seen(below) == 0
    closed.toggleButton().click()
    qtbot.waitUntil(lambda: seen(below) == 60)
    opened.toggleButton().click()
    qtbot.waitUntil(lambda: seen(above) == 0)
    assert seen(below) == 60


def test_an_open_section_grows_with_what_it_holds(column, qtbot):
    _, (label,) = column(True)
    label.setFixedHeight(150)
    qtbot.waitUntil(lambda: seen(label) == 150)


def test_lines_that_wrap_leave_what_is_of_fixed_height_beside_them_its_room(column, qtbot):
    _, (chart,) = column(True)
    words, below = QLabel("some words that are long enough for several lines at this width " * 3), QLabel("below")
    words.setWordWrap(True)
    rows = chart.parentWidget().layout()
    rows.insertWidget(0, words)
    rows.addWidget(below)

    def one_below_the_other():
        places = [each.geometry() for each in (words, chart, below)]
        high = words.isVisible() and words.height() >= words.heightForWidth(words.width())
        return high and all(upper.bottom() < lower.top() for upper, lower in pairwise(places))

    qtbot.waitUntil(one_below_the_other)
    assert seen(chart) == 60


@pytest.mark.parametrize("name", ["Click", "Attention", "Correct and learn", "Classify"])
def test_of_each_widget_closed_sections_are_closed(make_napari_viewer, plugin_registered, name, noise, qtbot):
    viewer = make_napari_viewer(show=True)
    viewer.add_image(noise)
    _, widget = viewer.window.add_plugin_dock_widget("napari-medt", name)
    qtbot.wait(200)
    closed = [part for part in widget.findChildren(QCollapsible) if not part.isExpanded()]
    assert closed
    assert not any(part.content().isVisible() for part in closed), "the Tab key would go to what is not seen"
