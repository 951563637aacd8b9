"""An image ready for a model: how it is read, what is refused, and the planes that a network sees."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from src_models.errors import ImageError, UserError
from src_models.images.axes import read_axes
from src_models.images.grey.ct_windows import ct_window
from src_models.images.grey.grey_range import GreyRange
from src_models.images.model_image import ModelImage
from src_models.models.header import Intensity, ModelHeader

RNG = np.random.default_rng(0)
GREY = ModelHeader(
    name="m",
    purpose="",
    architecture="unet",
    config={},
    classes=("background", "cell"),
    channels=("grey",),
    intensity=Intensity(kind="window", low=0, high=100),
)
COLOUR = dataclasses.replace(GREY, channels=("red", "green", "blue"))
VOLUME = dataclasses.replace(GREY, dimensions=3, tile=(32,) * 3, overlap=(8,) * 3)


class Watched:
    """A lazy array that tells whether it was read."""

    def __init__(self, values):
        self.values, self.shape, self.dtype, self.read = values, values.shape, values.dtype, 0

    def __getitem__(self, index):
        self.read += 1
        return self.values[index]


def whole(source):
    return source.read([slice(0, size) for size in source.shape])


def test_nothing_is_read_before_a_plane_is_asked_for_and_its_range_is_measured_once():
    lazy = Watched(RNG.uniform(0, 100, (3, 20, 30)))
    image = ModelImage(lazy, GREY, axes="ZYX")
    assert lazy.read == 0
    image.plane((0,))
    measured = lazy.read
    assert measured > 0
    image.plane((1,))
    assert lazy.read == measured


@pytest.mark.parametrize("axes", ["TCZYX", "CZTYX", "YXTCZ"])
def test_a_plane_is_the_image_at_its_place_whatever_the_order_of_the_axes(axes):
    """Against plain indexing of the array whose axes are in the usual order."""
    usual = RNG.uniform(0, 100, (2, 3, 4, 10, 12))  # T, C, Z, Y, X
    array = np.transpose(usual, ["TCZYX".index(letter) for letter in axes])
    image = ModelImage(array, COLOUR, axes=axes)
    for plane in image.planes:
        at = dict(zip(image.planes.leading, plane, strict=True))
        assert_allclose(whole(image.plane(plane)), usual[at["T"], :, at["Z"]] / 100, rtol=1e-5)


def test_a_volume_is_one_plane_of_a_3d_network_and_many_of_a_2d_one():
    stack = RNG.uniform(0, 100, (6, 20, 30))
    assert whole(ModelImage(stack, VOLUME, axes="ZYX").plane(())).shape == (1, 6, 20, 30)
    flat = ModelImage(stack, GREY, axes="ZYX")
    assert len(flat.planes) == 6
    assert_allclose(whole(flat.plane((4,)))[0], stack[4] / 100, rtol=1e-5)


def test_one_channel_is_cut_out_by_number_or_by_the_reading():
    image = RNG.uniform(0, 100, (2, 20, 30))
    by_number = ModelImage(image, GREY, axes="CYX", channels=1)
    by_reading = ModelImage(image, GREY, axes=read_axes(image.shape, axes="CYX", channel=1))
    for seen in (by_number, by_reading):
        assert seen.reading.channel == 1
        assert_allclose(whole(seen.plane(()))[0], image[1] / 100, rtol=1e-5)


def test_grey_becomes_colour_and_colour_grey_as_a_model_needs_them():
    grey, colour = RNG.uniform(0, 100, (20, 30)), RNG.uniform(0, 100, (20, 30, 3))
    assert_allclose(whole(ModelImage(grey, COLOUR).plane(())), np.stack([grey / 100] * 3), rtol=1e-5)
    luma = colour @ np.array([0.299, 0.587, 0.114])
    assert_allclose(whole(ModelImage(colour, GREY, axes="YXC").plane(()))[0], luma / 100, rtol=1e-5)


def test_a_window_of_ct_is_used_in_place_of_the_models_own_intensity():
    scan = RNG.uniform(-1000, 1500, (20, 30)).astype(np.float32)
    seen = ModelImage(scan, GREY, intensity=ct_window("soft tissue").intensity)
    assert_allclose(whole(seen.plane(()))[0], np.clip((scan + 150) / 400, 0, 1), atol=1e-5)
    assert seen.header.intensity.low == -150
    assert GREY.intensity.low == 0


def test_a_zoom_makes_an_image_of_discs_so_much_larger():
    y, x = np.mgrid[:60, :80]
    disc = 100.0 * (np.hypot(y - 30, x - 40) < 15)
    image = ModelImage(disc, GREY)
    for zoom in (0.5, 1.5, 2):
        seen = whole(image.plane((), zoom))[0]
        assert seen.shape == (60 * zoom, 80 * zoom)
        assert seen.sum() == pytest.approx(np.pi * (15 * zoom) ** 2, rel=0.03)


def test_a_list_of_numbers_is_an_image_too():
    assert_array_equal(whole(ModelImage([[0, 50], [100, 100]], GREY).plane(())), [[[0, 0.5], [1, 1]]])


@pytest.mark.parametrize("plane", [(3,), (-1,), (), (0, 0)])
def test_a_plane_that_is_not_there_is_refused_with_how_the_image_is_read(plane):
    image = ModelImage(np.zeros((3, 20, 30)), GREY, axes="ZYX", name="stack.tif")
    with pytest.raises(UserError, match=r"stack\.tif has no plane .*; it is read as Z=3, Y=20, X=30"):
        image.plane(plane)


@pytest.mark.parametrize(
    ("image", "header", "options", "words"),
    [
        (np.zeros((2, 20, 30)), GREY, {"axes": "CYX"}, "has 2 channels and the model 'm' takes 1"),
        (np.zeros((20, 30)), VOLUME, {}, "a 3D model needs a stack"),
        (np.zeros((20, 30), complex), GREY, {}, "complex numbers"),
        (np.zeros((20, 30)), GREY, {"channels": 1}, "there is no channel 1"),
        (np.zeros((20, 30)), GREY, {"axes": "ZYX"}, "name 3 axes, but it has 2"),
        (np.zeros((4, 20, 30)), GREY, {"axes": read_axes((20, 30))}, "name 2 axes, but it has 3"),
    ],
)
def test_what_the_model_cannot_take_is_refused_at_once_by_its_name(image, header, options, words):
    with pytest.raises(ImageError, match=words) as told:
        ModelImage(image, header, name="cells.tif", **options)
    assert "cells.tif" in str(told.value)


def test_an_image_without_any_number_is_refused_when_it_is_looked_at():
    image = ModelImage(np.full((20, 30), np.nan), GREY, name="empty.tif")
    with pytest.raises(ImageError, match=r"empty\.tif has no value that is a finite number"):
        image.plane(())


def test_three_dyes_taken_for_colours_are_pointed_out_and_a_picture_is_not():
    dyes = np.zeros((3, 40, 40), np.uint8)
    for channel, columns in enumerate((slice(0, 8), slice(12, 20), slice(24, 32))):
        dyes[channel, 10:30, columns] = 200  # something bright in each, where the others are dark
    assert "look like three dyes" in ModelImage(dyes, COLOUR, axes="CYX").channel_note
    assert "look like three dyes" in ModelImage(np.moveaxis(dyes, 0, -1), COLOUR).channel_note
    stained = np.stack([RNG.integers(150, 250, (40, 40)).astype(np.uint8)] * 3, axis=-1)
    assert ModelImage(stained, COLOUR).channel_note is None
    assert ModelImage(dyes[0], COLOUR).channel_note is None


def test_a_scan_is_known_by_its_air_and_an_empty_image_by_its_single_value():
    scan = np.full((3, 40, 50), 40.0)
    scan[:, :8] = -1000
    for axes, header in (("ZYX", GREY), ("ZYX", VOLUME)):
        seen = ModelImage(scan, header, axes=axes)
        assert seen.shows_ct
        assert not seen.blank
    assert ModelImage(scan, COLOUR, axes="CYX").shows_ct, "three slices that were taken for channels"
    assert not ModelImage(RNG.integers(0, 255, (40, 50, 3)).astype(np.uint8), COLOUR).shows_ct
    empty = ModelImage(np.stack([np.full((40, 50), 3.0), scan[0]]), GREY, axes="CYX", channels=0)
    assert empty.blank
    assert not empty.shows_ct
    assert ModelImage(empty.data, GREY, axes="CYX", channels=1).shows_ct


PERCENTILE = Intensity(kind="percentile", low=0.5, high=99.8)
MEASURED = dataclasses.replace(COLOUR, intensity=PERCENTILE)


def cells():
    yy, xx = np.mgrid[:60, :70]
    return np.where((yy % 20 - 10) ** 2 + (xx % 20 - 10) ** 2 < 25, 180.0, 20.0) + RNG.normal(0, 3, yy.shape)


def test_how_it_is_read_is_said_in_one_line():
    image = np.stack([cells(), RNG.uniform(0, 9, (60, 70)), cells()[::-1]])
    low, high = np.percentile(image[[2, 0, 1]], (0.5, 99.8))
    seen = ModelImage(
        image, MEASURED, axes=read_axes(image.shape, axes="CYX", spacing=(2, 2), unit="um"), channels=(2, 0, 1)
    )
    assert seen.read_as == (
        "Y=60, X=70, the 3rd, 1st and 2nd of 3 channels, 2 µm, taken as red, green, blue, "
        f"grey values {low:.4g} to {high:.4g}"
    )
    chosen = ModelImage(image[0], MEASURED, intensity=GreyRange(10, 150))
    assert chosen.read_as == "Y=60, X=70, 1 channel, grey values 10 to 150"
    times = ModelImage(np.stack([cells(), 2 * cells()]), MEASURED, axes="TYX")
    assert times.read_as.endswith("(of the first time; each has its own)")


def test_dyes_are_refused_before_they_are_mixed_and_taken_once_chosen():
    image = np.stack([cells(), RNG.uniform(60, 180, (60, 70)), RNG.uniform(60, 180, (60, 70))])
    with pytest.raises(ImageError, match=r"look like three dyes.*--channels"):
        ModelImage(image, MEASURED, axes="CYX").check_colours()
    for channels in (0, (0, 1, 2), (1, 0, 0)):
        ModelImage(image, MEASURED, axes="CYX", channels=channels).check_colours()


def test_specks_that_set_the_range_are_told_and_those_that_were_left_out_too():
    image = np.kron(cells(), np.ones((4, 4)))
    specked = image.copy()
    specked[100:116, 100:116] = 60_000
    found = ModelImage(specked, MEASURED)
    assert "0.38 % of the pixels are far brighter" in found.grey_note
    assert found.far_brighter is None
    soft = image + 10_000 * np.exp(-np.hypot(*np.mgrid[-110:130, -110:170]) / 5)
    assert ModelImage(soft, MEASURED).grey_note is None
    assert "--grey-range" in ModelImage(soft, MEASURED).far_brighter
    assert ModelImage(soft, MEASURED, intensity=GreyRange(0, 200)).far_brighter is None
    assert ModelImage(image, MEASURED).far_brighter is None
