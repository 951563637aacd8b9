"""Grey values are chosen for a layer, and numbers are asked where the way needs them."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.controls.layer_combo import ImageLayerCombo
from napari_medt.controls.reading.grey_panel import GreyPanel
from napari_medt.viewer.reading import AS_SHOWN, chosen_grey, grey_range_of
from src_models.images.grey.grey_range import GreyRange


@pytest.fixture
def panel(qtbot):
    viewer = ViewerModel()
    images = ImageLayerCombo(viewer)
    qtbot.addWidget(images)
    panel = GreyPanel(images)
    qtbot.addWidget(panel)
    yield viewer, panel
    images.disconnect_viewer()


def ways(panel):
    return [panel.way.itemText(row) for row in range(panel.way.count())]


def choose(panel, way):
    """Choose as a person does."""
    panel.way.setCurrentText(way)
    panel.way.activated.emit(panel.way.currentIndex())


def set_numbers(panel, low, high):
    panel.low.setValue(low)
    panel.high.setValue(high)
    panel.high.editingFinished.emit()


def test_nothing_is_chosen_at_first_and_each_way_counts_for_its_layer(panel):
    viewer, panel = panel
    first = viewer.add_image(np.linspace(0, 4000, 1200).reshape(30, 40), contrast_limits=(100, 900))
    second = viewer.add_image(np.zeros((30, 40)))
    viewer.layers.selection.active = first
    assert (panel.way.currentText(), chosen_grey(first)) == ("automatic", None)
    choose(panel, "as shown (contrast limits)")
    assert chosen_grey(first) == AS_SHOWN
    choose(panel, "by hand")
    assert chosen_grey(first) == GreyRange(100, 900), "it begins with what is shown"
    set_numbers(panel, 50, 2000)
    assert grey_range_of(first) == GreyRange(50, 2000)
    choose(panel, "percentiles")
    set_numbers(panel, 1, 98)
    assert grey_range_of(first) == GreyRange(1, 98, percentiles=True)
    viewer.layers.selection.active = second
    assert (panel.way.currentText(), grey_range_of(second)) == ("automatic", None)
    viewer.layers.selection.active = first
    assert (panel.way.currentText(), panel.low.value(), panel.high.value()) == ("percentiles", 1, 98)
    choose(panel, "automatic")
    assert chosen_grey(first) is None


def test_numbers_are_asked_where_a_way_needs_them(panel):
    viewer, panel = panel
    viewer.add_image(np.zeros((30, 40)))
    assert not panel.low.isVisibleTo(panel)
    choose(panel, "percentiles")
    assert panel.low.isVisibleTo(panel)
    choose(panel, "as shown (contrast limits)")
    assert not panel.low.isVisibleTo(panel)


def test_an_empty_range_is_not_taken(panel):
    viewer, panel = panel
    layer = viewer.add_image(np.linspace(0, 4000, 1200).reshape(30, 40))
    choose(panel, "by hand")
    set_numbers(panel, 10, 20)
    set_numbers(panel, 30, 20)
    assert grey_range_of(layer) == GreyRange(10, 20)
    assert panel.low.value() == 10


def test_a_colour_picture_has_no_contrast_limits_to_go_by(panel):
    viewer, panel = panel
    viewer.add_image(np.zeros((30, 40, 3), np.uint8), rgb=True)
    assert ways(panel) == ["automatic", "percentiles", "by hand"]
