"""What grey values say, of objects whose values are drawn from known distributions."""

from __future__ import annotations

import numpy as np
import pytest

from src_models.clicking.answering.grey_values import MOST, GreyValues


def scene(seed, inside_mean, outside_mean, spread=0.02, channels=1):
    """A disc of one brightness in another, and where it is."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:64, :64]
    inside = (rows - 30) ** 2 + (columns - 34) ** 2 <= 14**2
    grey = np.where(inside, inside_mean, outside_mean) + random.normal(0, spread, inside.shape)
    return np.repeat(grey[None].astype(np.float32), channels, axis=0), inside


def test_what_is_as_bright_as_the_object_speaks_for_it_and_what_is_like_its_surroundings_against():
    image, inside = scene(0, 0.8, 0.2)
    values = GreyValues(image, inside)
    other, moved = scene(1, 0.8, 0.2)
    other, moved = np.roll(other, 9, axis=2), np.roll(moved, 9, axis=1)
    evidence = values.evidence(other)
    assert np.median(evidence[moved]) > 1
    assert np.median(evidence[~moved]) < -1
    assert values.own > 1
    assert np.abs(evidence).max() <= MOST + 1e-6


def test_an_object_like_its_surroundings_has_nothing_to_say():
    image, inside = scene(0, 0.5, 0.5, spread=0.1)
    assert abs(GreyValues(image, inside).own) < 0.5


def test_values_never_seen_before_are_rather_not_the_object():
    image, inside = scene(0, 0.8, 0.2)
    between = np.full_like(image, 0.5)
    evidence = GreyValues(image, inside).evidence(between)
    np.testing.assert_allclose(evidence, np.log(0.02 / 0.2), atol=0.05)  # as the shares of new values say


@pytest.mark.parametrize("channels", [1, 3])
def test_of_colours_the_mean_counts(channels):
    image, inside = scene(0, 0.8, 0.2)
    colours = np.repeat(image, channels, axis=0) * np.linspace(0.5, 1.5, channels)[:, None, None].astype(np.float32)
    if channels > 1:
        np.testing.assert_allclose(colours.mean(0), image[0], rtol=1e-5)
        expected = GreyValues(image, inside).evidence(image)
        np.testing.assert_allclose(GreyValues(colours, inside).evidence(colours), expected, atol=0.35)


def test_a_single_cell_and_an_image_of_one_value_are_no_trouble():
    image, inside = np.zeros((1, 20, 20), np.float32), np.zeros((20, 20), bool)
    inside[5, 5] = True
    assert np.isfinite(GreyValues(image, inside).evidence(image)).all()
