"""Channels in the Segment widget: three dyes are no colours, and of two stains one is chosen."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_medt.viewer.reading import choose_reading, read_layer

pytestmark = pytest.mark.usefixtures("plugin_registered")


@pytest.fixture
def nuclei(noise):
    """Bright spots on a dark ground."""
    return np.where(noise > 200, 220, 10).astype(np.uint8)


@pytest.fixture
def other():
    """A stain of something else."""
    return np.random.default_rng(9).integers(60, 180, (48, 72)).astype(np.uint8)


def labels_in(viewer):
    return [layer.data for layer in viewer.layers if layer._type_string == "labels"][-1]


def words(widget):
    return [widget.channels.itemText(row) for row in range(widget.channels.count())]


def choose(widget, text):
    """Choose as a person does."""
    row = next(row for row, words_ in enumerate(words(widget)) if text in words_)
    widget.channels.setCurrentIndex(row)
    widget.channels.activated.emit(row)


def test_a_plain_image_asks_nothing(open_widget, noise):
    viewer, widget = open_widget()
    viewer.add_image(noise)
    assert not widget.channels.isVisibleTo(widget)
    viewer.add_image(np.zeros((40, 52, 51)))
    assert not widget.channels.isVisibleTo(widget)


def test_of_two_stains_one_has_to_be_chosen(open_widget, run_to_end, messages, expected, nuclei, other):
    viewer, widget = open_widget()
    viewer.add_image(np.stack([other, nuclei]), name="two stains")
    assert widget.channels.isVisibleTo(widget)
    assert words(widget) == ["only the 1st of 2", "only the 2nd of 2", "none: these are 2 slices"]
    assert widget.channels.currentIndex() == -1
    assert "choose the one to segment" in widget.reading.text()
    widget.segment.click()
    assert not widget.run.running
    assert "two stains" in messages[-1]
    assert "choose the one to segment" in messages[-1]
    choose(widget, "2nd")
    assert "only the 2nd of 2 channels" in widget.reading.text()
    assert viewer.dims.current_step[0] == 1  # it is in view
    choose(widget, "1st")
    assert viewer.dims.current_step[0] == 0
    choose(widget, "2nd")
    run_to_end(widget)
    np.testing.assert_array_equal(labels_in(viewer), expected(nuclei).labels[None])
    labels = viewer.layers[-1]
    assert labels.metadata["napari_medt"]["settings"]["channels"] == [1]
    y, x = np.argwhere(labels.data[0])[0]
    assert [labels.get_value((at, y, x), world=True) for at in (0, 1)] == [1, 1]  # seen at every place of the slider


def test_of_two_stains_that_come_last_one_has_to_be_chosen(open_widget, run_to_end, expected, nuclei, other):
    viewer, widget = open_widget()
    viewer.add_image(np.stack([other, nuclei], axis=-1))
    assert widget.reading.text().startswith("Y=48, X=72, 2 channels")
    choose(widget, "2nd")
    run_to_end(widget)
    np.testing.assert_array_equal(labels_in(viewer), expected(nuclei).labels[..., None])


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_colours_of_any_type_are_one_picture(open_widget, run_to_end, expected, noise, dtype):
    colours = np.stack([noise, noise // 2, noise // 4], axis=-1)
    colours = (colours / 255).astype(dtype) if dtype == "float32" else colours.astype(dtype)
    viewer, widget = open_widget()
    viewer.add_image(colours)
    assert widget.reading.text().startswith("Y=48, X=72, 3 channels (RGB)")
    run_to_end(widget)
    np.testing.assert_array_equal(labels_in(viewer), expected(colours, axes="YXC").labels)


@pytest.mark.parametrize("wrap", [np.asarray, da.from_array], ids=["array", "lazy"])
@pytest.mark.parametrize("axis", [0, 1])
def test_the_axis_of_channels_can_be_chosen(open_widget, run_to_end, expected, nuclei, other, axis, wrap):
    """A stack of 6 slices in two stains, whose first axis is not seen to be channels."""
    stack = np.stack([np.roll(nuclei, k, axis=1) for k in range(6)])
    image = np.stack([np.broadcast_to(other, stack.shape), stack], axis=axis)
    viewer, widget = open_widget()
    viewer.add_image(wrap(image))
    choose(widget, "only the 2nd")
    widget.region.setCurrentIndex(widget.region.findText("all 6 planes"))
    run_to_end(widget)
    found = np.squeeze(labels_in(viewer))
    for k in range(6):
        np.testing.assert_array_equal(found[k], expected(stack[k]).labels)


def test_three_dyes_are_asked_about_and_colours_are_not(open_widget, run_to_end, messages, expected, nuclei, other):
    viewer, widget = open_widget()
    viewer.add_image(np.stack([nuclei, other, other[::-1]]), name="dyes")
    assert "three dyes" in widget.reading.text()
    widget.segment.click()
    assert "three dyes" in messages[-1]
    assert not widget.run.running
    choose(widget, "1st")
    assert "three dyes" not in widget.reading.text()
    run_to_end(widget)
    np.testing.assert_array_equal(np.squeeze(labels_in(viewer)), expected(nuclei).labels)

    picture = viewer.add_image(np.stack([nuclei, other, other[::-1]], axis=-1), name="picture of dyes", rgb=True)
    assert widget.channels.must_choose
    choose(widget, "one colour picture")
    run_to_end(widget)
    np.testing.assert_array_equal(labels_in(viewer), expected(np.asarray(picture.data)).labels)
    choose(widget, "3rd")
    run_to_end(widget)
    np.testing.assert_array_equal(labels_in(viewer), expected(other[::-1]).labels)

    density = np.random.default_rng(0).random((48, 72)) * 100
    tissue = np.stack([230 - k * density for k in (1, 1.6, 0.6)], axis=-1).astype(np.uint8)
    viewer.add_image(tissue, rgb=True)
    assert not widget.channels.must_choose
    assert widget.channels.currentText() == "all, as one colour picture"
    assert widget.reading.text() == "Y=48, X=72, 3 channels (RGB)"
    viewer.add_image(np.moveaxis(tissue, -1, 0))
    assert "taken for red, green and blue" in widget.reading.text()


def test_what_was_chosen_stays_with_its_image_and_counts_in_other_widgets(open_widget, nuclei, other):
    from napari_medt.viewer.viewed_image import target_in_viewer

    viewer, widget = open_widget()
    first = viewer.add_image(np.stack([other, nuclei]))
    second = viewer.add_image(np.stack([other, nuclei]))
    choose(widget, "2nd")
    viewer.layers.selection.active = first
    assert widget.channels.currentIndex() == -1
    viewer.layers.selection.active = second
    assert widget.channels.currentText() == "only the 2nd of 2"
    assert (read_layer(second).channel, read_layer(first).channel) == (1, None)
    assert target_in_viewer(viewer, second).reading.channel == 1
    choose(widget, "2 slices")
    assert read_layer(second).axes == "ZYX"
    assert widget.region.currentText() == "this plane"


def test_axes_typed_by_hand_go_with_their_image(open_widget, nuclei):
    viewer, widget = open_widget()
    first = viewer.add_image(np.stack([nuclei] * 4), name="times")
    widget.axes.setText("TYX")
    widget.axes.editingFinished.emit()
    assert widget.reading.text().startswith("T=4")
    second = viewer.add_image(np.stack([nuclei] * 7))
    assert widget.axes.text() == ""
    assert read_layer(second).axes == "ZYX"
    viewer.layers.selection.active = first
    assert widget.axes.text() == "TYX"
    widget.axes.setText("")
    widget.axes.editingFinished.emit()
    assert read_layer(first).axes == "CYX"
    choose_reading(first, None)


@pytest.mark.parametrize("name", ["Click", "Attention", "Correct and learn", "Classify"])
def test_the_other_widgets_offer_the_channels_and_follow_each_other(make_napari_viewer, nuclei, other, name):
    viewer = make_napari_viewer()
    _, first = viewer.window.add_plugin_dock_widget("napari-medt", "Segment")
    _, second = viewer.window.add_plugin_dock_widget("napari-medt", name)
    layer = viewer.add_image(np.stack([other, nuclei]))
    channels = getattr(second, "controls", second).channels
    assert channels.isVisibleTo(second)
    channels.setCurrentIndex(1)
    channels.activated.emit(1)
    assert read_layer(layer).channel == 1
    assert first.channels.currentText() == "only the 2nd of 2"
    choose(first, "1st")
    assert channels.currentText() == "only the 1st of 2"
    viewer.add_image(nuclei)
    assert not channels.isVisibleTo(second)
