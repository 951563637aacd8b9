"""Where the docs and messages say that something is in napari's menus, it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from qtpy.QtWidgets import QApplication

ROOT = Path(__file__).parents[3]
SOURCES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("napari_medt/**/*.py")]
PATH = re.compile(r"\b(?:File|View|Layers|Plugins|Window|Help) > .*")


def told():
    """Return the rest of each line that tells a way through the menus, and its file."""
    return [(path, one) for path in SOURCES for one in PATH.findall(path.read_text("utf-8"))]


def entries(menu, above):
    """Return what a menu shows, with the menus above it, as text."""
    menu.aboutToShow.emit()
    found = set()
    for action in menu.actions():
        if action.isSeparator() or not action.isVisible():
            continue
        path = f"{above} > {action.text().replace('&', '')}"
        found |= {path} | (entries(action.menu(), path) if action.menu() else set())
    return found


def is_there(text, menus):
    """Whether a text begins with the path to an entry, and does not go on to one that there is not."""
    longest = max((one for one in menus if text.startswith(one.removesuffix("..."))), key=len, default=None)
    return longest is not None and re.match(r"\w| >| \(", text[len(longest.removesuffix("...")) :]) is None


@pytest.fixture
def menus(make_napari_viewer, plugin_registered):
    """All entries of the menu bar of a window that is on the screen."""
    viewer = make_napari_viewer(show=True)
    QApplication.processEvents()
    bar = viewer.window._qt_window.menuBar().actions()
    return set().union(*(entries(action.menu(), action.text().replace("&", "")) for action in bar))


def test_the_menus_are_where_they_are_said_to_be(menus):
    written = told()
    assert len(written) > 20
    wrong = [f"{path.relative_to(ROOT)}: {text}" for path, text in written if not is_there(text, menus)]
    assert wrong == []


def test_every_widget_is_in_the_plugin_s_menu_and_in_napari_s_own(menus):
    named = {
        "Segment": "Segment",
        "Segment a folder": "Segment",
        "Click": "Segment",
        "Correct and learn": "Segment",
        "Classify": "Classify",
        "Measure": "Measure",
        "Attention": "Visualize",
        "CT window": "Visualize",
    }
    for widget, menu in named.items():
        assert f"Plugins > MedT > {widget} (MedT)" in menus
        assert f"Layers > {menu} > {widget} (MedT)" in menus
    docs = "\n".join(path.read_text("utf-8") for path in SOURCES if path.suffix == ".md")
    assert all(f"Plugins > MedT > {widget} (MedT)" in docs for widget in named)
