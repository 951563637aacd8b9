"""Cutting images into patches and putting them back."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.nets.patches import from_patches, to_patches


def noise(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@settings(max_examples=40)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(1, 5), st.integers(1, 5))
def test_patches_are_the_windows_row_by_row_and_go_back(images, channels, count, height, width):
    image = noise(images, channels, count * height, count * width)
    patches = to_patches(image, count)
    assert torch.equal(from_patches(patches, count), image)
    assert len(patches) == images * count**2
    for number, patch in enumerate(patches):
        n, place = divmod(number, count**2)
        top, left = height * (place // count), width * (place % count)
        assert torch.equal(patch, image[n, :, top : top + height, left : left + width])
