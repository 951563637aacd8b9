"""The box of a layer that is meant by "this plane", "all planes" and "the visible region"."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from napari.components import ViewerModel

from napari_medt.viewer.reading import read_layer
from napari_medt.viewer.regions import default_choice, region_choices, region_in_viewer
from src_models.errors import ImageError
from src_models.images.axes import read_axes
from src_models.images.region import Region


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


def test_colours_are_no_axis_of_the_layer():
    region = Region("YXC", (slice(2, 8), slice(0, 9), slice(0, 3)), (8, 9, 3), rgb=True)
    assert region.layer_shape == (8, 9)
    assert region.expand(np.zeros((6, 9))).shape == (6, 9)
    assert region.place((2, 2), (0.5, 0.5)) == ((2.0, 2.0), (2.5, 0.5))


def test_a_channel_axis_is_covered_by_one_cell():
    region = Region("ZCYX", (1, slice(0, 3), slice(0, 8), slice(0, 9)), (5, 3, 8, 9), rgb=False)
    assert region.layer_shape == (5, 1, 8, 9)
    assert region.expand(np.zeros((8, 9))).shape == (1, 1, 8, 9)
    assert region.place() == ((1.0, 3.0, 1.0, 1.0), (1.0, 1.0, 0.0, 0.0))
    assert region.place_canvas() == ((1.0, 3.0, 1.0, 1.0), (0.0, 1.0, 0.0, 0.0))


def test_lazy_arrays_stay_lazy():
    region = Region("ZYX", (slice(0, 1), slice(0, 4), slice(2, 4)), (3, 4, 4), rgb=False)
    cut = region.cut(dask.array.arange(48).reshape(3, 4, 4))
    assert isinstance(cut, dask.array.Array)
    np.testing.assert_array_equal(cut.compute(), np.arange(48).reshape(3, 4, 4)[:1, :, 2:])


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


@st.composite
def boxes(draw):
    """Boxes of arrays of any axes, in colour or not."""
    letters = draw(st.permutations(draw(st.sampled_from(["YX", "ZYX", "CYX", "TCYX", "TZYX", "TZCYX"]))))
    shape, index = [], []
    for letter in letters:
        size = draw(st.integers(1, 9))
        start = draw(st.integers(0, size - 1))
        shape.append(size)
        if letter == "C":
            index.append(slice(0, size))
        elif letter in "TZ" and draw(st.booleans()):
            index.append(start)
        else:
            index.append(slice(start, draw(st.integers(start + 1, size))))
    rgb = draw(st.booleans()) and "C" not in letters
    if rgb:
        letters, shape, index = [*letters, "C"], [*shape, 3], [*index, slice(0, 3)]
    return Region("".join(letters), tuple(index), tuple(shape), rgb=rgb)


@settings(deadline=None)
@given(region=boxes(), data=st.data())
def test_locating_a_place_undoes_placing_it(region, data):
    sizes = [cut.stop - cut.start for a, cut in zip(region.letters, region.index, strict=True) if type(cut) is slice]
    sizes = [size for letter, size in zip(region.sub_axes, sizes, strict=True) if letter != "C"]
    inside = tuple(data.draw(st.floats(-0.5, size - 0.51)) for size in sizes)
    _, in_layer = region.place(None, inside)
    assert len(in_layer) == len(region.layer_shape)
    assert region.locate(in_layer) == pytest.approx(inside, abs=1e-9)


@settings(deadline=None)
@given(region=boxes(), data=st.data())
def test_each_pixel_of_the_layer_is_located_where_the_box_holds_it_and_nowhere_else(region, data):
    """Against the numbers of the pixels themselves, cut out of the layer's array."""
    numbers = np.arange(np.prod(region.shape)).reshape(region.shape)
    pixel = [data.draw(st.integers(0, size - 1)) for size in region.shape]
    number, cut = numbers[tuple(pixel)], region.cut(numbers)
    found = region.locate(pixel[:-1] if region.rgb else pixel)
    if found is None:
        assert number not in cut
        return
    cell = iter(found)
    channel = dict(zip(region.letters, pixel, strict=True)).get("C")
    place = tuple(channel if letter == "C" else int(next(cell)) for letter in region.sub_axes)
    assert cut[place] == number


@pytest.mark.parametrize(
    ("position", "found"),
    [
        pytest.param((3, 1.5, 4.5), (-0.5, 2.5), id="outer corner"),
        pytest.param((3, 1.49, 4.5), None, id="beyond the first row"),
        pytest.param((2.5, 7.49, 5), (5.49, 3), id="first half of the plane"),
        pytest.param((2.49, 3, 5), None, id="the plane before"),
        pytest.param((3.5, 3, 5), None, id="the plane after"),
        pytest.param((3, 7.5, 5), None, id="beyond the last row"),
        pytest.param((3, 3, -1), None, id="beside the image"),
    ],
)
def test_places_belong_to_a_box_up_to_the_edges_of_its_pixels(position, found):
    region = Region("ZYX", (3, slice(2, 8), slice(2, 6)), (5, 9, 9), rgb=False)
    assert region.locate(position) == (None if found is None else pytest.approx(found))


def test_channels_count_in_a_place_of_the_layer_and_colours_do_not():
    channels = Region("CYX", (slice(0, 3), slice(2, 8), slice(0, 9)), (3, 8, 9), rgb=False)
    for channel in (0, 1, 2):
        assert channels.locate((channel, 5, 4)) == (3, 4)
    assert channels.locate((3, 5, 4)) is None
    colours = Region("YXC", (slice(2, 8), slice(0, 9), slice(0, 3)), (8, 9, 3), rgb=True)
    assert colours.locate((5, 4)) == (3, 4)
    assert colours.locate((1, 4)) is None


def test_labels_are_cut_as_the_image_is():
    region = Region("ZCYX", (1, slice(0, 3), slice(2, 8), slice(0, 9)), (5, 3, 8, 9), rgb=False)
    labels = np.arange(5 * 8 * 9).reshape(region.layer_shape)
    np.testing.assert_array_equal(region.cut_labels(labels), labels[1, 0, 2:8])
