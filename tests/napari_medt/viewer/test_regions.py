"""The box of a layer that is meant by "this plane", "all planes" and "the visible region"."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.viewer.layer_notes import LayerNotes
from napari_medt.viewer.reading import read_layer
from napari_medt.viewer.regions import default_choice, region_choices, region_in_viewer
from src_models.errors import ImageError
from src_models.images.axes import read_axes


def region_of(viewer, choice, *, dimensions=2, axes=None):
    layer = viewer.layers[0]
    return region_in_viewer(viewer, layer, read_layer(layer, axes), dimensions, choice)


@pytest.fixture
def stack():
    viewer = ViewerModel()
    viewer.add_image(np.arange(6 * 20 * 30).reshape(6, 20, 30), scale=(2, 0.5, 0.5))
    viewer.dims.set_current_step(0, 4)
    return viewer


def test_this_plane_is_the_one_the_slider_is_at(stack):
    region = region_of(stack, "plane")
    np.testing.assert_array_equal(region.cut(stack.layers[0].data), stack.layers[0].data[4])
    assert (region.sub_axes, region.layer_index) == ("YX", (slice(4, 5), slice(0, 20), slice(0, 30)))


def test_the_plane_of_a_moved_stack_is_the_one_shown():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((6, 20, 30)), scale=(2, 1, 1), translate=(100, 0, 0))
    viewer.dims.set_point(0, 106)
    assert region_of(viewer, "plane").index[0] == 3


def test_all_planes_are_the_whole_array(stack):
    region = region_of(stack, "all")
    assert region.whole
    assert region.sub_axes == "ZYX"


def test_a_view_from_the_side_runs_on_the_plane_in_view(stack):
    stack.dims.order = (1, 0, 2)
    stack.dims.set_current_step(1, 7)
    region = region_of(stack, "plane")
    np.testing.assert_array_equal(region.cut(stack.layers[0].data), stack.layers[0].data[:, 7, :])
    assert region.sub_axes == "YX"
    assert region.place((2, 2), (0.5, 0.5)) == ((2.0, 1.0, 2.0), (0.5, 7.0, 0.5))


def test_in_3d_view_this_plane_is_the_image_plane_at_the_slider(stack):
    stack.dims.ndisplay = 3
    region = region_of(stack, "plane")
    assert region.sub_axes == "YX"
    assert isinstance(region.index[0], int)


def test_a_plane_beside_a_layer_with_more_axes(stack):
    stack.add_image(np.zeros((20, 30)))
    layer = stack.layers[1]
    region = region_in_viewer(stack, layer, read_layer(layer), 2, "all")
    assert region.whole


def test_volume_of_a_time_series():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((5, 6, 20, 30)), axis_labels=("t", "z", "y", "x"))
    viewer.dims.set_current_step(0, 2)
    region = region_of(viewer, "plane", dimensions=3)
    assert region.sub_axes == "ZYX"
    assert region.index[0] == 2


def test_visible_region_is_what_the_canvas_shows():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((100, 200)), scale=(0.5, 0.5))
    viewer.canvas.size = (40, 80)
    viewer.scene.camera.zoom = 4  # 4 canvas pixels for a unit: 10 x 20 units, 20 x 40 pixels are in view
    viewer.scene.camera.center = (25, 50)  # pixel (50, 100)
    assert region_of(viewer, "visible").layer_index == (slice(40, 61), slice(80, 121))


def test_visible_region_ends_at_the_image():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((100, 200)))
    viewer.canvas.size = (40, 80)
    viewer.scene.camera.zoom = 1
    viewer.scene.camera.center = (0, 190)
    assert region_of(viewer, "visible").layer_index == (slice(0, 21), slice(150, 200))


def test_an_image_out_of_view_is_said():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((100, 200)), name="far")
    viewer.canvas.size = (40, 80)
    viewer.scene.camera.zoom = 1
    viewer.scene.camera.center = (1000, 1000)
    with pytest.raises(ImageError, match="'far' is out of view"):
        region_of(viewer, "visible")


@pytest.mark.parametrize(
    ("axes", "shape", "dimensions", "names"),
    [
        pytest.param("YX", (8, 8), 2, ["the whole image", "the visible region"], id="plane"),
        pytest.param(
            "ZYX", (40, 8, 8), 2, ["this plane", "all 40 planes", "the visible region of this plane"], id="stack"
        ),
        pytest.param("ZYX", (40, 8, 8), 3, ["the whole volume", "the visible region"], id="volume"),
        pytest.param(
            "TZYX", (5, 4, 8, 8), 2, ["this plane", "all 20 planes", "the visible region of this plane"], id="series"
        ),
        pytest.param("ZYX", (1, 8, 8), 2, ["the whole image", "the visible region"], id="one plane"),
    ],
)
def test_choices_fit_the_image(axes, shape, dimensions, names):
    assert list(region_choices(read_axes(shape, axes=axes), dimensions).values()) == names


def test_what_is_in_view_is_the_default_for_a_huge_image():
    assert default_choice(read_axes((20_000, 20_000)), 2) == "visible"
    assert default_choice(read_axes((2_000, 2_000)), 2) == "all"
    assert default_choice(read_axes((40, 512, 512)), 2) == "plane"


def test_what_the_file_says_of_an_image_goes_with_its_regions(stack):
    layer = stack.layers[0]
    layer.metadata = LayerNotes(modality="MR", padding=((4000.0, 4095.0),)).metadata()
    for choice in ("plane", "all", "visible"):
        region = region_of(stack, choice)
        assert (region.modality, region.padding) == ("MR", ((4000.0, 4095.0),))


def test_a_region_knows_how_large_its_pixels_are_also_from_the_side():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((6, 20, 30)), scale=(5, 0.5, 0.75), units=("mm",) * 3)
    front = region_of(viewer, "plane").sub_reading(np.zeros((20, 30)))
    assert (front.spacing, front.unit) == ({"Y": 0.5, "X": 0.75}, "mm")
    viewer.dims.order = (1, 0, 2)
    side = region_of(viewer, "plane").sub_reading(np.zeros((6, 30)))
    assert (side.spacing, side.unit) == ({"Y": 5.0, "X": 0.75}, "mm")
