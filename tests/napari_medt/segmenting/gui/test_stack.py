"""What the Segment widget says of a run: objects of a stack, the size that was used, what to try; and Cancel early."""

import dataclasses

import numpy as np
import pytest
from napari.layers import Labels

from src_models.models.checkpoint import Model, load, save

pytestmark = pytest.mark.usefixtures("plugin_registered")


@pytest.fixture
def sized_model_path(tiny_model_path, tmp_path):
    """The model of bright discs, as one that rescales images."""
    model = load(tiny_model_path)
    header = dataclasses.replace(model.header, object_diameter=20.0, diameter_range=(10.0, 40.0))
    return save(Model(model.network, header), tmp_path / "sized.safetensors")


@pytest.fixture
def stack():
    """Two discs that go through four planes."""
    y, x = np.mgrid[:70, :90]
    plane = 20 + 180 * (((y - 20) ** 2 + (x - 25) ** 2 < 100) | ((y - 48) ** 2 + (x - 62) ** 2 < 100))
    return np.stack([plane.astype(np.uint8)] * 4)


def test_objects_of_a_stack_are_counted_once_unless_that_is_not_wanted(open_widget, run_to_end, tiny_model_path, stack):
    viewer, widget = open_widget()
    widget.open_model(tiny_model_path)
    viewer.add_image(stack, name="cells")
    widget.more.click()
    widget.axes.setText("ZYX")
    widget.axes.editingFinished.emit()
    widget.region.setCurrentText("all 4 planes")
    assert widget.link.isVisibleTo(widget)
    assert [widget.link.itemText(row) for row in range(widget.link.count())] == ["through depth (z)", "not at all"]
    run_to_end(widget)
    assert "Done: 2 objects in 4 planes (8 outlines, linked through z)." in widget.run_bar.status.text()
    labels = next(layer.data for layer in viewer.layers if isinstance(layer, Labels))
    assert labels.max() == 2
    np.testing.assert_array_equal(labels, np.broadcast_to(labels[0], labels.shape))
    widget.link.setCurrentText("not at all")
    run_to_end(widget)
    assert "Done: 8 outlines in 4 planes, not linked." in widget.run_bar.status.text()


def test_linking_is_offered_through_the_axes_that_there_are(open_widget, stack):
    viewer, widget = open_widget()
    widget.more.click()
    assert not widget.link.isVisibleTo(widget)
    viewer.add_image(stack[0])
    assert not widget.link.isVisibleTo(widget)
    assert widget.settings().link == ""
    viewer.add_image(stack.reshape(2, 2, 70, 90), name="both")
    widget.axes.setText("TZYX")
    widget.axes.editingFinished.emit()
    ways = [widget.link.itemData(row) for row in range(widget.link.count())]
    assert ways == ["z", "zt", "t", ""]
    assert widget.settings().link == "z"
    widget.link.setCurrentIndex(1)
    widget.axes.editingFinished.emit()
    assert widget.settings().link == "zt", "a choice stays"
    viewer.add_image(stack, name="time")
    widget.axes.setText("TYX")
    widget.axes.editingFinished.emit()
    assert [widget.link.itemData(row) for row in range(widget.link.count())] == ["", "t"]
    assert widget.settings().link == "", "through time by choice alone"


def test_the_size_that_was_used_and_advice_are_shown(open_widget, run_to_end, sized_model_path, stack):
    viewer, widget = open_widget()
    widget.open_model(sized_model_path)
    viewer.add_image(stack[0], name="cells")
    widget.diameter.setValue(25)
    run_to_end(widget)
    assert "Done: 2 objects; objects of about 25 px, image resized 0.8 times." in widget.run_bar.status.text()
    viewer.add_image(np.full((70, 90), 20, np.uint8), name="empty")
    widget.diameter.setValue(0)
    run_to_end(widget)
    assert "Nothing was found. Try a higher sensitivity, giving the object size" in widget.advice.text()


def test_cancel_acts_while_sizes_are_looked_at_and_words_say_so(open_widget, qtbot, sized_model_path, monkeypatch):
    """The network is asked for no tile after the one that is computed when Cancel is pressed."""
    from src_models.computing.execution import Execution

    asked, compute, lines = [], Execution.__call__, []

    def counted(self, network, batch, *classes):
        asked.append(batch.shape)
        return compute(self, network, batch, *classes)

    monkeypatch.setattr(Execution, "__call__", counted)
    viewer, widget = open_widget()
    widget.open_model(sized_model_path)
    viewer.add_image(np.random.default_rng(0).integers(0, 255, (600, 600), np.uint8), name="large")
    when = []

    def press(share, line):
        lines.append(line)
        if "how large" in line and not when:
            when.append(len(asked))
            widget.run_bar.cancel.click()

    widget.run.progressed.connect(press)
    with qtbot.waitSignal(widget.ended, timeout=60_000):
        widget.segment.click()
    assert "Looking at how large the objects are..." in lines
    assert len(asked) < 40, "of more than 150 tiles of looks alone"
    assert "Cancelled" in widget.run_bar.status.text()
    assert list(viewer.layers) == [viewer.layers["large"]]
