"""At which scale a model that was made for a spacing sees an image."""

import pytest

from src_models.errors import UserError
from src_models.images.axes import read_axes
from src_models.images.spacing import parse_spacing, seen_at, spacing_words
from src_models.models.header import ModelHeader


def header(*spacing, unit="mm"):
    dimensions = len(spacing) or 2
    return ModelHeader(
        name="organs",
        purpose="",
        architecture="unet",
        config={},
        classes=("background", "liver"),
        channels=("grey",),
        dimensions=dimensions,
        tile=(64,) * dimensions,
        overlap=(8,) * dimensions,
        spacing=spacing or None,
        unit=unit if spacing else None,
    )


def reading(*spacing, unit="mm", axes="ZYX", shape=(40, 200, 100)):
    return read_axes(shape, axes=axes, spacing=dict(zip(axes, spacing, strict=True)), unit=unit)


def test_the_factors_are_the_ratio_of_the_sizes_along_each_axis_that_the_network_sees():
    assert seen_at(reading(5, 0.75, 3), header(1.5, 1.5)).zoom == (0.5, 2.0)
    assert seen_at(reading(5, 0.75, 3), header(2.5, 1.5, 1.5)).zoom == (2.0, 0.5, 2.0)
    assert seen_at(reading(5, 0.75, 0.75), header(1.5, 1.5)).zoom == 0.5
    sideways = reading(3, 5, 0.75, axes="YZX", shape=(40, 200, 100))
    assert seen_at(sideways, header(2.5, 1.5, 1.5)).zoom == (2.0, 2.0, 0.5)


@pytest.mark.parametrize(
    ("size", "unit", "wanted", "of_model"),
    [
        pytest.param(750, "micrometer", 1.5, "mm", id="µm, for mm"),
        pytest.param(0.075, "centimeter", 1.5, "millimeter", id="cm, for mm"),
        pytest.param(250, "nm", 0.5, "µm", id="nm, for µm"),
        pytest.param(0.25, "um", 0.5, "micron", id="the same unit by two names"),
    ],
)
def test_units_are_brought_to_the_model_s(size, unit, wanted, of_model):
    found = seen_at(reading(1, size, size, unit=unit), header(wanted, wanted, unit=of_model))
    assert found.known
    assert found.zoom == pytest.approx(0.5)


def test_an_image_at_the_spacing_and_a_model_without_one_change_nothing():
    equal = seen_at(reading(5, 1.5, 1.5), header(1.5, 1.5))
    assert (equal.zoom, equal.known, equal.words, equal.note) == (1.0, True, "", "")
    # 100 px of 1.503 mm are 100.2 px of 1.5 mm: there is no pixel more, and nothing to resample.
    assert seen_at(reading(5, 1.503, 1.503), header(1.5, 1.5)).zoom == 1.0
    free = seen_at(reading(5, 0.7, 0.7), header())
    assert (free.zoom, free.known, free.note) == (1.0, False, "")


def test_where_the_size_is_not_known_the_image_is_seen_as_it_is_and_that_is_said():
    unknown = seen_at(read_axes((40, 200, 100), axes="ZYX"), header(1.5, 1.5), "liver.tif")
    assert (unknown.zoom, unknown.known, unknown.words) == (1.0, False, "")
    assert "pixels of 1.5 mm, and how large those of liver.tif are is not known" in unknown.note
    in_space = seen_at(read_axes((40, 200, 100), axes="ZYX", spacing=(2, 2, 2)), header(3, 1.5, 1.5))
    assert "voxels of 3 x 1.5 x 1.5 mm" in in_space.note


@pytest.mark.parametrize(
    ("size", "unit", "dimensions"),
    [
        pytest.param(0.3, "µm", 2, id="a cell, for a model of organs"),
        pytest.param(750, "mm", 2, id="metres across a pixel"),
        pytest.param(60, "mm", 3, id="too many voxels"),
    ],
)
def test_a_size_that_is_far_off_is_not_followed(size, unit, dimensions):
    found = seen_at(reading(size, size, size, unit=unit), header(*(1.5,) * dimensions))
    assert (found.zoom, found.known) == (1.0, False)
    assert "too far off to resample" in found.note


def test_what_is_done_is_said_in_words():
    assert seen_at(reading(5, 0.75, 3), header(1.5, 1.5)).words == "image resampled from 0.75 x 3 to 1.5 mm"
    assert spacing_words((5, 0.703125, 0.703125), "mm") == "5 x 0.703 x 0.703 mm"
    assert spacing_words((2.0, 2.0), "µm") == "2 µm"


def test_a_spacing_is_read_as_people_write_it():
    assert parse_spacing("3, 1.5,1.5", "mm") == (3, 1.5, 1.5)
    assert parse_spacing("", "mm") is None


@pytest.mark.parametrize(
    ("text", "unit", "words"),
    [
        ("1.5;1.5", "mm", "no list of sizes"),
        ("1.5,0", "mm", "no list of sizes"),
        ("inf,1", "mm", "no list of sizes"),
        ("1.5,1.5", "second", "no unit of length"),
    ],
)
def test_what_is_no_spacing_is_refused(text, unit, words):
    with pytest.raises(UserError, match=words):
        parse_spacing(text, unit)
