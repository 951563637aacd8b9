"""What is given faster than it is answered, and what is stopped on the way."""

from __future__ import annotations

import numpy as np
import pytest
from discs import IMAGE, LARGE, OTHER, SMALL, STACK, objects, overlap, settle
from outlined import outlined as shown

pytestmark = pytest.mark.usefixtures("plugin_registered")


def test_stop_leaves_what_was_found_and_says_no_more(clicking, do, qtbot):
    viewer, widget, _ = clicking(STACK)
    viewer.dims.set_point(0, 3)
    do(widget, widget.click, (3, 60, 80))
    widget.work.stepped.connect(widget.controls.stop.click)
    do(widget, widget.carry)
    found = shown(widget).any((1, 2))
    assert found[3]
    assert 1 < found.sum() < 5
    assert not widget.controls.stop.isEnabled()
    do(widget, widget.undo)
    assert shown(widget).any((1, 2)).tolist() == [z == 3 for z in range(7)]


def test_objects_that_are_clicked_and_accepted_in_one_go_all_get_numbers(clicking, qtbot):
    viewer, widget, _ = clicking(IMAGE)
    for place in ((30, 40), (75, 110), (95, 30)):
        widget.click(place)
        widget.accept()
    settle(qtbot, widget)
    labels = objects(viewer).data
    for number, truth in enumerate((SMALL, LARGE, OTHER), 1):
        assert overlap(labels == number, truth) > 0.9
    assert not widget.seen.state.planes


def test_what_is_refused_is_drawn_no_longer_and_what_was_given_after_it_is(clicking, qtbot, messages):
    _, widget, _ = clicking(IMAGE)
    widget.click((95, 30), False)  # nothing to take away from
    widget.click((30, 40))
    settle(qtbot, widget)
    assert "Begin with a click on the object" in messages[-1]
    np.testing.assert_allclose(widget.layers.points().data, [(30, 40)], atol=0.6)
    assert overlap(shown(widget), SMALL) > 0.9
