"""napari's own lists of edits say what changed in labels."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.layers import Labels
from napari.utils._proxies import PublicOnlyProxy

from napari_medt.unsaved.napari_edits import Edits, complete, do_again, grouped, layer_itself, volume

SHAPE = (3, 20, 24)


def paint(layer, draw):
    """Do one of the things that a person does to labels, at random."""
    at = [int(draw.integers(size)) for size in SHAPE]
    kind = int(draw.integers(4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a fill of what has that label is none, which napari warns of
        if kind == 0:
            layer.brush_size = int(draw.integers(1, 9))
            layer.paint(at, int(draw.integers(9)))
        elif kind == 1:
            layer.fill(at, int(draw.integers(9)))
        elif kind == 2:
            places = tuple(draw.integers(size, size=5) for size in SHAPE)
            layer.data_setitem(places, int(draw.integers(9)))
        else:
            corners = np.column_stack([np.full(3, at[0]), *(draw.integers(size, size=3) for size in SHAPE[1:])])
            layer.paint_polygon(corners, int(draw.integers(9)))


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 8))
def test_edits_done_again_to_what_was_give_what_is_and_nothing_changed_outside_of_them(seed, times):
    draw = np.random.default_rng(seed)
    before = draw.integers(0, 5, SHAPE).astype(np.int32)
    layer = Labels(before.copy())
    edits = Edits(layer)
    for _ in range(times):
        paint(layer, draw)
    groups = grouped(edits.since(), SHAPE)
    again = before.copy()
    for box, inside in groups:
        block = again[box].copy()
        for edit in inside:
            do_again(edit, block, [cut.start for cut in box])
        again[box] = block
    np.testing.assert_array_equal(again, layer.data)
    for box, inside in groups:  # what is written is not mostly what nobody touched
        assert volume(box) <= 2 * sum(volume(grouped([edit], SHAPE)[0][0]) for edit in inside)
    assert edits.since() == []


def planes_of(edits):
    return {complete(edit.slice_key, SHAPE)[0].start for edit in edits}


def test_what_is_undone_and_what_is_dropped_for_good_is_told_once():
    layer = Labels(np.zeros(SHAPE, np.uint8))
    edits = Edits(layer)
    layer.paint((0, 5, 5), 1)
    layer.paint((1, 5, 5), 2)
    assert len(edits.since()) == 2
    layer.undo()
    assert planes_of(edits.since()) == {1}
    layer.undo()
    layer.paint((2, 5, 5), 3)  # what was undone cannot be done again now
    assert planes_of(edits.since()) == {0, 2}
    assert edits.since() == []


def test_an_edit_of_an_unknown_form_may_lie_anywhere():
    assert grouped([object()], SHAPE)[0][0] == tuple(slice(0, size) for size in SHAPE)
    assert grouped([(np.array([[-1]]), None, None)], SHAPE)[0][0] == tuple(slice(0, size) for size in SHAPE)


def test_a_napari_without_lists_has_no_edits():
    class Plain:
        data = np.arange(6).reshape(2, 3)

    assert Edits(Plain()).since() == []


@pytest.mark.parametrize(
    ("cuts", "expected"),
    [
        ((), [(0, 3), (0, 20), (0, 24)]),
        ((slice(-1, None),), [(2, 3), (0, 20), (0, 24)]),
        ((slice(1, 9), slice(5, 2)), [(1, 3), (5, 5), (0, 24)]),
    ],
)
def test_cuts_are_completed_within_the_data(cuts, expected):
    box = complete(cuts, SHAPE)
    assert [(cut.start, cut.stop) for cut in box] == expected
    assert volume(box) == np.zeros(SHAPE)[tuple(cuts)].size


def test_a_layer_is_itself_behind_every_stand_in():
    layer = Labels(np.zeros((2, 2), np.uint8))
    assert layer_itself(PublicOnlyProxy(layer)) is layer
    assert layer_itself(layer) is layer
    assert layer_itself(None) is None
