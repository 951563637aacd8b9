"""Resizing by region: the same as resizing the whole, and where the pixels' centres say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.images.resampling import read_resized, zoomed_shape


def resized(image, shape, region=None, order=1):
    spatial = image.shape[image.ndim - len(shape) :]
    region = region or [slice(0, n) for n in shape]
    return read_resized(lambda part: image[(..., *part)], spatial, shape, region, order=order)


@st.composite
def cases(draw):
    count = draw(st.sampled_from([1, 2, 3]))
    most = {1: 80, 2: 30, 3: 12}[count]
    shape = draw(st.tuples(*[st.integers(1, most)] * count))
    target = draw(st.tuples(*[st.integers(1, most)] * count))
    region = []
    for size in target:
        start = draw(st.integers(0, size - 1))
        region.append(slice(start, draw(st.integers(start + 1, size))))
    return shape, target, region


@given(case=cases(), order=st.sampled_from([0, 1]))
def test_a_region_read_alone_equals_the_same_region_of_the_whole(case, order):
    shape, target, region = case
    image = np.random.default_rng(0).random((2, *shape)).astype(np.float32)
    whole = resized(image, target, order=order)
    assert whole.shape == (2, *target)
    alone = resized(image, target, region, order=order)
    np.testing.assert_allclose(alone, whole[(slice(None), *region)], atol=2e-6)


@given(case=cases())
def test_nearest_takes_the_pixel_under_each_centre(case):
    shape, target, _ = case
    image = np.arange(np.prod(shape)).reshape(shape)
    found = resized(image, target, order=0)
    assert found.dtype == image.dtype
    for index in np.ndindex(*target):
        exact = [(i + 0.5) * n / m for i, n, m in zip(index, shape, target, strict=True)]
        near = [
            {int(e - 1e-9), int(e)} if abs(e - round(e)) < 1e-9 else {int(e)} for e in exact
        ]  # on an edge both neighbours are as near
        value = np.unravel_index(found[index], shape)
        assert all(v in allowed for v, allowed in zip(value, near, strict=True))


def test_the_same_size_is_the_array_itself():
    image = np.random.default_rng(0).random((3, 7, 9))
    np.testing.assert_array_equal(resized(image, (7, 9)), image)


@pytest.mark.parametrize("size", [40, 150, 73, 400])
def test_a_ramp_stays_the_ramp(size):
    """Pixel i of the result has its centre at (i + 1/2) n / m - 1/2: half-pixel centres, no shift."""
    ramp = np.arange(100, dtype=np.float32)
    found = resized(ramp, (size,))
    centres = (np.arange(size) + 0.5) * 100 / size - 0.5
    inside = (centres > 8) & (centres < 91)
    assert inside.sum() > 0.8 * size
    np.testing.assert_allclose(found[inside], centres[inside], atol=1e-4)


def test_enlarging_agrees_with_torch():
    import torch

    image = np.random.default_rng(0).random((1, 1, 9, 13)).astype(np.float32)
    expected = torch.nn.functional.interpolate(torch.from_numpy(image), (31, 20), mode="bilinear", align_corners=False)
    np.testing.assert_allclose(resized(image, (31, 20)), expected.numpy(), atol=1e-6)


def test_shrinking_does_not_alias():
    """A checkerboard, finer than the new grid, becomes grey, not stripes."""
    y, x = np.mgrid[:120, :120]
    board = ((y + x) % 2).astype(np.float32)
    assert np.abs(resized(board, (30, 30))[3:-3, 3:-3] - 0.5).max() < 0.02


def test_little_more_than_the_region_is_read():
    asked = []

    def read(part):
        asked.append(part)
        return np.zeros([p.stop - p.start for p in part], np.float32)

    read_resized(read, (10000, 10000), (5000, 5000), (slice(1000, 1100), slice(0, 50)))
    (rows, columns), *others = asked
    assert not others
    assert 1990 <= rows.start <= 2000
    assert 2200 <= rows.stop <= 2210
    assert columns.start == 0
    assert 100 <= columns.stop <= 110


@pytest.mark.parametrize(("shape", "zoom", "expected"), [((100, 60), 0.5, (50, 30)), ((3, 1), 0.1, (1, 1))])
def test_a_zoomed_shape_has_at_least_a_pixel(shape, zoom, expected):
    assert zoomed_shape(shape, zoom) == expected
