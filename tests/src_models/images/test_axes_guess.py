"""How the axes of an array are guessed from its shape, and when they are asked for."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

import src_models.images.axes_guess
from src_models.errors import ImageError
from src_models.images.axes import read_axes
from src_models.images.axes_guess import ends_with_channels, guess_axes


def test_examples_in_the_docstring_hold():
    assert doctest.testmod(src_models.images.axes_guess).failed == 0


@pytest.mark.parametrize(
    ("shape", "dimensions", "axes"),
    [
        pytest.param((512, 600), 2, "YX", id="plane"),
        pytest.param((1, 1), 2, "YX", id="one pixel"),
        pytest.param((512, 600, 3), 2, "YXC", id="rgb"),
        pytest.param((512, 600, 4), 2, "YXC", id="rgba"),
        pytest.param((512, 600, 2), 2, "YXC", id="two channels last"),
        pytest.param((512, 600, 5), 2, "YXC", id="five channels last"),
        pytest.param((512, 600, 1), 2, "YXC", id="one channel last"),
        pytest.param((2, 512, 600), 2, "CYX", id="two channels first"),
        pytest.param((7, 512, 600, 3), 2, "ZYXC", id="stack of rgb"),
        pytest.param((7, 512, 600, 2), 3, "ZYXC", id="volume with two channels last"),
        pytest.param((3, 7, 512, 600, 3), 2, "TZYXC", id="time series of stacks of rgb"),
        pytest.param((40, 512, 600), 2, "ZYX", id="stack"),
        pytest.param((3, 512, 600), 2, "CYX", id="channels first"),
        pytest.param((1, 512, 600), 2, "ZYX", id="an axis of one stays in the labels"),
        pytest.param((6, 512, 600), 2, "ZYX", id="six are slices"),
        pytest.param((40, 2, 512, 600), 2, "ZCYX", id="imagej order"),
        pytest.param((9, 40, 512, 600), 2, "TZYX", id="time series"),
        pytest.param((5, 40, 2, 512, 600), 2, "TZCYX", id="five axes, imagej order"),
        pytest.param((9, 2, 40, 512, 600), 2, "TCZYX", id="five axes, ome-zarr order"),
        pytest.param((9, 40, 1, 512, 600), 2, "TZCYX", id="five axes, one channel"),
        pytest.param((2, 40, 3, 512, 600), 2, "TZCYX", id="five axes, two times and three channels"),
        pytest.param((1, 40, 3, 512, 600), 2, "TZCYX", id="five axes, one time and three channels"),
        pytest.param((3, 512, 600), 3, "ZYX", id="a 3D network never splits three axes"),
        pytest.param((40, 512, 3), 3, "ZYX", id="a 3D network takes no thin volume for rgb"),
        pytest.param((2, 40, 512, 600), 3, "CZYX", id="channels before a volume"),
        pytest.param((40, 2, 512, 600), 3, "ZCYX", id="channels inside a volume"),
    ],
)
def test_the_axes_are_guessed(shape, dimensions, axes):
    assert guess_axes(shape, dimensions=dimensions) == axes


@given(
    shape=st.lists(st.integers(1, 40), min_size=2, max_size=5).map(tuple),
    dimensions=st.sampled_from([2, 3]),
)
def test_any_guess_is_a_usable_reading(shape, dimensions):
    try:
        reading = read_axes(shape, dimensions=dimensions)
    except ImageError:
        strip = min(shape[-2:]) <= 5 < max(shape[:-2])
        assert strip or (len(shape) == 5 and min(shape[:3]) > 5)
        return
    assert len(reading.axes) == len(shape) == len(set(reading.axes))
    assert set("YX") <= set(reading.axes) <= set("TZCYX")
    assert reading.axes.replace("C", "") in ("YX", "ZYX", "TZYX"), "what is not channels keeps its order"
    if len(shape) > dimensions:
        assert dimensions == 2 or "Z" in reading.axes
    again = read_axes(shape, axes=reading.axes)
    assert again == reading, "naming the guessed axes by hand gives the same reading"


@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        pytest.param((512, 4, 600), "ZYX", id="channels between height and width"),
        pytest.param((512, 600, 3, 2), "TZYX", id="two axes of channels"),
        pytest.param((40, 3, 512, 5, 600), "TCZYX", id="strips in five axes"),
    ],
)
def test_an_image_cut_into_strips_is_asked_about(shape, axes):
    with pytest.raises(ImageError, match=f"^a.tif: its planes would have .* name the axes by hand, {axes!r} if that"):
        guess_axes(shape, name="a.tif")
    assert read_axes(shape, axes=axes).axes == axes


def test_a_layer_that_is_not_shown_in_colour_is_asked_about():
    with pytest.raises(ImageError, match=r"shape \(7, 64, 80, 3\)\) .*: 'ZYXC' for channels, 'TZYX' for a width"):
        guess_axes((7, 64, 80, 3), rgb=False)
    assert guess_axes((64, 80, 2), rgb=False) == "YXC"


@given(plane=st.tuples(st.integers(6, 50), st.integers(6, 50)), last=st.integers(1, 5), front=st.integers(0, 2))
def test_what_ends_with_channels_is_read_so_in_any_number_of_axes(plane, last, front):
    shape = (7,) * front + plane + (last,)
    assert ends_with_channels(shape)
    assert guess_axes(shape).endswith("YXC")
