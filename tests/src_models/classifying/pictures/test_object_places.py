"""Where objects lie, against a count of all their pixels at once; an object of a stack is where most of it is."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from src_models.classifying.pictures.object_places import check_labels, object_places
from src_models.errors import ImageError
from src_models.images.axes import read_axes
from src_models.images.planes import Planes
from src_models.progress import finish


def planes_of(shape, axes):
    return Planes(read_axes(shape, dtype=np.dtype(np.uint8), axes=axes), 2)


def brute_force(labels):
    """Return for each object of (planes, y, x): plane, centre and box where it has the most pixels."""
    found = {}
    for value in sorted(set(labels.ravel().tolist()) - {0}):
        plane = int(np.argmax([(each == value).sum() for each in labels]))
        y, x = np.nonzero(labels[plane] == value)
        found[value] = plane, (y.mean(), x.mean()), (y.min(), x.min(), y.max() + 1, x.max() + 1)
    return found


@given(labels=arrays(np.uint16, (3, 7, 9), elements=st.sampled_from([0, 0, 1, 2, 5, 60000])), block=st.integers(2, 9))
def test_objects_are_where_their_pixels_are(labels, block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("src_models.labels.labelling.BLOCK", {2: block})
        places = finish(object_places(labels, planes_of(labels.shape, "ZYX")))
    wanted = brute_force(labels)
    assert places.ids.tolist() == sorted(wanted)
    for row, value in enumerate(places.ids.tolist()):
        plane, centre, box = wanted[value]
        assert places.planes[row] == plane
        assert np.abs(places.centres[row] - centre).max() < 1e-9
        assert tuple(places.boxes[row]) == box


def test_axes_in_another_order_and_lazy_arrays_are_the_same():
    labels = np.zeros((6, 2, 8), np.int32)  # x, z, y
    labels[1:3, 1, 4:8] = 9
    planes = planes_of(labels.shape, "XZY")
    for given_labels in (labels, da.from_array(labels, chunks=3)):
        places = finish(object_places(given_labels, planes))
        assert (places.ids.tolist(), places.planes.tolist()) == ([9], [1])
        assert places.boxes.tolist() == [[4, 1, 8, 3]]
        assert places.centres.tolist() == [[5.5, 1.5]]


def test_without_objects_nothing_is_found():
    assert len(finish(object_places(np.zeros((4, 4), np.uint8), planes_of((4, 4), "YX"))).ids) == 0


def test_labels_of_another_image_are_refused():
    planes = planes_of((3, 4, 5), "ZYX")
    check_labels(np.zeros((3, 4, 5), np.uint8), planes, "cells.tif")
    with pytest.raises(ImageError, match=r"labels are 4 x 5 and cells.tif is 3 x 4 x 5 without its channels \(ZYX\)"):
        check_labels(np.zeros((4, 5), np.uint8), planes, "cells.tif")
    for wrong in (bool, float):
        with pytest.raises(ImageError, match="number the objects"):
            check_labels(np.zeros((3, 4, 5), wrong), planes, "cells.tif")
