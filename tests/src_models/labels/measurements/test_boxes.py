"""Objects and their neighbours are found slab by slab as in the whole."""

import dask.array as da
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.labels.measurements import boxes
from src_models.labels.measurements.boxes import find_steps
from src_models.progress import finish


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3]), st.sampled_from([4, 1_000_000_007]))
def test_slabs_find_what_a_look_at_each_number_finds(seed, ndim, factor):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 6, random.integers(2, 9, ndim)) * factor
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boxes, "_SLAB", 1)  # a row at a time
        found = finish(find_steps(labels))
    assert found.ids.tolist() == [number for number in np.unique(labels).tolist() if number]
    for own, box, neighbours in zip(found.ids, found.boxes, found.neighbours, strict=True):
        places = np.argwhere(labels == own)
        assert [(cut.start, cut.stop) for cut in box] == list(
            zip(places.min(axis=0), places.max(axis=0) + 1, strict=True)
        )
        beside = set()
        for place in places:
            for axis in range(ndim):
                for step in (-1, 1):
                    other = place.copy()
                    other[axis] += step
                    if (other >= 0).all() and (other < labels.shape).all():
                        beside.add(int(labels[tuple(other)]))
        assert neighbours == len(beside - {0, int(own)})


def test_labels_that_are_read_lazily_and_booleans_are_taken():
    labels = np.zeros((40, 30), bool)
    labels[3:9, 5:8] = True
    found = finish(find_steps(da.from_array(labels, chunks=7)))
    assert (found.ids.tolist(), found.boxes) == ([1], [(slice(3, 9), slice(5, 8))])


def test_there_may_be_no_objects():
    found = finish(find_steps(np.zeros((5, 5), int)))
    assert (len(found.ids), found.boxes, len(found.neighbours)) == (0, [], 0)
