"""Places beyond an image show it mirrored, as NumPy's symmetric padding of the whole image does."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from src_models.images.mirroring import mirrored


@given(start=st.integers(-60, 60), count=st.integers(1, 40), length=st.integers(1, 20))
def test_any_row_of_places_is_that_of_a_padded_axis(start, count, length):
    padded = np.pad(np.arange(length), 120, mode="symmetric")
    assert (mirrored(start, count, length) == padded[start + 120 : start + 120 + count]).all()
