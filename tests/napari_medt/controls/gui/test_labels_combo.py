"""The list of labels that lie on an image."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels

from napari_medt.controls.labels_combo import LabelsCombo


@pytest.fixture
def combo(qtbot):
    made = LabelsCombo("none yet")
    qtbot.addWidget(made)
    made.told = []
    made.layer_changed.connect(lambda: made.told.append(made.layer()))
    return made


def test_labels_are_listed_below_none_and_choosing_is_told(combo):
    first, second = (Labels(np.zeros((2, 2), int), name=name) for name in ("first", "second"))
    combo.offer([first, second], second)
    assert [combo.itemText(place) for place in range(combo.count())] == ["none yet", "first", "second"]
    assert combo.layer() is second
    assert combo.told == []
    combo.setCurrentIndex(1)
    combo.setCurrentIndex(0)
    assert combo.told == [first, None]
    assert combo.layers() == [first, second]


def test_what_is_not_listed_is_not_chosen(combo):
    gone = Labels(np.zeros((2, 2), int))
    combo.offer([], gone)
    assert combo.layer() is None
