"""Views of a volume: planes, places and voxels say the same, from each side."""

import numpy as np
import pytest

from src_models.clicking.volume.views import VIEWS, View, coarsest
from src_models.images.axes import read_axes
from src_models.images.planes import Planes

SHAPE = (3, 4, 5)
VOLUME = np.arange(60).reshape(SHAPE)


@pytest.mark.parametrize("view", VIEWS)
def test_a_place_in_a_plane_is_the_voxel_that_it_was_taken_from(view):
    for voxel in np.ndindex(SHAPE):
        index, (row, column) = view.place(voxel)
        assert view.plane(VOLUME, index)[row, column] == VOLUME[voxel]
        assert tuple(view.voxels(index, np.array([[row, column]]))[0]) == voxel


@pytest.mark.parametrize("view", VIEWS)
def test_the_network_is_shown_the_same_planes(view):
    reading = view.reading(read_axes(SHAPE, axes="ZYX", spacing=(3.0, 2.0, 1.0), unit="mm"))
    planes = Planes(reading, 2)
    for index in range(SHAPE[view.axis]):
        whole = [slice(0, size) for size in planes.shape]
        np.testing.assert_array_equal(planes.read(VOLUME, (index,), whole)[0], view.plane(VOLUME, index))
    along = reading.axes[view.axis]
    assert along == "Z"
    assert [reading.spacing[letter] for letter in reading.axes] == [3.0, 2.0, 1.0]


def test_writing_in_a_plane_writes_in_the_volume():
    volume = np.zeros(SHAPE, bool)
    View(1).plane(volume, 2)[1, 3] = True
    assert np.argwhere(volume).tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("spacing", "axis"),
    [((5.0, 0.8, 0.8), 0), ((0.8, 0.8, 5.0), 2), ((0.8, 5.0, 0.8), 1), ((1.0, 1.0, 1.0), 0), ((0.9, 1.0, 0.9), 0)],
)
def test_planes_were_made_across_the_axis_along_which_they_are_far_apart(spacing, axis):
    assert coarsest(spacing).axis == axis
