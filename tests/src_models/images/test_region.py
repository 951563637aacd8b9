"""A box of an array: what it cuts out, and where what comes out of it lies in the whole."""

import dask.array
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.images.region import Region


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
    assert region.locate(region.position(inside)) == pytest.approx(inside, abs=1e-9)


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


def test_a_cut_out_is_read_with_its_axes_and_what_the_file_says_of_the_whole():
    data = np.zeros((5, 8, 9), np.int16)
    whole = Region("ZYX", (3, slice(0, 8), slice(4, 8)), data.shape, False, modality="MR", padding=((4000.0, 4095.0),))
    reading = whole.sub_reading(whole.cut(data))
    assert (reading.axes, reading.shape, reading.modality, reading.padding) == ("YX", (8, 4), "MR", ((4000.0, 4095.0),))
    unsaid = Region("ZYX", (slice(0, 5), slice(0, 8), slice(0, 9)), data.shape, False).sub_reading(data)
    assert (unsaid.modality, unsaid.unit, unsaid.spacing) == (None, "pixel", {"Z": 1, "Y": 1, "X": 1})


def test_a_cut_out_keeps_the_size_of_its_pixels_also_in_a_view_from_the_side():
    data = np.zeros((5, 8, 9), np.int16)
    cuts = (slice(0, 5), 3, slice(0, 9))
    front = Region("YYX", cuts, data.shape, False, spacing=(5.0, 0.75, 0.5), unit="mm")  # the middle axis is gone
    reading = front.sub_reading(front.cut(data))
    assert (reading.axes, reading.spacing, reading.unit) == ("YX", {"Y": 5.0, "X": 0.5}, "mm")


@pytest.mark.parametrize("wrap", [np.asarray, dask.array.from_array], ids=["array", "lazy"])
@pytest.mark.parametrize("chosen", [(2, 0, 1), (1, 3), (2,), (3, 3, 1)])
def test_channels_are_cut_out_in_the_order_in_which_they_were_chosen(chosen, wrap):
    image = np.arange(2 * 4 * 5 * 6).reshape(2, 4, 5, 6)
    cut = slice(min(chosen), max(chosen) + 1)
    region = Region("ZCYX", (1, cut, slice(0, 5), slice(2, 6)), image.shape, False, chosen)
    np.testing.assert_array_equal(np.asarray(region.cut(wrap(image))), image[1, list(chosen), :, 2:])
    assert (region.channels, region.layer_shape) == (chosen, (2, 1, 5, 6))
    assert region.sub_chosen == (None if len(chosen) == 1 else tuple(range(len(chosen))))


@pytest.mark.parametrize("wrap", [np.asarray, dask.array.from_array], ids=["array", "lazy"])
@pytest.mark.parametrize("z", [0, 2, 4])
def test_a_plane_is_cut_out_with_those_around_it(z, wrap):
    data = np.arange(5 * 8 * 9).reshape(5, 8, 9)
    plane = Region("ZYX", (z, slice(1, 8), slice(2, 6)), data.shape, rgb=False)
    around = plane.around((-1, 0, 1))
    cut = around.cut(wrap(data))
    expected = np.stack([data[min(max(z + offset, 0), 4), 1:8, 2:6] for offset in (-1, 0, 1)])
    np.testing.assert_array_equal(np.asarray(cut), expected)
    reading = around.sub_reading(cut)
    assert (reading.axes, reading.chosen, around.sub_chosen) == ("CYX", (0, 1, 2), (0, 1, 2))
    assert (around.flat_shape, around.layer_index) == (plane.flat_shape, plane.layer_index), "labels are of the plane"


def test_of_a_whole_stack_and_of_a_picture_nothing_is_cut_out_around():
    for letters, index, shape in (("ZYX", (slice(0, 5),), (5, 8, 9)), ("TYX", (2,), (5, 8, 9)), ("YX", (), (8, 9))):
        region = Region(letters, (*index, slice(0, 8), slice(0, 9)), shape, rgb=False)
        data = np.zeros(shape)
        assert region.around((-1, 0, 1)).cut(data).shape == region.cut(data).shape
        assert region.around((-1, 0, 1)).sub_chosen is None
