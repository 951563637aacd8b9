"""The widget "CT window" in a real viewer."""

import numpy as np
import pytest

from napari_medt.viewer.layer_notes import LayerNotes
from napari_medt.windowing.widget import CtWindowWidget

CT = np.full((3, 8, 8), 40, np.int16)
CT[:, :2] = -1000


@pytest.fixture
def opened(make_napari_viewer, plugin_registered, qtbot):
    """Return a function that opens a layer and the widget, and waits until it is known whether that is a CT."""

    def open_(data=CT, **kwargs):
        viewer = make_napari_viewer()
        layer = viewer.add_image(data, **kwargs)
        _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "CT window")
        assert isinstance(widget, CtWindowWidget)
        qtbot.waitUntil(lambda: widget.is_ct() is not None, timeout=20_000)
        return viewer, layer, widget

    return open_


def test_windows_are_chosen_for_the_view_and_the_widget_follows_it(opened, qtbot):
    notes = LayerNotes(modality="CT", windows=(("as scanned", -160.5, 239.5),))
    viewer, layer, widget = opened(metadata=notes.metadata(), contrast_limits=(-150, 250))
    assert widget.choice.name() == "soft tissue"
    for name, limits in (("liver", (-45, 105)), ("as scanned", (-160.5, 239.5)), ("lung", (-1350, 150))):
        widget.choose(name)
        assert tuple(layer.contrast_limits) == limits
        assert widget.choice.name() == name
    widget.choice.width.setValue(1000)
    widget.choice.width.editingFinished.emit()
    assert tuple(layer.contrast_limits) == (-1100, -100)
    assert widget.choice.name() == "own level and width"
    layer.contrast_limits = (0, 80)
    assert widget.choice.name() == "brain"
    other = viewer.add_image(CT + 1, contrast_limits=(-500, 1300))
    qtbot.waitUntil(lambda: widget.is_ct() is True, timeout=20_000)
    assert widget.choice.name() == "bone"
    layer.contrast_limits = (-45, 105)
    assert widget.choice.name() == "bone"
    widget.choose("liver")
    assert tuple(other.contrast_limits) == (-45, 105)
    viewer.add_image(np.zeros((8, 8, 3), np.uint8), rgb=True)  # colours have no window
    assert not widget.choice.isEnabled()
    viewer.layers.clear()
    assert not widget.choice.isEnabled()
    widget.choose("lung")  # and nothing happens


def test_of_what_is_no_ct_only_windows_of_its_file_are_offered(opened):
    notes = LayerNotes(modality="MR", windows=(("as scanned", 10.0, 500.0),))
    _, layer, widget = opened(metadata=notes.metadata())
    names = widget.choice.names
    assert [names.itemText(row) for row in range(names.count())] == ["own level and width", "as scanned", "whole range"]
    assert "Not known as a CT" in widget.says.text()
    widget.choose("as scanned")
    assert tuple(layer.contrast_limits) == (10, 500)
