"""Whatever a person does to a labels layer is in its journal, and comes back in its place."""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
import textwrap
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel
from napari.layers import Labels
from napari.utils._proxies import PublicOnlyProxy
from napari.utils.interactions import mouse_move_callbacks, mouse_press_callbacks, mouse_release_callbacks

from napari_medt.unsaved import labels_autosave, napari_edits
from napari_medt.unsaved.labels_autosave import LAYER_KEY, LabelsAutosave, recover
from napari_medt.viewer.labels.set_pixels import set_pixels
from napari_medt.viewer.layer_notes import METADATA_KEY
from src_models.errors import ImageError
from src_models.journal.journal import read_journal, unfinished

SHAPE = (4, 40, 50)


def some_labels():
    labels = np.zeros(SHAPE, np.int32)
    labels[:, 5:15, 5:15] = 1
    labels[1:3, 20:35, 25:45] = 2
    return labels


@contextmanager
def watched(folder, data, notes=dict, **kwargs):
    """A viewer with one labels layer, and what saves it."""
    viewer = ViewerModel()
    layer = viewer.add_labels(data, **kwargs)
    autosave = LabelsAutosave(layer, folder / "journal", notes)
    try:
        yield viewer, layer, autosave
    finally:
        autosave.close(keep=False)


@pytest.fixture(params=["in memory, copied", "in zarr, read later"])
def painted(request, tmp_path, monkeypatch):
    """Viewer, labels layer of four planes, and its autosave, which copies blocks or has the journal read the layer."""
    labels = some_labels()
    if request.param == "in zarr, read later":
        labels = zarr.array(labels, store=str(tmp_path / "labels.zarr"), chunks=(1, 16, 16))
        monkeypatch.setattr(labels_autosave, "_LARGEST_COPY", 500)
    with watched(tmp_path, labels) as all_three:
        yield all_three


def on_disk(autosave):
    """Return the labels on disk, without having the autosave look again."""
    autosave._journal.flush()
    assert autosave.problem is None
    return read_journal(autosave.folder).labels


def assert_saved(autosave, layer):
    np.testing.assert_array_equal(on_disk(autosave), np.asarray(layer.data))


def press(layer, *points):
    """Press the mouse button at a point and move to others; return a function that releases it."""
    points = [(float(layer._slice_input.world_slice.point[0]), *point)[-layer.ndim :] for point in points]
    event = SimpleNamespace(
        type="mouse_press",
        position=points[0],
        button=1,
        modifiers=(),
        handled=False,
        is_dragging=False,
        view_direction=None,
        dims_displayed=(layer.ndim - 2, layer.ndim - 1),
        dims_point=points[0],
    )
    mouse_press_callbacks(layer, event)
    event.type, event.is_dragging = "mouse_move", True  # one event all along: what draws keeps the one it got first
    for event.position in points[1:]:
        mouse_move_callbacks(layer, event)

    def release():
        event.type, event.is_dragging = "mouse_release", False
        mouse_release_callbacks(layer, event)

    return release


def stroke(viewer, layer, mode="paint", label=3):
    layer.mode = mode
    layer.selected_label = label
    layer.brush_size = 7
    press(layer, (8, 8), (12, 30), (30, 42))()


def fill(viewer, layer):
    viewer.dims.set_current_step(0, 1)
    layer.mode = "fill"
    layer.selected_label = 8
    press(layer, (25, 30))()


def fill_all_planes(viewer, layer):
    layer.n_edit_dimensions = 3
    layer.fill((1, 25, 30), 8)


def paint_a_ball(viewer, layer):
    layer.n_edit_dimensions = 3
    viewer.dims.set_current_step(0, 2)
    stroke(viewer, layer)


def polygon(viewer, layer):
    layer.paint_polygon([[2, 3, 3], [2, 30, 8], [2, 20, 40]], 6)


def encircle(viewer, layer):
    """What napari does for the right button: a stroke over several events, then the inside."""
    layer.mode = "paint"
    layer._begin_stroke()
    layer._draw(4, (0, 10, 10), (0, 30, 10))
    layer._draw(4, (0, 30, 10), (0, 30, 30))
    layer.paint_polygon([[0, 10, 10], [0, 30, 10], [0, 30, 30]], 4)
    layer._commit_stroke()


def set_items(viewer, layer):
    layer.data_setitem((np.array([0, 1, 3]), np.array([0, 20, 39]), np.array([49, 20, 0])), [7, 8, 9])


def set_items_without_drawing(viewer, layer):
    layer.data_setitem((np.array([0, 3]), np.array([0, 39]), np.array([49, 0])), 7, refresh=False)


def paint_without_drawing(viewer, layer):
    layer.paint((1, 20, 20), 5, refresh=False)


def paint_only_background(viewer, layer):
    layer.preserve_labels = True
    stroke(viewer, layer)


EDITS = {
    "painting": stroke,
    "erasing": lambda viewer, layer: stroke(viewer, layer, "erase"),
    "painting around labels": paint_only_background,
    "painting in 3D": paint_a_ball,
    "filling": fill,
    "filling in 3D": fill_all_planes,
    "polygon": polygon,
    "encircling": encircle,
    "data_setitem": set_items,
    "data_setitem, drawn later": lambda viewer, layer: (set_items_without_drawing(viewer, layer), layer.refresh()),
    "paint, drawn later": lambda viewer, layer: (paint_without_drawing(viewer, layer), layer.refresh()),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_its_undo_and_its_redo_are_saved(painted, edit):
    viewer, layer, autosave = painted
    before = np.array(layer.data)
    edit(viewer, layer)
    after = np.array(layer.data)
    assert (before != after).any()
    assert_saved(autosave, layer)
    layer.undo()
    np.testing.assert_array_equal(np.asarray(layer.data), before)
    assert_saved(autosave, layer)
    layer.redo()
    np.testing.assert_array_equal(np.asarray(layer.data), after)
    assert_saved(autosave, layer)


@pytest.mark.parametrize("edit", [set_items_without_drawing, paint_without_drawing])
def test_an_edit_that_napari_announces_before_it_is_done_is_saved_without_another_event(tmp_path, edit):
    with watched(tmp_path, some_labels()) as (viewer, layer, autosave):
        edit(viewer, layer)
        assert_saved(autosave, layer)


def test_a_stroke_is_saved_while_the_button_is_still_pressed(painted):
    _, layer, autosave = painted
    layer.mode = "paint"
    layer.selected_label = 3
    release = press(layer, (8, 8), (12, 30), (30, 42))
    assert np.any(np.asarray(layer.data) == 3)
    assert_saved(autosave, layer)
    release()
    assert_saved(autosave, layer)


def test_the_end_of_a_stroke_writes_nothing_a_second_time(tmp_path):
    with watched(tmp_path, some_labels()) as (_, layer, autosave):
        layer.mode = "paint"
        release = press(layer, (8, 8), (12, 30), (30, 42))
        autosave._journal.flush()
        size = (autosave.folder / "labels.log").stat().st_size
        release()
        autosave._journal.flush()
        assert (autosave.folder / "labels.log").stat().st_size == size


def test_a_stroke_that_is_given_up_is_taken_back(painted):
    _, layer, autosave = painted
    before = np.array(layer.data)
    layer.mode = "paint"
    layer._begin_stroke()
    layer._draw(4, (0, 10, 10), (0, 30, 10))
    assert (on_disk(autosave) == 4).any()
    layer._abort_stroke()
    np.testing.assert_array_equal(np.asarray(layer.data), before)
    assert_saved(autosave, layer)


@pytest.mark.filterwarnings("error::FutureWarning")
def test_a_layer_as_napari_hands_it_to_plugins_is_saved_all_the_same(tmp_path):
    viewer = ViewerModel()
    layer = viewer.add_labels(some_labels())
    autosave = LabelsAutosave(PublicOnlyProxy(layer), tmp_path / "journal", dict)
    stroke(viewer, layer)
    assert_saved(autosave, layer)
    layer.undo()
    assert_saved(autosave, layer)
    autosave.close(keep=False)


def test_an_undo_in_a_slice_that_is_not_shown_is_saved(painted):
    viewer, layer, autosave = painted
    viewer.dims.set_current_step(0, 3)
    stroke(viewer, layer)
    viewer.dims.set_current_step(0, 0)
    layer.undo()
    assert not (np.asarray(layer.data) == 3).any()
    assert_saved(autosave, layer)


@pytest.mark.parametrize("then", ["show", "paint", "flush"])
def test_an_undo_in_a_hidden_layer_is_saved_at_the_next_occasion(painted, then):
    viewer, layer, autosave = painted
    stroke(viewer, layer)
    layer.visible = False
    layer.undo()
    if then == "show":
        layer.visible = True
    elif then == "paint":
        layer.paint((2, 38, 3), 5)
    else:
        autosave.flush()
    assert not (np.asarray(layer.data) == 3).any()
    assert_saved(autosave, layer)


def test_a_hundred_undos_after_more_strokes_than_napari_remembers_are_saved(tmp_path):
    with watched(tmp_path, np.zeros((60, 60), np.uint8)) as (_, layer, autosave):
        for number in range(130):
            layer.paint((number % 60, number * 7 % 60), number % 250 + 1)
        assert_saved(autosave, layer)
        for _ in range(120):
            layer.undo()
        assert layer.data.any()
        assert_saved(autosave, layer)
        for _ in range(50):
            layer.redo()
        assert_saved(autosave, layer)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(np.arange(8000, dtype=np.int32).reshape(SHAPE) % 7, id="same kind"),
        pytest.param(np.ones((4, 40, 50), np.uint8), id="another dtype"),
        pytest.param(np.ones((6, 30, 70), np.int32), id="another shape"),
        pytest.param(np.ones((30, 70), np.int32), id="fewer axes"),
        pytest.param(np.zeros(SHAPE, bool), id="booleans"),
    ],
)
def test_other_data_and_what_is_done_to_them_are_saved(painted, other):
    viewer, layer, autosave = painted
    stroke(viewer, layer)
    layer.data = other
    assert_saved(autosave, layer)
    layer.paint((1, 20, 20)[-other.ndim :], 5)
    assert_saved(autosave, layer)
    layer.undo()
    assert_saved(autosave, layer)
    assert autosave.folder.exists()
    recovered = recover(ViewerModel(), read_journal(autosave.folder))
    assert recovered.ndim == other.ndim


@pytest.mark.parametrize(
    "region", [(), (slice(None), slice(2, 9)), (2, slice(2, 9), slice(-8, None)), (-1, 3), (slice(0, 0),)], ids=str
)
def test_what_is_written_into_the_array_is_saved_when_announced(painted, region):
    _, layer, autosave = painted
    layer.data[region] = 11
    layer.refresh()
    autosave.changed(region)
    assert_saved(autosave, layer)


@pytest.mark.parametrize("region", [(slice(None),) * 4, (1, 2, 3, 4)], ids=str)
def test_a_region_of_too_many_axes_is_a_mistake(painted, region):
    with pytest.raises(ValueError):  # noqa: PT011
        painted[2].changed(region)


def test_what_changes_nothing_writes_nothing(tmp_path):
    with watched(tmp_path, some_labels()) as (viewer, layer, autosave):
        stroke(viewer, layer)
        autosave._journal.flush()
        size = (autosave.folder / "labels.log").stat().st_size
        for number in (1, 2, 3, 0):
            viewer.dims.set_current_step(0, number)
        layer.refresh()
        layer.contour = 2
        layer.opacity = 0.3
        layer.visible = False
        layer.visible = True
        layer.mode = "pan_zoom"
        autosave._journal.flush()
        assert (autosave.folder / "labels.log").stat().st_size == size


STEPS = st.one_of(
    st.tuples(st.sampled_from(["paint", "polygon", "items", "array"]), st.integers(0, 2**16)),
    st.sampled_from([("undo", 0), ("undo", 0), ("redo", 0), ("hide", 0), ("show", 0)]),
    st.tuples(st.just("slice"), st.integers(0, 3)),
    st.tuples(st.just("drag"), st.integers(0, 2**16)),
)


def take(step, number, viewer, layer, autosave):
    rng = np.random.default_rng(number)
    label = int(rng.integers(0, 9))
    places = rng.integers(0, SHAPE, (3, 3))
    layer.brush_size = int(rng.integers(1, 30))
    layer.n_edit_dimensions = int(rng.integers(2, 4))
    if step == "paint":
        layer.paint(places[0], label)
    elif step == "polygon":
        layer.n_edit_dimensions = 2
        layer.paint_polygon(np.column_stack([[places[0, 0]] * 3, places[:, 1:]]), label)
    elif step == "items":
        set_pixels(layer, tuple(places.T), label)
    elif step == "array":
        layer.data[places[0, 0]] = label
        autosave.changed((int(places[0, 0]),))
    elif step == "drag":
        layer.mode = "paint"
        layer.selected_label = label
        press(layer, *places[:, 1:].astype(float))()
    elif step in ("undo", "redo"):
        getattr(layer, step)()
    elif step in ("hide", "show"):
        layer.visible = step == "show"
    else:
        viewer.dims.set_current_step(0, number)


@settings(max_examples=25, deadline=None)
@given(st.lists(STEPS, max_size=15))
def test_any_sequence_of_edits_is_saved(steps):
    with TemporaryDirectory() as folder, watched(Path(folder), some_labels()) as (viewer, layer, autosave):
        for step, number in steps:
            take(step, number, viewer, layer, autosave)
        layer.visible = False
        layer.visible = True
        assert_saved(autosave, layer)


def test_an_edit_of_a_form_yet_unknown_has_everything_saved(painted):
    """As a later napari may bring it, before the data hold it."""
    _, layer, autosave = painted
    layer.events.paint(value=[SimpleNamespace(slice_key="unknown", brush="new")])
    layer.events.paint(value=[object()])
    layer.data[3, 30:40] = 9
    layer.events.labels_update(data=None, offset=None)
    assert_saved(autosave, layer)


def test_finished_strokes_are_saved_even_if_napari_kept_no_lists(painted, monkeypatch):
    viewer, layer, autosave = painted
    monkeypatch.setattr(napari_edits.Edits, "since", lambda self: [])
    stroke(viewer, layer)
    set_items(viewer, layer)
    assert_saved(autosave, layer)


def test_a_stroke_on_a_large_layer_costs_the_gui_less_than_five_milliseconds(tmp_path, monkeypatch):
    """A brush of 20 px radius on 2048 x 2048, 20 moves of the mouse: what the GUI thread works in all handlers."""
    spent = [0.0]

    def timed(handler):
        def timed_(self, event=None):
            began = time.thread_time()
            handler(self, event)
            spent[-1] += time.thread_time() - began

        return timed_

    monkeypatch.setattr(LabelsAutosave, "_on_edit", timed(LabelsAutosave._on_edit))
    monkeypatch.setattr(LabelsAutosave, "_on_paint", timed(LabelsAutosave._on_paint))
    with watched(tmp_path, np.zeros((2048, 2048), np.int32)) as (_, layer, autosave):
        layer.mode, layer.brush_size = "paint", 41
        for number in range(20):
            at = 100.0 + 90 * number
            layer.selected_label = number + 1
            spent.append(0.0)
            press(layer, (at, 100.0), *((at, 100.0 + 10 * step) for step in range(1, 20)))()
        assert_saved(autosave, layer)
    assert 0 < statistics.median(spent[1:]) < 0.005


# --- going on -------------------------------------------------------------------------------------------------------

PLACE = {
    "scale": (2.0, 0.5, 0.25),
    "translate": (10.0, -3.0, 4.5),
    "rotate": (10, 20, 30),
    "shear": (0.1, 0.2, -0.3),
    "affine": np.array([[1, 0.2, 0, 3], [0, 1, 0, -2], [0.1, 0, 2, 0.5], [0, 0, 0, 1]]),
    "units": ("micrometer", "nm", "pixel"),
    "axis_labels": ("z", "y", "x"),
}


def test_labels_come_back_in_their_place_with_name_metadata_and_notes(tmp_path):
    metadata = {
        METADATA_KEY: {"layer": {"role": "labels", "sizes": [1, 2]}, "array": np.ones(3)},
        "mine": "x",
        5: "five",
    }
    notes = {"image": "cells.tif", "clicks": [{"y": 1.5}]}
    with watched(tmp_path, some_labels(), lambda: notes, name="my cells", metadata=metadata, **PLACE) as (
        _,
        layer,
        autosave,
    ):
        layer.paint((1, 20, 20), 5)
        autosave.close(keep=True)
        (found,) = unfinished(tmp_path)
        recovered = read_journal(found.folder)
        assert {key: recovered.notes[key] for key in notes} == notes
        again = recover(ViewerModel(), recovered)
        np.testing.assert_array_equal(again.data, layer.data)
        assert again.data.dtype == layer.data.dtype
        assert again.name == "my cells"
        assert again.metadata == {METADATA_KEY: {"layer": {"role": "labels", "sizes": [1, 2]}}, "mine": "x"}
        assert again.units == layer.units
        assert again.axis_labels == layer.axis_labels
        for place in np.ndindex(2, 3, 4):
            np.testing.assert_allclose(again.data_to_world(place), layer.data_to_world(place), rtol=1e-12)
        again.paint((0, 2, 2), 6)
        assert again.data[0, 2, 2] == 6


def test_a_change_of_name_place_or_metadata_is_noted_by_itself(tmp_path):
    with watched(tmp_path, some_labels()) as (_, layer, autosave):
        layer.name = "renamed"
        layer.metadata = {"mine": "y"}
        for name, value in PLACE.items():
            setattr(layer, name, value)
        autosave._journal.flush()
        again = recover(ViewerModel(), read_journal(autosave.folder))
        assert (again.name, again.metadata) == ("renamed", {"mine": "y"})
        np.testing.assert_allclose(again.data_to_world((1, 2, 3)), layer.data_to_world((1, 2, 3)))
        assert again.units == layer.units


def test_notes_are_asked_for_again_when_they_changed(tmp_path):
    notes = {"clicks": 0}
    with watched(tmp_path, some_labels(), lambda: notes) as (_, _, autosave):
        notes["clicks"] = 3
        autosave.note_changed()
        autosave.flush()
        stored = read_journal(autosave.folder).notes
        assert stored["clicks"] == 3
        assert set(stored) == {"clicks", LAYER_KEY}


def test_labels_of_a_journal_that_no_layer_was_noted_in_come_back_too(tmp_path):
    from src_models.journal.journal import LabelsJournal

    journal = LabelsJournal.create(tmp_path / "journal", some_labels(), {})
    journal.close(keep=True)
    np.testing.assert_array_equal(recover(ViewerModel(), read_journal(journal.folder)).data, some_labels())


def test_a_closed_autosave_leaves_the_layer_alone(tmp_path):
    with watched(tmp_path, some_labels()) as (viewer, layer, autosave):
        autosave.close(keep=False)
        autosave.close(keep=True)
        stroke(viewer, layer)
        layer.undo()
        layer.name = "another"
        layer.data = some_labels()
        assert not autosave.folder.exists()
        del autosave
        gc.collect()
        stroke(viewer, layer)


def test_an_undo_in_a_hidden_layer_just_before_closing_is_kept(tmp_path):
    with watched(tmp_path, some_labels()) as (viewer, layer, autosave):
        stroke(viewer, layer)
        layer.visible = False
        layer.undo()
        autosave.close(keep=True)
        np.testing.assert_array_equal(read_journal(autosave.folder).labels, some_labels())


def test_a_pyramid_is_refused(tmp_path):
    layer = Labels([np.zeros((64, 64), np.uint8), np.zeros((32, 32), np.uint8)], multiscale=True, name="levels")
    with pytest.raises(ImageError, match="levels is a pyramid"):
        LabelsAutosave(layer, tmp_path / "journal", dict)
    assert not (tmp_path / "journal").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is POSIX")
def test_a_stroke_that_a_killed_process_never_finished_comes_back(tmp_path):
    code = """
        import sys, time
        from pathlib import Path
        import numpy as np
        from napari.components import ViewerModel
        from napari_medt.unsaved.labels_autosave import LabelsAutosave

        layer = ViewerModel().add_labels(np.ones((4, 40, 50), np.int32), name="cells", scale=(3, 1, 1))
        autosave = LabelsAutosave(layer, Path(sys.argv[1]) / "journal", lambda: {"image": "cells.tif"})
        layer.mode = "paint"
        layer._begin_stroke()
        layer._draw(9, (2, 8, 8), (2, 12, 30))
        layer._draw(9, (2, 12, 30), (2, 30, 42))
        print((layer.data == 9).sum(), flush=True)
        time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as process:
        painted = int(process.stdout.readline())
        time.sleep(1)
        process.kill()
    (found,) = unfinished(tmp_path)
    layer = recover(ViewerModel(), read_journal(found.folder))
    assert painted > 50
    assert (layer.data == 9).sum() == painted
    assert (layer.name, tuple(layer.scale)) == ("cells", (3, 1, 1))
