"""What a layer's axes are taken for."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_medt.viewer.layer_notes import LayerNotes
from napari_medt.viewer.reading import (
    AS_SHOWN,
    ReadAs,
    choose_grey,
    choose_reading,
    chosen_grey,
    full_resolution,
    grey_range_of,
    read_layer,
    reading_event,
)
from src_models.errors import ImageError
from src_models.images.grey.grey_range import GreyRange


def test_a_stack_with_pixel_size_is_described_in_a_line():
    layer = Image(np.zeros((40, 64, 48)), scale=(0.5, 0.5, 0.5), units="um")
    assert read_layer(layer).describe() == "Z=40, Y=64, X=48, 1 channel, 0.5 µm"


def test_axis_labels_win_over_the_guess():
    layer = Image(np.zeros((7, 3, 64, 48)), axis_labels=("time", "z", "y", "x"))
    assert read_layer(layer).axes == "TZYX"


def test_axes_by_hand_win_over_axis_labels():
    layer = Image(np.zeros((7, 64, 48)), axis_labels=("z", "y", "x"))
    assert read_layer(layer, "TYX").axes == "TYX"


def test_a_colour_layer_has_channels_last():
    layer = Image(np.zeros((64, 48, 3), np.uint8), rgb=True, axis_labels=("y", "x"))
    assert (read_layer(layer).axes, read_layer(layer).rgb) == ("YXC", True)


def test_a_colour_layer_refuses_axes_without_channels():
    layer = Image(np.zeros((64, 48, 3), np.uint8), rgb=True, name="tissue")
    with pytest.raises(ImageError, match=r"layer 'tissue'.*must end with C"):
        read_layer(layer, "ZYX")


@pytest.mark.parametrize("dtype", ["float32", "int16"])
def test_a_layer_that_napari_shows_in_colour_is_colours_whatever_its_type(dtype):
    assert read_layer(Image(np.zeros((64, 48, 3), dtype))).describe() == "Y=64, X=48, 3 channels (RGB)"


def test_two_channels_at_the_end_are_channels_and_three_without_colour_are_asked_about():
    assert read_layer(Image(np.zeros((64, 48, 2)))).describe() == "Y=64, X=48, 2 channels"
    with pytest.raises(ImageError, match=r"layer 'strips': its last axis has 3 values .* is not shown as colours"):
        read_layer(Image(np.zeros((64, 48, 3)), rgb=False, name="strips"))


def test_pixel_size_includes_the_affine():
    affine = np.diag([1.0, 2.0, 4.0, 1.0])
    layer = Image(np.zeros((9, 64, 48)), scale=(3, 0.5, 0.25), affine=affine, units="mm")
    reading = read_layer(layer)
    assert dict(reading.spacing) == pytest.approx({"Z": 3.0, "Y": 1.0, "X": 1.0})
    assert reading.unit == "mm"


def test_units_that_differ_are_brought_to_that_of_x():
    layer = Image(np.zeros((9, 64, 48)), scale=(300, 0.5, 0.25), units=("nm", "um", "um"))
    assert dict(read_layer(layer).spacing) == pytest.approx({"Z": 0.3, "Y": 0.5, "X": 0.25}, rel=1e-9)
    layer = Image(np.zeros((3, 64, 48)), scale=(30, 0.5, 0.25), units=("s", "mm", "mm"), axis_labels=("t", "y", "x"))
    assert read_layer(layer).describe() == "T=3, Y=64, X=48, 1 channel, 0.5 x 0.25 mm"


def test_small_pixels_in_a_large_unit_keep_their_size():
    layer = Image(np.zeros((64, 48)), scale=(3.7e-10, 3.7e-10), units="m")
    assert dict(read_layer(layer).spacing) == pytest.approx({"Y": 3.7e-10, "X": 3.7e-10}, rel=1e-9)


def test_the_file_s_word_on_a_scan_goes_with_its_layer():
    notes = LayerNotes(modality="MR", padding=((4000.0, 4095.0),))
    reading = read_layer(Image(np.zeros((9, 64, 48)), metadata=notes.metadata()))
    assert (reading.modality, reading.padding) == ("MR", ((4000.0, 4095.0),))
    stored = LayerNotes(padding=[[4000.0, 4095.0]])  # as JSON gives it back
    assert read_layer(Image(np.zeros((64, 48)), metadata=stored.metadata())).padding == ((4000.0, 4095.0),)
    unsaid = read_layer(Image(np.zeros((64, 48))))
    assert (unsaid.modality, unsaid.padding) == (None, ())


def test_a_pyramid_is_read_at_full_resolution():
    levels = [np.zeros((64, 48)), np.zeros((32, 24))]
    layer = Image(levels, multiscale=True)
    assert full_resolution(layer) is levels[0]
    assert read_layer(layer).shape == (64, 48)


@pytest.mark.parametrize(
    "shape", [pytest.param((2,) * 4 + (32, 32), id="6D"), pytest.param((7,) * 3 + (9, 9, 9, 9), id="7D")]
)
def test_too_many_axes_are_refused_by_name(shape):
    with pytest.raises(ImageError, match="layer 'many'"):
        read_layer(Image(np.zeros(shape), name="many"))


@pytest.mark.parametrize("step", [3.7e-10, 0.3, 12345.678])
def test_a_pixel_keeps_its_size_in_any_unit(step):
    """An atom's image in metres; to nine digits."""
    layer = Image(np.zeros((64, 48)), scale=(step, 2 * step), translate=(5 * step, 0), units="m")
    reading = read_layer(layer)
    assert dict(reading.spacing) == pytest.approx({"Y": step, "X": 2 * step}, rel=1e-8, abs=0)
    assert reading.describe().endswith(f"{step:.4g} x {2 * step:.4g} m")


def test_several_channels_that_were_chosen_are_read_in_their_order():
    layer = Image(np.zeros((4, 64, 48)))
    choose_reading(layer, ReadAs(None, (3, 0, 1)))
    assert read_layer(layer).chosen == (3, 0, 1)
    assert read_layer(layer, "CXY").chosen == (3, 0, 1)


def test_a_range_of_grey_values_stays_with_its_layer_and_is_told():
    layer, other = Image(np.zeros((64, 48))), Image(np.zeros((64, 48)))
    told = []
    reading_event(layer).connect(lambda _: told.append(chosen_grey(layer)))
    choose_grey(layer, GreyRange(5, 90))
    assert (grey_range_of(layer), grey_range_of(other)) == (GreyRange(5, 90), None)
    choose_grey(layer, None)
    assert told == [GreyRange(5, 90), None]


def test_as_shown_is_what_the_contrast_limits_are_when_it_is_asked():
    layer = Image(np.arange(64 * 48, dtype=np.float32).reshape(64, 48))
    choose_grey(layer, AS_SHOWN)
    for limits in ((10.0, 200.0), (0.0, 3000.0)):
        layer.contrast_limits = limits
        assert grey_range_of(layer) == GreyRange(*limits)
