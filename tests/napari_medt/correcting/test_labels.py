"""What a person changed in labels, found strip by strip, and what the network had found in them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from napari.layers import Labels

from napari_medt.correcting.labels import (
    background_number,
    begin,
    changed_cells,
    changed_in,
    first_prediction,
    highest_number,
    prediction_of,
    what_changed,
)
from napari_medt.viewer.layer_notes import LayerNotes, notes_of
from src_models.errors import ImageError
from src_models.labels.packed import pack

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


# --- what the network had found -------------------------------------------------------------------------------------


FOUND = np.repeat(np.arange(4, dtype=np.int32), 300).reshape(30, 40)


def labels_of_a_model(**changes):
    notes = LayerNotes(role="labels", image="1", model="nuclei", found=pack(FOUND), provenance={"model_sha256": "ab"})
    return Labels(FOUND.copy(), name="mine", metadata=replace(notes, **changes).metadata())


def test_what_a_model_made_is_what_was_found_whatever_was_painted_since():
    labels = labels_of_a_model()
    labels.data[:] = 77  # as a plugin may, and nobody hears of it
    found, model, sha256 = first_prediction(labels)
    np.testing.assert_array_equal(found, FOUND)
    assert (model, sha256) == ("nuclei", "ab")


def test_what_was_found_has_the_type_of_the_labels_as_they_are_now():
    labels = labels_of_a_model()
    labels.data = labels.data.astype(np.uint8)
    assert first_prediction(labels)[0].dtype == np.uint8


@pytest.mark.parametrize(
    "labels",
    [
        Labels(FOUND.copy()),
        labels_of_a_model(role="clicked objects"),
        labels_of_a_model(found=None),
        labels_of_a_model(found=pack(FOUND[1:])),  # labels that a person cropped
    ],
)
def test_in_other_labels_nothing_was_found(labels):
    found, model, sha256 = first_prediction(labels)
    assert not found.any()
    assert (found.shape, found.dtype, model, sha256) == (FOUND.shape, FOUND.dtype, None, None)


def test_labels_are_corrected_from_when_it_was_begun_and_keep_their_number_of_background():
    labels = labels_of_a_model(objects=({"value": 3},))
    assert prediction_of(labels) is None
    prediction = begin(labels, FOUND, model_name="nuclei", model_sha256="ab")
    assert prediction.background == 30_000
    labels.data[0, 0] = 30_000
    again = begin(labels, np.zeros_like(FOUND), model_name="other", model_sha256="cd")
    assert again.background == 30_000  # else what was painted would be an object
    assert prediction_of(labels).model_name == "other"
    assert notes_of(labels).objects == ({"value": 3},)
    with pytest.raises(ImageError, match="'mine' have the shape"):
        begin(labels, FOUND[1:], model_name=None, model_sha256=None)


@pytest.mark.parametrize(
    ("kind", "highest", "number"),
    [
        (np.uint8, 0, 120),
        (np.uint8, 120, 254),
        (np.int32, 7, 30_000),
        (np.int32, 30_000, 40_000),
        (np.uint16, 60_000, 65_534),
    ],
)
def test_background_has_a_number_that_no_object_has(kind, highest, number):
    assert background_number(np.array([0, highest], kind)) == number
