"""How the axes of an array are read, named or guessed."""

import doctest
from dataclasses import replace

import dask.array
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import src_models.images.axes
from src_models.errors import ImageError
from src_models.images.axes import AxesReading, read_axes, unit_symbol


def test_examples_in_the_docstring_hold():
    assert doctest.testmod(src_models.images.axes).failed == 0


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32", "float64", "int16", "int32"])
def test_colours_are_colours_whatever_their_type(dtype):
    assert read_axes((64, 80, 3), dtype=dtype).describe() == "Y=64, X=80, 3 channels (RGB)"


def test_two_channels_are_channels_on_either_side_of_the_plane():
    assert read_axes((64, 80, 2), dtype="float32").describe() == "Y=64, X=80, 2 channels"
    assert read_axes((2, 64, 80), dtype="uint16").describe() == "Y=64, X=80, 2 channels"


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
    assert read_axes((9, 20, 30), dtype="uint8", rgb=False).axes == "ZYX"
    with pytest.raises(ImageError, match="marked RGB"):
        read_axes((20, 30, 5), rgb=True)
    with pytest.raises(
        ImageError, match=r"layer A: its last axis has 3 values .*'YXC' for channels, 'ZYX' for a width"
    ):
        read_axes((20, 30, 3), dtype="uint8", rgb=False, name="layer A")


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


def test_what_was_made_of_the_numbers_is_said_and_goes_with_one_channel():
    reading = replace(read_axes((51, 52, 3)), remarks=("from CMYK", "alpha not used"))
    assert reading.describe() == "Y=51, X=52, 3 channels (RGB), from CMYK, alpha not used"
    assert reading.with_channel(1).describe() == "Y=51, X=52, only the 2nd of 3 channels, from CMYK, alpha not used"
    assert reading.without_channels().remarks == ()


def test_one_channel_is_counted_from_0_and_said_without_counting():
    reading = read_axes((30, 3, 64, 48), axes="ZCYX", channel=2)
    assert (reading.channels, reading.size("C"), reading.rgb) == (1, 3, False)
    assert reading.describe() == "Z=30, Y=64, X=48, only the 3rd of 3 channels"
    assert not read_axes((64, 48, 3), dtype="uint8", channel=0).rgb
    assert reading.with_channel(None).channels == 3
    with pytest.raises(ImageError, match=r"a\.tif: there is no channel 3"):
        reading.with_channel(3, "a.tif")


def test_a_dask_array_of_unknown_length_is_a_sentence_that_says_what_to_call():
    selected = dask.array.ones((6, 8, 8), chunks=(1, 8, 8))
    selected = selected[selected.sum(axis=(1, 2)) > 0]
    with pytest.raises(ImageError, match=r"cells: how long its axes are is not known .* compute_chunk_sizes\(\)"):
        read_axes(selected.shape, dtype=selected.dtype, name="cells")
    selected.compute_chunk_sizes()
    assert read_axes(selected.shape, axes="ZYX").shape == (6, 8, 8)


def test_several_channels_are_said_in_their_order_and_counted():
    reading = read_axes((4, 20, 30), axes="CYX", channel=[3, 0])
    assert (reading.chosen, reading.channel, reading.channels, reading.rgb) == ((3, 0), None, 2, False)
    assert reading.describe() == "Y=20, X=30, the 4th and 1st of 4 channels"
    with pytest.raises(ImageError, match=r"there is no channel 4, 7; .* 4 channels, counted from 0"):
        reading.with_channel((0, 4, 7))
