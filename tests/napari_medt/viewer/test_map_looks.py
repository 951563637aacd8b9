"""How a map looks: limits about the bulk of its values, as round numbers, until a person sets others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from napari.layers import Image

from napari_medt.viewer.map_looks import contrast_limits, map_appearance, sample, stretch
from src_models.attention.placed_map import PlacedMap
from src_models.attention.words import LOOK, RELEVANCE


def placed(data, kind="attention"):
    data = np.asarray(data, np.float32)
    return PlacedMap("gate 3", kind, "what it is", 3, data, (1.0,) * data.ndim, (0.0,) * data.ndim)


@given(st.integers(0, 1000), st.floats(1e-3, 1e3), st.floats(-5, 5))
def test_limits_hold_the_bulk_of_the_values_closely(seed, spread, offset):
    values = np.random.default_rng(seed).normal(offset, spread, (40, 50))
    low, high = contrast_limits(placed(values))
    first, last = np.percentile(values.astype(np.float32), (1, 99))
    assert low <= first + 1e-6 * spread
    assert high >= last - 1e-6 * spread
    assert high - low <= 1.25 * (last - first)


def test_limits_are_numbers_that_can_be_read_off_a_colour_bar():
    low, high = contrast_limits(placed(np.linspace(0.0123, 0.8765, 4000).reshape(40, 100)))
    assert (low, high) == (0.0, 0.9)


def test_of_a_place_that_looks_elsewhere_weights_begin_at_0_and_the_few_largest_do_not_hide_the_others():
    weights = np.full((40, 50), 0.001)
    weights[3, 3] = 0.9
    assert contrast_limits(placed(weights, LOOK)) == (0.0, 0.001)


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_a_map_of_one_value_has_limits_that_napari_takes(value):
    low, high = contrast_limits(placed(np.full((8, 8), value)))
    assert low < high
    Image(np.zeros((8, 8)), contrast_limits=(low, high))


@pytest.mark.parametrize("shape", [(2000, 3000), (1, 4000, 1, 2000), (7, 9), (300, 400, 500)])
def test_a_sample_is_from_all_over_the_map_and_small(shape):
    data = np.broadcast_to(np.float32(1), shape)
    found = sample(data)
    assert found.ndim == len(shape)
    assert found.size <= 2**16
    assert all(after == 1 or after >= 7 for after, before in zip(found.shape, shape, strict=True) if before > 1)


def test_limits_that_a_person_set_stay():
    one, other = placed(np.linspace(0, 1, 400).reshape(20, 20)), placed(np.linspace(0, 0.1, 400).reshape(20, 20))
    layer = Image(one.data, **map_appearance(one))
    before = tuple(layer.contrast_limits)
    assert stretch(layer, other, before) == contrast_limits(other)
    assert tuple(layer.contrast_limits) == contrast_limits(other)
    layer.contrast_limits = (0, 0.05)
    stretch(layer, one, contrast_limits(other))
    assert tuple(layer.contrast_limits) == (0, 0.05)


@pytest.mark.parametrize(("most", "limit"), [(0.0, 1.0), (0.3, 1.0), (3.7, 5.0)])
def test_of_what_speaks_for_a_class_only_what_is_more_than_average_is_brightest(most, limit):
    values = np.zeros((20, 20))
    values[3, 4] = most
    assert contrast_limits(placed(values, RELEVANCE)) == (0.0, limit)
