"""How the axes of an array are read, named or guessed."""

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import src_models.images.axes
from src_models.errors import ImageError
from src_models.images.axes import AxesReading, read_axes, unit_symbol


def test_examples_in_the_docstring_hold():
    assert doctest.testmod(src_models.images.axes).failed == 0


@pytest.mark.parametrize(
    ("shape", "dtype", "dimensions", "axes"),
    [
        pytest.param((512, 600), "uint8", 2, "YX", id="plane"),
        pytest.param((1, 1), "uint8", 2, "YX", id="one pixel"),
        pytest.param((512, 600, 3), "uint8", 2, "YXC", id="rgb"),
        pytest.param((512, 600, 4), "uint16", 2, "YXC", id="rgba, 16 bit"),
        pytest.param((512, 600, 3), "float32", 2, "ZYX", id="float is not taken for colours"),
        pytest.param((7, 512, 600, 3), "uint8", 2, "ZYXC", id="stack of rgb"),
        pytest.param((3, 7, 512, 600, 3), "uint8", 2, "TZYXC", id="time series of stacks of rgb"),
        pytest.param((40, 512, 600), "uint16", 2, "ZYX", id="stack"),
        pytest.param((3, 512, 600), "uint16", 2, "CYX", id="channels first"),
        pytest.param((1, 512, 600), "uint16", 2, "ZYX", id="an axis of one stays in the labels"),
        pytest.param((6, 512, 600), "uint8", 2, "ZYX", id="six are slices"),
        pytest.param((40, 2, 512, 600), "uint16", 2, "ZCYX", id="imagej order"),
        pytest.param((9, 40, 512, 600), "uint16", 2, "TZYX", id="time series"),
        pytest.param((5, 40, 2, 512, 600), "uint16", 2, "TZCYX", id="five axes, imagej order"),
        pytest.param((9, 2, 40, 512, 600), "uint16", 2, "TCZYX", id="five axes, ome-zarr order"),
        pytest.param((9, 40, 1, 512, 600), "uint16", 2, "TZCYX", id="five axes, one channel"),
        pytest.param((3, 512, 600), "uint16", 3, "ZYX", id="a 3D network never splits three axes"),
        pytest.param((40, 512, 3), "uint8", 3, "ZYX", id="a 3D network takes no thin volume for rgb"),
        pytest.param((2, 40, 512, 600), "uint16", 3, "CZYX", id="channels before a volume"),
        pytest.param((40, 2, 512, 600), "uint16", 3, "ZCYX", id="channels inside a volume"),
    ],
)
def test_the_axes_are_guessed(shape, dtype, dimensions, axes):
    reading = read_axes(shape, dtype=dtype, dimensions=dimensions)
    assert (reading.axes, reading.shape) == (axes, shape)


@given(
    shape=st.lists(st.integers(1, 40), min_size=2, max_size=5).map(tuple),
    dtype=st.sampled_from(["uint8", "uint16", "float32", "bool"]),
    dimensions=st.sampled_from([2, 3]),
)
def test_any_guess_is_a_usable_reading(shape, dtype, dimensions):
    try:
        reading = read_axes(shape, dtype=dtype, dimensions=dimensions)
    except ImageError:
        assert len(shape) == 5
        assert min(shape[:3]) > 5
        return
    assert len(reading.axes) == len(shape) == len(set(reading.axes))
    assert set("YX") <= set(reading.axes) <= set("TZCYX")
    assert reading.axes.replace("C", "") in ("YX", "ZYX", "TZYX"), "what is not channels keeps its order"
    if len(shape) > dimensions:
        assert dimensions == 2 or "Z" in reading.axes
    again = read_axes(shape, axes=reading.axes)
    assert again == reading, "naming the guessed axes by hand gives the same reading"


@given(axes=st.permutations("TZCYX").map("".join), size=st.lists(st.integers(1, 9), min_size=5, max_size=5))
def test_axes_named_by_hand_are_taken_as_they_are(axes, size):
    reading = read_axes(size, dtype="uint8", axes=axes.lower())
    assert reading.axes == axes
    assert {letter: reading.size(letter) for letter in axes} == dict(zip(axes, size, strict=True))
    labels = reading.without_channels()
    assert labels.axes == axes.replace("C", "")
    assert all(labels.size(letter) == reading.size(letter) for letter in labels.axes)


@pytest.mark.parametrize(
    ("given_axes", "axes"),
    [("YXS", "YXC"), ("QYX", "ZYX"), ("IYX", "ZYX"), ("QZYX", "TZYX"), ("QQYX", "TZYX")],
)
def test_the_letters_of_tifffile_are_understood(given_axes, axes):
    assert read_axes((6,) * len(axes), axes=given_axes).axes == axes


@pytest.mark.parametrize("axes", ["YX", "ZYXC", "ZYY", "ZCX", "AYX", "", "YXX"])
def test_axes_that_do_not_fit_are_refused_by_name(axes):
    with pytest.raises(ImageError, match=r"cells\.tif: axes"):
        read_axes((4, 5, 6), axes=axes, name="cells.tif")


@pytest.mark.parametrize(
    ("shape", "dtype", "says"),
    [
        pytest.param((0, 5), "uint8", "empty", id="empty"),
        pytest.param((5,), "uint8", "only one axis", id="1D"),
        pytest.param((), "uint8", "single number", id="0D"),
        pytest.param((2,) * 6, "uint8", "6 axes", id="6D"),
        pytest.param((5, 5), "complex64", "complex", id="complex"),
        pytest.param((5, 5), "U3", "not numbers", id="text"),
        pytest.param((9, 9, 9, 20, 20), "uint8", "by hand", id="five long axes"),
    ],
)
def test_what_cannot_be_an_image_is_refused(shape, dtype, says):
    with pytest.raises(ImageError, match=says) as caught:
        read_axes(shape, dtype=dtype, name="layer A")
    assert str(caught.value).startswith("layer A: ")


def test_a_layer_known_to_be_rgb_or_not_is_not_guessed_at():
    assert read_axes((20, 30, 3), dtype="float32", rgb=True).rgb
    assert read_axes((20, 30, 3), dtype="uint8", rgb=False).axes == "ZYX"
    with pytest.raises(ImageError, match="marked RGB"):
        read_axes((20, 30, 5), rgb=True)


def test_no_axis_of_labels_is_taken_for_channels():
    assert read_axes((3, 20, 30), dtype="uint8", labels=True).axes == "ZYX"
    assert read_axes((20, 30, 3), dtype="uint8", labels=True).axes == "ZYX"
    with pytest.raises(ImageError, match="labels have at most four axes"):
        read_axes((2, 2, 2, 20, 30), labels=True)


@pytest.mark.parametrize(
    "spacing",
    [
        {"Z": 2.0, "Y": 0.5, "X": 0.25},
        {"z": 2, "y": 0.5, "x": 0.25},
        (2, 0.5, 0.25),
        (1, 2, 0.5, 0.25),
        np.array([2, 0.5, 0.25]),
    ],
)
def test_spacing_comes_by_letter_or_by_axis(spacing):
    reading = read_axes((2, 9, 20, 20), axes="CZYX", spacing=spacing, unit="um")
    assert reading.spacing == {"Z": 2.0, "Y": 0.5, "X": 0.25}
    assert reading.unit == "µm"


def test_a_spacing_that_cannot_be_one_counts_as_unknown():
    reading = read_axes((9, 20, 20), axes="ZYX", spacing={"Z": 0.0, "Y": float("nan"), "X": -2.0})
    assert reading.spacing == {"Z": 1.0, "Y": 1.0, "X": 2.0}
    with pytest.raises(ImageError, match="spacing"):
        read_axes((9, 20, 20), axes="ZYX", spacing=(1, 2, 3, 4, 5))


@pytest.mark.parametrize(
    ("reading", "line"),
    [
        (read_axes((12, 40, 51, 52), spacing=(1, 2, 0.5, 0.5), unit="micrometer"),
         "T=12, Z=40, Y=51, X=52, 1 channel, 2 x 0.5 x 0.5 µm"),
        (read_axes((51, 52)), "Y=51, X=52, 1 channel"),
        (read_axes((51, 52, 3), dtype="uint8"), "Y=51, X=52, 3 channels (RGB)"),
        (read_axes((51, 52, 4), dtype="uint8"), "Y=51, X=52, 4 channels (RGB, alpha not used)"),
        (read_axes((2, 51, 52), spacing={"Y": 2, "X": 2}), "Y=51, X=52, 2 channels, 2 pixel"),
    ],
)  # fmt: skip
def test_the_reading_is_said_in_a_line(reading: AxesReading, line: str):
    assert reading.describe() == line


@pytest.mark.parametrize(
    ("unit", "symbol"),
    [
        ("Micrometer", "µm"),
        ("\u03bcm", "µm"),
        ("\\u00B5m", "µm"),
        ("millimeter", "mm"),
        (None, "pixel"),
        ("parsec", "parsec"),
    ],
)
def test_units_have_one_spelling(unit, symbol):
    assert unit_symbol(unit) == symbol


def test_one_channel_is_counted_from_0_and_said_without_counting():
    reading = read_axes((30, 3, 64, 48), axes="ZCYX", channel=2)
    assert (reading.channels, reading.size("C"), reading.rgb) == (1, 3, False)
    assert reading.describe() == "Z=30, Y=64, X=48, only the 3rd of 3 channels"
    assert not read_axes((64, 48, 3), dtype="uint8", channel=0).rgb
    assert reading.with_channel(None).channels == 3
    with pytest.raises(ImageError, match=r"a\.tif: there is no channel 3"):
        reading.with_channel(3, "a.tif")


def test_several_channels_are_said_in_their_order_and_counted():
    reading = read_axes((4, 20, 30), axes="CYX", channel=[3, 0])
    assert (reading.chosen, reading.channel, reading.channels, reading.rgb) == ((3, 0), None, 2, False)
    assert reading.describe() == "Y=20, X=30, the 4th and 1st of 4 channels"
    with pytest.raises(ImageError, match=r"there is no channel 4, 7; .* 4 channels, counted from 0"):
        reading.with_channel((0, 4, 7))
