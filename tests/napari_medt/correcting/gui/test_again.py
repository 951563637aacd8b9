"""What is segmented again in the widget "Correct and learn", and what is not."""

from __future__ import annotations

import numpy as np
import pytest
from correct_scene import labels_of, layer_of, mend, settle

from napari_medt.correcting.labels import prediction_of
from napari_medt.correcting.learning import kept_outcomes
from napari_medt.preferences import read_correct_again
from src_models.prediction.jobs import segmentation_steps


@pytest.fixture
def runs(monkeypatch):
    """The models that were really run."""
    seen = []

    def noted(job):
        seen.append(job.settings.model.stem)
        return (yield from segmentation_steps(job))

    monkeypatch.setattr(kept_outcomes, "segmentation_steps", noted)
    return seen


def test_a_new_version_segments_what_is_in_view_and_nothing_is_segmented_twice(correcting, press, learn, runs, qtbot):
    viewer, widget, _ = correcting()
    press(widget, widget.controls.segment)
    mend(widget)
    press(widget, widget.controls.marking.mark_slice)
    labels = labels_of(viewer)
    painted = np.array(labels.data)
    learn(widget)
    assert runs == ["dark", "dark-v1"]
    after, before = layer_of(viewer, "after"), layer_of(viewer, "before")
    assert (before.visible, after.visible) == (False, True)
    assert widget.controls.versions.shown["after"].isChecked()
    np.testing.assert_array_equal(before.data, prediction_of(labels).data)
    np.testing.assert_array_equal(labels.data, painted)
    versions = widget.controls.versions
    press(widget, versions.shown["both"])
    assert (before.visible, after.visible) == (True, True)
    for row in (0, 1):  # back to the first model, and forth
        versions.list.setCurrentItem(versions.list.topLevelItem(row))
        press(widget, versions.use)
    press(widget, versions.shown["both"])
    found = np.array(layer_of(viewer, "after").data)
    press(widget, widget.controls.segment)
    mending = widget.marking.labels()
    assert mending != labels
    np.testing.assert_array_equal(mending.data, found)
    np.testing.assert_array_equal(labels.data, painted)
    assert runs == ["dark", "dark-v1"]
    viewer.layers["cells"].data[:20] = 0  # another image now
    press(widget, versions.shown["off"])
    widget.looks.forget()
    press(widget, versions.shown["both"])
    assert runs == ["dark", "dark-v1", "dark", "dark-v1"]


def test_nothing_is_segmented_after_learning_where_that_is_not_wanted(correcting, press, learn, runs, qtbot):
    viewer, widget, _ = correcting()
    assert widget.controls.learning.again.isChecked()
    widget.controls.learning.again.click()
    press(widget, widget.controls.segment)
    mend(widget)
    press(widget, widget.controls.marking.mark_slice)
    learn(widget)
    settle(qtbot, widget)
    assert runs == ["dark"]
    assert layer_of(viewer, "after") is None
    assert read_correct_again() is False
