"""A person says what labels mean, and the model of objects learns a class by its name."""

from __future__ import annotations

import numpy as np
import pytest
from correct_scene import LEFT, LOW, RIGHT, labels_of, mend, settle

from src_models.models.header import read_header

pytestmark = pytest.mark.usefixtures("plugin_registered")


def guessed(qtbot, widget):
    settle(qtbot, widget)
    qtbot.waitUntil(lambda: not widget.meaning.questions.busy, timeout=30_000)
    settle(qtbot, widget)


def test_a_model_of_objects_learns_a_class_that_a_person_names(
    correcting, press, learn, documents, tiny_model_path, qtbot
):
    viewer, widget, _ = correcting(model=tiny_model_path)
    panel = widget.controls.kind
    guessed(qtbot, widget)
    assert panel.meaning.currentData() == "objects"
    assert panel.why.text().startswith("The model tiny finds objects")
    press(widget, widget.controls.empty)
    labels = labels_of(viewer)
    assert "number of its own" in widget.controls.marking.hint.text()

    panel.meaning.setCurrentIndex(panel.meaning.findData("classes"))
    panel.names.item(0, 0).setText("disc")
    press(widget, widget.controls.segment)
    told = widget.controls.run_bar.status.text()
    assert told.endswith("tiny does not find 1 class (disc) yet: to paint these, press Begin empty.")
    widget.marking.choose(labels)
    assert widget.controls.marking.brush.text() == "Class brush"
    assert "Numbers are classes: 1 = disc." in widget.controls.marking.hint.text()
    assert labels.features["name"].tolist() == ["disc"]
    mend(widget)
    press(widget, widget.controls.marking.brush)
    assert labels.selected_label == 1, "what is painted next is of the class too"
    press(widget, widget.controls.marking.mark_slice)
    learn(widget)
    assert widget.controls.learning.result.text().startswith("It has learnt 1 class (disc)")

    header = read_header(documents / "cells" / "models" / "tiny-v1.safetensors")
    assert header.classes == ("background", "disc")
    assert header.result == "semantic"
    guessed(qtbot, widget)
    assert panel.said() is None
    assert panel.kind().names == ("disc",)
    press(widget, widget.controls.segment)
    found = np.asarray(widget.marking.labels().data)
    assert set(np.unique(found)) <= {0, 1}
    truth = LEFT | RIGHT | LOW
    assert 2 * (truth & (found > 0)).sum() / (truth.sum() + (found > 0).sum()) > 0.4
    assert widget.marking.labels().features["name"].tolist() == ["disc"]


def test_what_was_marked_is_guessed_from(correcting, press, tiny_model_path, qtbot):
    viewer, widget, _ = correcting(model=tiny_model_path)
    press(widget, widget.controls.empty)
    labels = labels_of(viewer)
    rows = np.arange(2, 94)
    for shift in (0, 1):
        labels.data_setitem((rows, rows + shift + 10), 1)
        labels.data_setitem((rows, 110 - rows + shift), 1)
    press(widget, widget.controls.marking.mark_slice)
    guessed(qtbot, widget)
    assert widget.controls.kind.meaning.currentData() == "classes"
    assert "long thin lines" in widget.controls.kind.why.text()
    assert widget.controls.kind.kind().names == ("class 1",)
