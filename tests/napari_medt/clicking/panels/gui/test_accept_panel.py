"""Where accepted objects go, as a person chooses it."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Labels

from napari_medt.clicking.panels.accept_panel import AcceptPanel


@pytest.fixture
def panel(qtbot):
    panel = AcceptPanel()
    qtbot.addWidget(panel)
    return panel


def layer(name):
    return Labels(np.zeros((4, 4), int), name=name)


def test_the_chosen_labels_stay_chosen_as_others_come_and_go(panel):
    one, two, three = layer("cells"), layer("cells"), layer("others")  # names may be the same
    assert panel.layer() is None
    panel.offer([one, two, three])
    panel.choose(two)
    assert panel.layer() is two
    panel.offer([three, two])
    assert panel.layer() is two
    panel.offer([three])
    assert panel.layer() is None  # new ones
    panel.choose(one)  # which is not listed
    assert panel.layer() is None


def test_a_class_has_a_number_and_objects_are_numbered_for_themselves(panel):
    assert panel.value() is None
    assert not panel.class_id.isVisibleTo(panel)
    panel.kind.setCurrentIndex(1)
    panel.class_id.setValue(7)
    assert panel.value() == 7
    assert panel.class_id.isVisibleTo(panel)
    panel.kind.setCurrentIndex(0)
    assert panel.value() is None


def test_whatever_changes_what_accepting_writes_is_told(panel, qtbot):
    panel.offer([layer("cells")])
    panel.kind.setCurrentIndex(0)
    for change in (
        lambda: panel.labels.setCurrentIndex(1),
        lambda: panel.kind.setCurrentIndex(1),
        lambda: panel.class_id.setValue(9),
        lambda: panel.overwrite.setChecked(True),
        lambda: panel.offer([]),
    ):
        with qtbot.waitSignal(panel.changed, timeout=1000):
            change()
