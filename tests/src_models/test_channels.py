"""Which images a model takes, and what it makes of their channels."""

import numpy as np
import pytest

from src_models.channels import as_channels, check_channels
from src_models.errors import ImageError
from src_models.header import RGB, ModelHeader

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
