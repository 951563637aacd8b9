"""A person is offered unfinished work piece by piece, and nothing is deleted without a question."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from qtpy.QtWidgets import QMessageBox, QWidget

from napari_medt.unsaved.recovery_bar import RecoveryBar

WORKS = [SimpleNamespace(words=f"{number} objects in 'a<b>.tif'") for number in (1, 2, 3)]


@pytest.fixture
def bar(qtbot):
    """A bar in a window that is shown, and what was wanted and unwanted."""
    window = QWidget()
    bar = RecoveryBar(window)
    bar.told = []
    bar.wanted.connect(lambda work: bar.told.append(("wanted", work)))
    bar.unwanted.connect(lambda work: bar.told.append(("unwanted", work)))
    qtbot.addWidget(window)
    window.show()
    yield bar
    window.close()


def answer(monkeypatch, button):
    asked = []
    monkeypatch.setattr(QMessageBox, "question", lambda *arguments: asked.append(arguments[-1]) or button)
    return asked


def test_it_is_hidden_as_long_as_there_is_nothing(bar):
    assert not bar.isVisible()
    bar.offer(WORKS[:1])
    assert bar.isVisible()
    assert "(and" not in bar.text.text()
    bar.offer([])
    assert not bar.isVisible()


def test_pieces_are_offered_one_after_the_other(bar):
    bar.offer(WORKS)
    assert "1 objects in 'a&lt;b&gt;.tif' (and 2 more)." in bar.text.text()  # a name is no markup
    bar.go_on.click()
    assert "2 objects" in bar.text.text()
    assert "(and 1 more)" in bar.text.text()
    bar.later.click()
    assert "3 objects" in bar.text.text()
    bar.go_on.click()
    assert not bar.isVisible()
    assert bar.told == [("wanted", WORKS[0]), ("wanted", WORKS[2])]


def test_deleting_is_asked_for_and_a_no_leaves_it_offered(bar, monkeypatch):
    bar.offer(WORKS[:1])
    asked = answer(monkeypatch, QMessageBox.StandardButton.No)
    bar.delete.click()
    assert asked == ["Delete 1 objects in 'a<b>.tif' for good?"]
    assert bar.told == []
    assert bar.isVisible()
    answer(monkeypatch, QMessageBox.StandardButton.Yes)
    bar.delete.click()
    assert bar.told == [("unwanted", WORKS[0])]
    assert not bar.isVisible()
