"""Places on the screen, in the plane in view, and in labels over the layer are one and the same."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.viewer.viewed_image import target_as_viewed, target_in_viewer
from src_models.errors import ImageError


def viewed(data, order=None, step=None, axes=None, **options):
    viewer = ViewerModel()
    layer = viewer.add_image(data, name="cells", axis_labels=axes, **options)
    if order is not None:
        viewer.dims.order = order
    for axis, at in (step or {}).items():
        viewer.dims.set_current_step(axis, at)
    return viewer, target_in_viewer(viewer, layer)


VIEWS = [
    (None, {0: 3}, (3,)),
    ((1, 0, 2), {1: 7}, (7,)),
    ((2, 0, 1), {2: 11}, (11,)),
]


@pytest.mark.parametrize(("order", "step", "plane"), VIEWS)
def test_a_place_in_the_plane_in_view_is_that_pixel_of_the_data(order, step, plane):
    """From every side: the value at the place in the plane is the value of the layer there."""
    data = np.random.default_rng(0).random((6, 20, 30))
    _, target = viewed(data, order, step, scale=(2, 0.5, 0.5), translate=(5, 6, 7))
    assert target.plane == plane
    flat = target.region.cut(data)
    for at in ((1, 2), (5, 9), (0, 0)):
        position = target.position(target.plane, *at)
        world = target.layer.data_to_world(position)
        place = target.locate(world)
        assert (place.plane, place.y, place.x) == (target.plane, *map(pytest.approx, at))
        assert target.corner(world) == pytest.approx(at)
        assert flat[at] == data[tuple(round(axis) for axis in position)]


@pytest.mark.parametrize(("order", "step", "plane"), VIEWS)
def test_a_part_of_a_plane_lies_in_labels_where_it_lies_in_the_image(order, step, plane):
    data = np.random.default_rng(0).random((6, 20, 30))
    _, target = viewed(data, order, step)
    assert target.shape == data.shape
    rows, columns = slice(1, 4), slice(2, 5)
    index = target.index(plane, rows, columns)
    np.testing.assert_array_equal(data[index], target.region.cut(data)[rows, columns])


def test_outside_of_the_image_there_is_no_place_but_a_corner():
    _, target = viewed(np.zeros((20, 30)), scale=(2, 2))
    assert target.locate((2 * 19.4, 0)) is not None
    assert target.locate((2 * 19.6, 0)) is None
    assert target.corner((-6, 80)) == (-3, 40)


def test_a_channel_axis_is_one_pixel_wide_in_labels_and_covers_all_channels():
    data = np.zeros((20, 30, 3))
    _, target = viewed(data, order=(2, 0, 1), axes=("y", "x", "c"))
    assert target.shape == (20, 30, 1)
    assert target.plane == ()
    assert target.index((), slice(1, 3), slice(4, 6)) == (slice(1, 3), slice(4, 6), 0)
    place = target.place()
    low, high = (
        place["translate"] - place["scale"] / 2,
        place["translate"] + place["scale"] * (np.array((20, 30, 1)) - 0.5),
    )
    np.testing.assert_allclose((low, high), ((-0.5, -0.5, -0.5), (19.5, 29.5, 2.5)))  # its pixels' outer edges


def test_colours_are_no_axis():
    _, target = viewed(np.zeros((20, 30, 3), np.uint8), rgb=True)
    assert (target.axes, target.shape, target.core) == ("YXC", (20, 30), [0, 1])
    assert target.position((), 4, 5) == (4.0, 5.0)


def test_an_image_that_is_viewed_from_the_side_has_other_axes():
    data = np.zeros((6, 20, 30))
    _, target = viewed(data, (1, 0, 2), {1: 7})
    assert target.axes == "YZX"
    assert target.core == [0, 2]


def test_what_cannot_be_clicked_in_is_said():
    viewer, target = viewed(np.zeros((6, 20, 30)))
    target.layer.visible = False
    with pytest.raises(ImageError, match="layer 'cells' is hidden"):
        target_in_viewer(viewer, target.layer)
    assert target_as_viewed(viewer, target.layer).shape == target.shape
    viewer.dims.ndisplay = 3
    for view in (target_in_viewer, target_as_viewed):
        with pytest.raises(ImageError, match="2D/3D button"):
            view(viewer, target.layer)


def test_of_a_pyramid_the_full_resolution_is_worked_on():
    data = np.random.default_rng(0).random((64, 64))
    viewer = ViewerModel()
    layer = viewer.add_image([data, data[::2, ::2]], multiscale=True)
    target = target_in_viewer(viewer, layer)
    assert target.shape == (64, 64)
    np.testing.assert_array_equal(np.asarray(target.data), data)
