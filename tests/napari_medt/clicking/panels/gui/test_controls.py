"""What the controls of the Click widget show of an object, of suggestions and of work that takes long."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from qtpy.QtWidgets import QWidget

from napari_medt.clicking.panels.controls import ClickControls
from src_models.clicking.clicked_object import End, ObjectInPlane, ObjectState
from src_models.clicking.in_work import ObjectAsSeen

PART = ObjectInPlane(answer=None)


@pytest.fixture
def controls(make_napari_viewer, qtbot):
    parent = QWidget()
    qtbot.addWidget(parent)
    controls = ClickControls(parent, make_napari_viewer())
    controls.parent = parent
    yield controls
    controls.images.disconnect_viewer()


def seen(planes, *, undo=True, redo=False, **state):
    return ObjectAsSeen("image", ObjectState(dict.fromkeys(planes, PART), **state), undo, redo, {})


@pytest.mark.parametrize(
    ("object_", "enabled"),
    [
        (None, set()),
        (seen([], undo=False), set()),
        (seen([], undo=False, redo=True), {"redo", "reset"}),
        (seen([()]), {"accept", "larger", "smaller", "reset", "undo"}),
        (seen([()], redo=True), {"accept", "larger", "smaller", "reset", "undo", "redo"}),
        (seen([(1,), (2,)]), {"accept", "larger", "smaller", "reset", "undo", "end_here"}),
    ],
)
def test_only_what_can_be_done_with_an_object_is_offered(controls, object_, enabled):
    controls.set_object(object_, "words")
    names = ("accept", "larger", "smaller", "reset", "undo", "redo", "end_here")
    assert {name for name in names if getattr(controls, name).isEnabled()} == enabled
    assert controls.status.text() == "words"


def test_where_an_object_stops_and_why_is_said_until_there_is_no_end(controls):
    ends = {-1: End((2,), "the object vanishes after it"), 1: End((5,), "the stack ends there")}
    state = ObjectState(dict.fromkeys([(z,) for z in range(2, 6)], PART), (3,), ends)
    controls.set_ends(state)
    assert controls.ends.text() == (
        "Found in slices 2 to 5. Click in any of them to mend it from there on. Before: stops at slice 2, the object "
        "vanishes after it. After: stops at slice 5, the stack ends there."
    )
    controls.set_object(seen([(3,)]), "")
    assert controls.ends.text() == ""


@pytest.mark.parametrize(
    ("left", "words"), [(0, "This is the last one. A accepts"), (1, "One more after"), (5, "5 more after")]
)
def test_how_many_suggestions_wait_is_said_with_what_to_press(controls, left, words):
    controls.set_suggestions(left)
    assert controls.suggestions.text().startswith(words)
    assert controls.accept_all.isEnabled()
    controls.set_suggestions(None, "No more.")
    assert controls.suggestions.text() == "No more."
    assert not controls.accept_all.isEnabled()


def test_work_that_takes_long_can_be_stopped_while_it_lasts(controls):
    controls.set_busy("Carrying...")
    assert controls.stop.isEnabled()
    assert controls.busy.isVisibleTo(controls.parent)
    assert controls.status.text() == "Carrying..."
    controls.set_busy(None)
    assert not controls.stop.isEnabled()
    assert not controls.busy.isVisibleTo(controls.parent)


def test_the_chosen_attention_map_stays_chosen_while_there_is_one_of_its_name(controls):
    maps = [SimpleNamespace(name=f"gate {n}") for n in (1, 2, 3)]
    assert controls.chosen_map(maps) is maps[0]
    controls.map_name.setCurrentText("gate 2")
    assert controls.chosen_map(maps) is maps[1]
    assert controls.chosen_map(maps[1:]) is maps[1]
    assert controls.chosen_map(maps[2:]) is maps[2]
    assert controls.chosen_map([]) is None


def test_the_switch_says_what_it_does_and_nothing_can_be_switched_without_an_image(controls):
    controls.set_ready(False)
    assert not controls.on.isEnabled()
    assert "Open an image" in controls.status.text()
    controls.set_ready(True)
    assert controls.status.text() == "Click on an object."
    controls.set_on(True)
    assert "press to switch it off" in controls.on.text()
    controls.set_on(False, "A brush is active.")
    assert (controls.on.text(), controls.status.text()) == ("Click in the image", "A brush is active.")


def test_a_drag_draws_a_box_or_a_scribble(controls):
    assert not controls.draws_scribbles()
    controls.toggle_drag()
    assert controls.draws_scribbles()
    controls.toggle_drag()
    assert not controls.draws_scribbles()
