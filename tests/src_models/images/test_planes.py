"""Planes of images whose axes come in any order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.errors import ImageError
from src_models.images.axes import read_axes
from src_models.images.planes import LabelPlane, Planes

SIZES = {"T": 2, "Z": 3, "C": 4, "Y": 5, "X": 6}


@st.composite
def axis_orders(draw):
    """Letters with Y and X and any of the others, in any order, and a network that can take them."""
    others = draw(st.sets(st.sampled_from("TZC")))
    axes = "".join(draw(st.permutations(sorted({"Y", "X"} | others))))
    return axes, draw(st.sampled_from([2, 3] if "Z" in others else [2]))


def image_of(axes):
    """An image in which every pixel's value tells its place: one digit per axis of T, Z, C, Y, X."""
    places = np.zeros([SIZES[letter] for letter in axes], np.int64)
    for axis, letter in enumerate(axes):
        shape = [-1 if a == axis else 1 for a in range(len(axes))]
        places += 10 ** "XYCZT".index(letter) * np.arange(SIZES[letter]).reshape(shape)
    return places


def planes_of(axes, dimensions):
    image = image_of(axes)
    return image, Planes(read_axes(image.shape, axes=axes), dimensions)


@given(case=axis_orders())
def test_every_plane_is_what_a_transposition_gives(case):
    axes, dimensions = case
    image, planes = planes_of(axes, dimensions)
    spatial = "ZYX"[-dimensions:]
    leading = [letter for letter in axes if letter not in spatial and letter != "C"]
    order = [*leading, "C", *spatial]
    full = image if "C" in axes else image[..., None]
    named = axes if "C" in axes else axes + "C"
    expected = np.transpose(full, [named.index(letter) for letter in order])
    everything = [slice(None)] * dimensions
    assert planes.leading_shape == expected.shape[: len(leading)]
    assert list(planes) == list(np.ndindex(*planes.leading_shape))
    assert len(planes) == len(list(planes))
    for plane in planes:
        np.testing.assert_array_equal(planes.read(image, plane, everything), expected[plane])


@given(case=axis_orders(), data=st.data())
def test_a_region_is_cut_where_it_lies(case, data):
    axes, dimensions = case
    image, planes = planes_of(axes, dimensions)
    region = []
    for size in planes.shape:
        start = data.draw(st.integers(0, size - 1))
        region.append(slice(start, data.draw(st.integers(start + 1, size))))
    plane = data.draw(st.sampled_from(list(planes)))
    whole = planes.read(image, plane, [slice(None)] * dimensions)
    np.testing.assert_array_equal(planes.read(image, plane, region), whole[(slice(None), *region)])


@given(case=axis_orders())
def test_labels_written_plane_by_plane_lie_where_the_image_says(case):
    """Write each plane's own pixel values (less the channel) and compare with the image less its channels."""
    axes, dimensions = case
    image, planes = planes_of(axes, dimensions)
    expected = np.take(image, 0, axes.index("C")) if "C" in axes else image
    labels = np.zeros(planes.label_shape, np.int64)
    assert planes.label_axes == axes.replace("C", "")
    for plane in planes:
        out = LabelPlane(labels, planes, plane)
        assert out.shape == planes.shape
        halves = [(slice(0, 2), *[slice(None)] * (dimensions - 1)), (slice(2, None), *[slice(None)] * (dimensions - 1))]
        for half in halves:
            out[half] = planes.read(image, plane, half)[0]
            np.testing.assert_array_equal(out[half], planes.read(image, plane, half)[0])
    np.testing.assert_array_equal(labels, expected)


@given(case=axis_orders())
def test_label_order_is_undone(case):
    axes, dimensions = case
    _, planes = planes_of(axes, dimensions)
    block = np.arange(np.prod(planes.shape)).reshape(planes.shape)
    np.testing.assert_array_equal(planes.from_label_order(planes.to_label_order(block)), block)


def test_only_what_is_asked_for_is_read():
    class Watched(np.ndarray):
        asked = ()

        def __getitem__(self, index):
            Watched.asked = index
            return super().__getitem__(index)

    image = np.zeros((2, 3, 50, 60)).view(Watched)
    planes = Planes(read_axes(image.shape, axes="TZYX"), 2)
    planes.read(image, (1, 2), (slice(10, 20), slice(5, 7)))
    assert Watched.asked == (1, 2, slice(10, 20), slice(5, 7))


def test_a_volume_network_needs_depth():
    with pytest.raises(ImageError, match=r"cells\.tif is read as Y=5, X=6, 1 channel and has no depth"):
        Planes(read_axes((5, 6)), 3, "cells.tif")


@given(case=axis_orders(), chosen=st.lists(st.integers(0, 3), min_size=1, max_size=4))
def test_channels_come_in_the_order_in_which_they_were_chosen(case, chosen):
    axes, dimensions = case
    image, all_of_it = planes_of(axes, dimensions)
    if "C" not in axes:
        return
    planes = Planes(read_axes(image.shape, axes=axes, channel=chosen), dimensions)
    everything = [slice(None)] * dimensions
    for plane in planes:
        expected = all_of_it.read(image, plane, everything)[chosen]
        np.testing.assert_array_equal(planes.read(image, plane, everything), expected)


def test_the_neighbours_of_a_plane_lie_along_the_depth_and_end_with_it():
    planes = Planes(read_axes((3, 2, 8, 9), axes="ZTYX"), 2)
    assert [planes.neighbour((1, 1), offset) for offset in (-2, -1, 0, 1, 2)] == [
        (0, 1),
        (0, 1),
        (1, 1),
        (2, 1),
        (2, 1),
    ]
    assert Planes(read_axes((2, 8, 9), axes="TYX"), 2).neighbour((1,), -1) == (1,)
