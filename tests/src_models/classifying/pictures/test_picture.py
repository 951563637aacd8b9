"""A picture keeps its proportions, is mirrored where it is too narrow, and is normalised by itself."""

from __future__ import annotations

import numpy as np
import pytest
from toy_classes import toy_header

from src_models.classifying.pictures.picture import fitted, model_size, prepared
from src_models.errors import ImageError
from src_models.images.axes import read_axes
from src_models.images.grey.intensity import Normalisation
from src_models.models.header import Intensity


def test_a_picture_of_the_size_is_left_as_it_is():
    picture = np.random.default_rng(0).integers(0, 255, (3, 16, 16), np.uint8)
    assert fitted(picture, 16) is picture


def test_a_narrow_picture_is_mirrored_on_both_sides():
    picture = np.arange(16 * 10).reshape(1, 16, 10)
    assert (fitted(picture, 16) == np.pad(picture, [(0, 0), (0, 0), (3, 3)], mode="symmetric")).all()


def test_a_larger_picture_is_made_smaller_with_its_proportions():
    # A ramp along x and one along y stay ramps: at the middle of each new pixel they have the value of that place.
    y, x = np.mgrid[:60, :30].astype(np.float32)
    found = fitted(np.stack([y, x]), 20)
    assert found.shape == (2, 20, 20)
    places = (np.arange(20) + 0.5) * 3 - 0.5
    assert np.abs(found[0, 2:-2, 5] - places[2:-2]).max() < 1e-3
    assert np.abs(found[1, 10, 6:14] - places[1:9]).max() < 1e-3
    assert (found[:, :, 0] == found[:, :, 9]).all()  # 10 px wide, with 5 mirrored on each side


def test_each_picture_is_normalised_by_itself_unless_a_person_chose_the_range():
    header = toy_header(8, intensity=Intensity(kind="percentile", low=0, high=100))
    dim, bright = (np.linspace(a, b, 64).reshape(1, 8, 8) for a, b in ((3, 5), (300, 700)))
    assert np.abs(prepared(dim, header) - prepared(bright, header)).max() < 1e-5
    assert (prepared(dim, header).min(), prepared(dim, header).max()) == (0, 1)
    chosen = prepared(bright, header, normalisation=Normalisation(0, 1000, 0, 1000))
    assert np.abs(chosen - bright / 1000).max() < 1e-6


def test_values_that_are_no_numbers_say_nothing():
    header = toy_header(8)
    picture = np.full((1, 8, 8), 100.0)
    picture[0, 2, 3] = np.nan
    assert np.isfinite(prepared(picture, header)).all()
    assert (prepared(np.full((1, 8, 8), np.nan), header) == 0).all()
    wide = np.full((1, 12, 12), 50.0)
    wide[0, 5, 5] = np.inf
    assert np.abs(prepared(wide, header) - 0.25).max() < 1e-6


def test_padding_of_a_scan_does_not_set_the_range():
    header = toy_header(8, intensity=Intensity(kind="percentile", low=0, high=100))
    values = np.linspace(10, 20, 64).reshape(1, 8, 8)
    values[0, 0] = -2000
    from dataclasses import replace

    reading = replace(read_axes((8, 8), dtype=values.dtype), padding=((-2000.0, -2000.0),))
    inside = prepared(values, header, reading=reading)[0, 1:]
    assert (inside.min(), inside.max()) == (0, 1)


def test_channels_are_the_model_s_or_it_is_refused():
    grey, colour = toy_header(8), toy_header(8, channels=("red", "green", "blue"))
    picture = np.random.default_rng(0).uniform(0, 200, (3, 8, 8))
    luma = 0.299 * picture[0] + 0.587 * picture[1] + 0.114 * picture[2]
    assert np.abs(prepared(picture, grey)[0] - luma / 200).max() < 1e-5
    assert np.abs(prepared(picture[:1], colour) - picture[:1] / 200).max() < 1e-6
    with pytest.raises(ImageError, match="here has 2 channels"):
        prepared(picture[:2], grey, "here")
    assert model_size(grey) == 8
