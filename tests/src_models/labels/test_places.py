"""Where objects are, against scikit-image and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.measure import regionprops

from src_models.labels.places import places


@given(arrays(np.int32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.integers(0, 5)))
def test_boxes_centres_and_areas_are_those_of_scikit_image(labels):
    found = places(labels)
    expected = regionprops(labels)
    assert found.ids.tolist() == [each.label for each in expected]
    assert found.areas.tolist() == [each.area for each in expected]
    for box, centre, each in zip(found.boxes, found.centres, expected, strict=True):
        top, left, bottom, right = each.bbox
        assert box.tolist() == [top, bottom, left, right]
        np.testing.assert_allclose(centre, each.centroid)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64])
def test_background_and_what_is_below_are_no_objects(dtype):
    labels = np.zeros((4, 5), dtype)
    assert len(places(labels).ids) == 0
    labels[2, 3] = 200
    assert places(labels).ids.tolist() == [200]
    assert places(np.array([[-1, 2]])).ids.tolist() == [2]
