"""What presses, moves and releases of a real mouse mean, and that the view moves for nobody else."""

from __future__ import annotations

import numpy as np
import pytest
from mouse import CONTROL, RIGHT, SHIFT, Mouse
from qtpy.QtCore import Qt

from napari_medt.controls.mouse import ClickMouse


@pytest.fixture
def heard(make_napari_viewer):
    """A viewer with an image, a mouse over it, what listens, and what that heard."""
    viewer = make_napari_viewer(show=True)
    viewer.add_image(np.zeros((100, 120), np.float32))
    listening, told = ClickMouse(viewer), []
    listening.clicked.connect(lambda *what: told.append(("clicked", *what)))
    listening.dragged.connect(lambda *what: told.append(("dragged", *what)))
    listening.dragging.connect(lambda line: told.append(("dragging", len(line))))
    listening.switch(True)
    yield viewer, Mouse(viewer), listening, told
    listening.switch(False)


def test_clicks_and_drags_tell_where_and_of_which_kind_they_are(heard):
    viewer, mouse, _, told = heard
    centre = tuple(viewer.scene.camera.center)
    for options, positive in (({}, True), ({"held": SHIFT}, False), ({"button": RIGHT}, False)):
        told.clear()
        mouse.click((40, 30), **options)
        ((kind, place, said),) = told
        assert (kind, said) == ("clicked", positive)
        np.testing.assert_allclose(place, (40, 30), atol=0.6)
    for options, positive, control in (
        ({}, True, False),
        ({"held": CONTROL}, True, True),
        ({"held": SHIFT}, False, False),
    ):
        told.clear()
        mouse.drag((20, 20), (30, 40), (50, 60), **options)
        kind, line, *said = told[-1]
        assert (kind, said) == ("dragged", [positive, control])
        np.testing.assert_allclose(line[0], (20, 20), atol=0.6)
        np.testing.assert_allclose(line[-1], (50, 60), atol=0.6)
        assert {what for what, *_ in told[:-1]} == {"dragging"}
    assert tuple(viewer.scene.camera.center) == centre
    assert viewer.scene.camera.mouse_pan
    assert viewer.scene.camera.mouse_zoom


def test_a_hand_that_trembles_clicks(heard):
    _, mouse, _, told = heard
    near = mouse.viewer.scene.camera.zoom
    mouse.drag((40, 30), (40 + 2 / near, 30), (40, 30 + 3 / near))
    assert [what for what, *_ in told] == ["clicked"]
    told.clear()
    mouse.drag((40, 30), (40 + 6 / near, 30), (40 + 9 / near, 30))
    assert told[-1][0] == "dragged"


def test_other_buttons_keys_and_views_are_naparis(heard):
    viewer, mouse, listening, told = heard
    mouse.click((40, 30), button=Qt.MouseButton.MiddleButton)
    mouse.click((40, 30), held=Qt.KeyboardModifier.AltModifier)
    listening.panning = True  # as with a held space bar
    mouse.click((40, 30))
    listening.panning = False
    viewer.add_labels(np.zeros((100, 120), int)).mode = "paint"
    mouse.click((40, 30))
    viewer.layers[-1].mode = "pan_zoom"
    viewer.dims.ndisplay = 3
    mouse.click((40, 30))
    assert told == []
    viewer.dims.ndisplay = 2
    listening.switch(False)
    mouse.click((40, 30))
    assert told == []


def test_one_at_a_time_has_the_mouse_and_a_tool_in_hand_is_told(heard):
    viewer, mouse, listening, told = heard
    lost, tools = [], []
    listening.lost.connect(lambda: lost.append(True))
    listening.tool_in_hand.connect(tools.append)
    labels = viewer.add_labels(np.zeros((100, 120), int))
    tools.clear()
    labels.mode = "erase"
    assert tools == ["erase"]
    other = ClickMouse(viewer)
    other.switch(True)
    assert lost == [True]
    assert str(labels.mode) == "pan_zoom"  # whoever takes the mouse puts the tool down
    told.clear()
    mouse.click((40, 30))
    assert told == []
    other.switch(False)
    other.switch(False)
    assert len(viewer.mouse_drag_callbacks) == len(set(map(id, viewer.mouse_drag_callbacks)))
