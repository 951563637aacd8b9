"""Continuing images to sizes that divide, against NumPy."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from src_models.nets.padding import cropped_like, padded_to_multiple


@given(
    st.lists(st.integers(1, 9), min_size=2, max_size=3), st.integers(1, 5), st.integers(1, 3), st.integers(0, 2**32 - 1)
)
def test_the_last_pixels_go_on_to_the_next_multiple(size, multiple, fewest, seed):
    image = np.random.default_rng(seed).random((2, 3, *size), np.float32)
    wanted = [max(fewest * multiple, (n + multiple - 1) // multiple * multiple) for n in size]
    widths = [(0, 0), (0, 0), *((0, to - n) for n, to in zip(size, wanted, strict=True))]
    found = padded_to_multiple(torch.from_numpy(image), multiple, fewest=fewest)
    np.testing.assert_array_equal(found.numpy(), np.pad(image, widths, mode="edge"))
    np.testing.assert_array_equal(cropped_like(found, torch.from_numpy(image)).numpy(), image)


@pytest.mark.parametrize("size", [(8, 16), (4, 4, 8)])
def test_what_divides_is_not_copied(size):
    image = torch.zeros(1, 2, *size)
    assert padded_to_multiple(image, 4) is image


def test_a_result_with_other_channels_is_cropped_in_space_alone():
    assert cropped_like(torch.zeros(2, 5, 8, 12), torch.zeros(2, 1, 7, 9)).shape == (2, 5, 7, 9)
