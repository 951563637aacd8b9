"""What a person changed in labels, found strip by strip."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medt.correcting.labels import changed_cells, changed_in, highest_number, what_changed

BACKGROUND = 30_000


@pytest.fixture
def plane():
    """Labels of several strips, and what was found in them."""
    draw = np.random.default_rng(2)
    predicted = draw.integers(0, 900, (700, 803), np.int32)
    labels = predicted.copy()
    labels[draw.random(labels.shape) < 0.01] = 77
    labels[draw.random(labels.shape) < 0.01] = BACKGROUND
    return labels, predicted


@pytest.mark.parametrize("step", [1, 3, 7])
def test_a_cell_is_its_highest_pixel_and_pixels_are_counted_once(plane, step):
    changed = changed_in(*plane, BACKGROUND)
    cells, count = changed_cells(*plane, BACKGROUND, step)
    padded = np.pad(changed, [(0, -size % step) for size in changed.shape])
    expected = padded.reshape(len(padded) // step, step, -1, step).max(axis=(1, 3))
    np.testing.assert_array_equal(cells, expected)
    assert count == np.count_nonzero(changed)


def test_what_changed_gives_the_labels_back(plane):
    labels, predicted = plane
    for now, before in ((labels, predicted), (labels.T, predicted.T)):  # also of a stack that is seen from the side
        places, values = what_changed(now, before)
        assert len(places) == (now != before).sum()
        again = np.array(before)
        np.put(again, places, values)
        np.testing.assert_array_equal(again, now)


def test_the_highest_number_is_that_of_an_object(plane):
    labels, _ = plane
    assert highest_number(labels, BACKGROUND) == labels[labels != BACKGROUND].max()
    labels[0, 0] = BACKGROUND + 5  # an object may have a higher one
    assert highest_number(labels, BACKGROUND) == BACKGROUND + 5
    assert highest_number(np.zeros((0, 4), np.int32), BACKGROUND) == 0
