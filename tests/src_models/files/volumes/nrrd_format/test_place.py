"""Which axes of a file are those of space."""

from pathlib import Path

import numpy as np
import pytest

from src_models.errors import ImageError
from src_models.files.volumes.nrrd_format.header import NrrdHeader
from src_models.files.volumes.nrrd_format.place import place_of

PATH = Path("a.nrrd")


def place(**fields):
    return place_of(NrrdHeader(fields, {}, 0), PATH)


def test_axes_without_directions_are_told_apart_by_their_kinds_or_their_order():
    assert place(sizes="6 5 4").space == (0, 1, 2)
    assert place(sizes="6 5 4 3").other == 3
    assert place(sizes="3 6 5 4", kinds="time domain domain domain").other == 0
    assert place(sizes="6 5 1 4 1").space == (0, 1, 3)
    assert place(sizes="1 6 5 4", kinds="vector domain domain domain").grid_shape == (4, 5, 6)


def test_a_time_axis_in_the_system_of_coordinates_is_none_of_space():
    found = place(
        sizes="6 5 4 2",
        space="right-anterior-superior-time",
        spacedirections="(1,0,0,0) (0,1,0,0) (0,0,3,0) (0,0,0,2.5)",
        spaceorigin="(1,2,3,0)",
    )
    assert (found.space, found.other, found.frame_seconds, found.known) == ((0, 1, 2), 3, 2.5, True)
    np.testing.assert_array_equal(found.to_lps, [[-1, 0, 0, -1], [0, -1, 0, -2], [0, 0, 3, 3], [0, 0, 0, 1]])


@pytest.mark.parametrize("other", [0, 1, 3])
def test_values_are_brought_into_the_order_of_a_grid(other):
    sizes = [6, 5, 4]
    sizes.insert(other, 2)
    directions = ["(1,0,0)", "(0,1,0)", "(0,0,1)"]
    directions.insert(other, "none")
    found = place(sizes=" ".join(map(str, sizes)), space="LPS", spacedirections=" ".join(directions))
    film = np.arange(240).reshape(2, 4, 5, 6)
    stored = np.moveaxis(film, 0, 3 - other)
    np.testing.assert_array_equal(found.to_grid(stored), film)
    assert found.is_in_order == (other == 3)


def test_two_slices_in_time_have_a_depth_of_one():
    found = place(sizes="6 5 2", kinds="domain domain time")
    assert found.grid_shape == (2, 1, 5, 6)


def test_too_many_axes_are_refused():
    with pytest.raises(ImageError, match="it has 5 axes"):
        place(sizes="2 2 2 2 2")
    with pytest.raises(ImageError, match="it has 1 axes"):
        place(sizes="4")
