"""A correction at a network's scale: what a person marked stays where it is."""

import numpy as np
import pytest

from src_models.corrections.correction import MAKERS, Source, mark
from src_models.corrections.volumes import in_volume, slices_around
from src_models.finetuning.rescaled import rescaled


def corrected():
    labels = np.zeros((12, 20), np.int32)
    labels[2:8, 4:12] = 3
    found = np.zeros_like(labels)
    found[2:8, 4:8] = 3
    return mark(np.zeros((12, 20), np.uint8), labels, found, source=Source(layer="a"))


def test_labels_and_who_made_them_are_enlarged_pixel_by_pixel():
    seen, counts = rescaled(corrected(), (24, 60), corrected().counts)
    blown_up = np.kron(corrected().labels, np.ones((2, 3), np.int32))
    np.testing.assert_array_equal(seen.labels, blown_up)
    np.testing.assert_array_equal(seen.predicted > 0, np.kron(corrected().predicted, np.ones((2, 3))) > 0)
    assert (seen.makers == MAKERS["brush"]).sum() == 6 * 4 * 6
    assert counts.all()


def test_reduced_they_are_those_of_the_middles():
    (seen,) = rescaled(corrected(), (4, 4))
    np.testing.assert_array_equal(seen.labels, corrected().labels[1::3, 2::5])


def test_of_an_equal_shape_nothing_is_made_anew():
    correction = corrected()
    assert rescaled(correction, (12, 20)) == (correction,)


@pytest.mark.parametrize("place", range(9))
@pytest.mark.parametrize("resized", [3, 4, 9, 20])
def test_of_a_slice_in_a_volume_some_counts_however_far_apart_slices_then_lie(place, resized):
    whole = corrected()
    around = slices_around(np.zeros((9, 12, 20), np.uint8), place, 9)
    marked = mark(whole.image, whole.labels, source=whole.record.source, around=around)
    volume, counts = in_volume("a", marked, marked.counts)
    seen, counting = rescaled(volume, (resized, 12, 20), counts, slice_at=place)
    deep = np.flatnonzero(counting.any(axis=(1, 2)))
    assert len(deep) >= 1
    np.testing.assert_array_equal(seen.makers[deep[0]], volume.makers[place])
    centres = (deep + 0.5) * 9 / resized
    assert (np.abs(centres - (place + 0.5)) <= max(0.5, 4.5 / resized)).all(), "in the slice, or as near as can be"
