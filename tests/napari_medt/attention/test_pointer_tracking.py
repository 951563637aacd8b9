"""Where a person points: moves and clicks are told, drags and tools are napari's, and one alone has the mouse."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.attention.pointer_tracking import PointerTracking


@pytest.fixture
def tracked(qtbot):
    viewer = ViewerModel()
    viewer.add_labels(np.zeros((8, 8), int))
    tracking = PointerTracking(viewer)
    told = []
    for name in ("moved", "clicked"):
        getattr(tracking, name).connect(lambda place, name=name: told.append((name, place)))
    tracking.lost.connect(lambda: told.append("lost"))
    return viewer, tracking, told


def move(viewer, place):
    for callback in viewer.mouse_move_callbacks:
        callback(viewer, SimpleNamespace(position=place))


def press(viewer, *pixels, button=1, modifiers=()):
    """Press, move through pixels of the canvas, and let go."""
    event = SimpleNamespace(
        button=button, modifiers=modifiers, pos=pixels[0], position=(pixels[0][1], pixels[0][0]), type="mouse_press"
    )
    under_way = [callback(viewer, event) for callback in viewer.mouse_drag_callbacks]
    for step in under_way:
        next(step, None)
    for kind, pixel in (*(("mouse_move", pixel) for pixel in pixels[1:]), ("mouse_release", pixels[-1])):
        event.type, event.pos, event.position = kind, pixel, (pixel[1], pixel[0])
        for step in under_way:
            next(step, None)


def test_nothing_is_heard_before_it_is_switched_on_and_nothing_after(tracked):
    viewer, tracking, told = tracked
    before = (list(viewer.mouse_move_callbacks), list(viewer.mouse_drag_callbacks))
    tracking.switch(True)
    tracking.switch(True)
    move(viewer, (1.0, 2.0))
    tracking.switch(False)
    move(viewer, (3.0, 4.0))
    assert told == [("moved", (1.0, 2.0))]
    assert (list(viewer.mouse_move_callbacks), list(viewer.mouse_drag_callbacks)) == before


def test_a_click_is_one_whose_hand_hardly_moves(tracked):
    viewer, tracking, told = tracked
    tracking.switch(True)
    press(viewer, (10, 20), (12, 23))
    assert told == [("clicked", (23, 12))]
    press(viewer, (10, 20), (10, 40), (10, 20))  # a drag that comes back moved the view
    assert len(told) == 1


@pytest.mark.parametrize("how", [{"button": 2}, {"modifiers": ("Shift",)}])
def test_other_buttons_and_keys_are_not_clicks(tracked, how):
    viewer, tracking, told = tracked
    tracking.switch(True)
    press(viewer, (10, 20), **how)
    assert told == []


def test_a_tool_of_the_active_layer_takes_clicks_but_the_pointer_is_followed(tracked):
    viewer, tracking, told = tracked
    tracking.switch(True)
    viewer.layers[0].mode = "paint"
    press(viewer, (10, 20))
    move(viewer, (1.0, 2.0))
    assert told == [("moved", (1.0, 2.0))]


def test_in_3d_nothing_is_pointed_at(tracked):
    viewer, tracking, told = tracked
    tracking.switch(True)
    viewer.dims.ndisplay = 3
    move(viewer, (1.0, 2.0))
    press(viewer, (10, 20))
    assert told == []


def test_who_loses_the_mouse_is_switched_off(tracked):
    viewer, tracking, told = tracked
    other = PointerTracking(viewer)
    tracking.switch(True)
    other.switch(True)
    assert told == ["lost"]
    move(viewer, (1.0, 2.0))
    assert told == ["lost"]
    other.switch(False)
