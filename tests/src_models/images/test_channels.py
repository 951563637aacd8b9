"""Which images a model takes, and what it makes of their channels."""

import numpy as np
import pytest

from src_models.errors import ImageError, UserError
from src_models.images.axes import read_axes
from src_models.images.channels import (
    as_channels,
    channel_trouble,
    check_channels,
    looks_like_dyes,
    parse_channels,
)
from src_models.models.header import RGB, ModelHeader

GREY, TWO = ("grey",), ("nuclei", "membranes")


def header(channels):
    return ModelHeader(
        name="m", purpose="", architecture="unet", config={}, classes=("background", "cell"), channels=channels
    )


def image(count):
    return np.random.default_rng(0).integers(0, 255, (count, 4, 5)).astype(np.uint8)


@pytest.mark.parametrize(
    ("count", "channels", "fits"),
    [
        (1, GREY, True),
        (2, GREY, False),
        (3, GREY, True),
        (4, GREY, True),
        (5, GREY, False),
        (1, RGB, True),
        (2, RGB, False),
        (3, RGB, True),
        (4, RGB, True),
        (1, TWO, False),
        (2, TWO, True),
        (3, TWO, False),
        (1, ("a", "b", "c"), False),
        (3, ("a", "b", "c"), True),
        (4, ("a", "b", "c"), False),
    ],
)
def test_a_model_takes_its_channels_and_grey_and_colour_for_each_other(count, channels, fits):
    if fits:
        check_channels(count, header(channels), "cells")
        assert len(as_channels(image(count), header(channels), "cells")) == len(channels)
        return
    with pytest.raises(ImageError, match=f"cells has {count} channels and the model 'm' takes {len(channels)}"):
        as_channels(image(count), header(channels), "cells")


def test_grey_is_repeated_for_a_model_of_colours():
    grey = image(1)
    np.testing.assert_array_equal(as_channels(grey, header(RGB), ""), np.concatenate([grey] * 3))


def test_colours_become_grey_as_the_eye_sees_them():
    colours = image(3)
    expected = 0.299 * colours[0].astype(float) + 0.587 * colours[1] + 0.114 * colours[2]
    np.testing.assert_allclose(as_channels(colours, header(GREY), "")[0], expected, rtol=1e-6)
    white = np.full((3, 2, 2), 255, np.uint8)
    np.testing.assert_allclose(as_channels(white, header(GREY), ""), 255, rtol=1e-6)


@pytest.mark.parametrize("channels", [GREY, RGB])
def test_alpha_does_not_matter(channels):
    clear, opaque = image(4), image(4)
    clear[3], opaque[3] = 0, 255
    np.testing.assert_array_equal(as_channels(clear, header(channels), ""), as_channels(opaque, header(channels), ""))
    np.testing.assert_array_equal(
        as_channels(clear, header(channels), ""), as_channels(clear[:3], header(channels), "")
    )


def test_matching_channels_pass_as_they_are():
    two = image(2)
    np.testing.assert_array_equal(as_channels(two, header(TWO), ""), two)


def stained(seed=0):
    """Colours that go together on a bright ground."""
    density = np.abs(np.random.default_rng(seed).normal(size=(50, 50))) * 40
    return np.stack([230 - k * density for k in (1, 1.6, 0.6)])


def spots(seed):
    """Something bright in few places of a dark ground."""
    return np.where(np.random.default_rng(seed).random((50, 50)) > 0.9, 180.0, 10.0)


@pytest.mark.parametrize(
    ("values", "dyes"),
    [
        pytest.param(stained(), False, id="stained"),
        pytest.param(np.stack([spots(0)] * 3), False, id="grey picture"),
        pytest.param(np.stack([spots(0), spots(0) * 0.5, spots(0) * 0.9]), False, id="one dye in one false colour"),
        pytest.param(np.stack([spots(0), spots(1), spots(2)]), True, id="three dyes"),
        pytest.param(np.stack([spots(0), np.zeros((50, 50)), spots(1)]), True, id="two dyes"),
        pytest.param(np.stack([np.zeros((50, 50)), np.zeros((50, 50)), spots(1)]), True, id="blue alone"),
        pytest.param(np.zeros((3, 50, 50)), False, id="nothing"),
        pytest.param(np.full((3, 5, 5), np.nan), False, id="no numbers"),
    ],
)
def test_dyes_are_told_from_colours(values, dyes):
    assert looks_like_dyes(values) is dyes


def test_pictures_of_stained_tissue_are_no_dyes(shared):
    import imageio.v3 as iio

    for folder in ("dsb2018_histo", "monuseg_half", "nuinsseg_he", "bccd_wbc"):
        files = sorted((shared / "data" / folder / "images").iterdir())[::12]
        assert files
        for file in files:
            assert not looks_like_dyes(np.moveaxis(iio.imread(file)[..., :3], -1, 0)), file


@pytest.mark.parametrize(("text", "channels"), [("0", (0,)), ("2,0,1", (2, 0, 1)), (" 1, 1", (1, 1))])
def test_channels_are_read_as_people_list_them(text, channels):
    assert parse_channels(text) == channels


@pytest.mark.parametrize("text", ["", "DAPI", "1,", "-1", "0;1"])
def test_what_lists_no_channels_is_refused_with_an_example(text):
    with pytest.raises(UserError, match="such as 0 for the first"):
        parse_channels(text)


def trouble(values, axes, channels=RGB, **how):
    reading = read_axes(values.shape, axes=axes, **how)
    first = np.moveaxis(values, axes.index("C"), 0)
    return channel_trouble(reading, header(channels), first, "cells.tif")


DYES = np.stack([spots(0), spots(1), spots(2)])


@pytest.mark.parametrize("channels", [GREY, RGB])
def test_dyes_are_refused_until_a_person_chose(channels):
    assert "--channels in the shell" in trouble(DYES, "CYX", channels)
    assert trouble(DYES, "CYX", channels, channel=(0, 1, 2)) is None
    assert trouble(stained(), "CYX", channels) is None


def test_a_model_of_three_dyes_takes_them():
    assert trouble(DYES, "CYX", ("a", "b", "c")) is None


def test_a_fourth_channel_that_is_no_transparency_is_not_left_out_in_silence():
    picture = np.moveaxis(np.stack([*stained(), np.full((50, 50), 255.0)]), 0, -1)
    assert trouble(picture, "YXC") is None
    picture[..., 3] = spots(4) + np.random.default_rng(0).normal(size=(50, 50))
    assert "the fourth is no transparency" in trouble(picture, "YXC")


def test_what_was_chosen_and_does_not_fit_is_said():
    with pytest.raises(ImageError, match="2 channels were chosen and the model 'm' takes 3"):
        check_channels(2, header(RGB), "cells", chosen=True)
