"""What changed in a mask, against counting voxels; and how it was before, put back to the voxel."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from src_models.clicking.volume.changes import Before, bounds_of

shapes = st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(1, 7))


@given(shapes.flatmap(lambda shape: stn.arrays(bool, shape)))
def test_bounds_hold_all_and_no_more(mask):
    places = np.argwhere(mask)
    if len(places) == 0:
        assert bounds_of(mask) is None
    else:
        assert bounds_of(mask) == tuple(zip(places.min(0), places.max(0) + 1, strict=True))


@given(shapes.flatmap(lambda shape: st.tuples(stn.arrays(bool, shape), stn.arrays(bool, shape))))
def test_what_was_there_is_put_back(pair):
    before, now = pair
    was, mask = Before.of(before, now), now.copy()
    was.put_back(mask)
    np.testing.assert_array_equal(mask, before)
    empty = np.zeros_like(before)
    Before.of(before).put_back(empty)
    np.testing.assert_array_equal(empty, before)
