"""Tables of colours: which of them show grey values, and which make a picture."""

import doctest

import numpy as np
import pytest

import src_models.files.pixels.palettes
from src_models.files.pixels.palettes import as_bytes, is_for_looking, is_grey

STEPS = np.arange(256)
HOT = np.stack([np.clip(3 * STEPS - shift, 0, 255) for shift in (0, 255, 510)])
RANDOM = np.random.default_rng(0).integers(0, 256, (3, 256))


def test_examples_in_the_docstring_hold():
    assert doctest.testmod(src_models.files.pixels.palettes).failed == 0


@pytest.mark.parametrize(
    ("table", "anywhere", "of_grey"),
    [
        pytest.param(np.stack([STEPS] * 3), True, True, id="grey, each number itself"),
        pytest.param(np.stack([255 - STEPS] * 3), False, False, id="grey, the other way round"),
        pytest.param(np.stack([np.arange(16) * 17] * 3), False, False, id="sixteen greys, spread"),
        pytest.param(HOT, True, True, id="hot"),
        pytest.param(np.stack([STEPS, STEPS, 255 - STEPS]), False, True, id="blue to yellow"),
        pytest.param(RANDOM, False, False, id="colours of a picture"),
    ],
)
def test_what_is_for_looking(table, anywhere, of_grey):
    table = table.astype(np.uint8)
    assert is_for_looking(table, of_grey=False) == anywhere
    assert is_for_looking(table, of_grey=True) == of_grey


@pytest.mark.parametrize("factor", [1, 256, 257])
def test_bytes_in_16_bits_become_bytes(factor):
    table = as_bytes((RANDOM * factor).astype(np.uint16))
    assert table.dtype == np.uint8
    np.testing.assert_array_equal(table, RANDOM)


def test_finer_colours_keep_their_16_bits():
    table = (RANDOM * 257 + 1).astype(np.uint16)
    np.testing.assert_array_equal(as_bytes(table), table)
    assert not is_grey(table)
