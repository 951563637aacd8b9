"""Squares are those of the image mirrored at its edge, whatever the array; a large plane is averaged over cells."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_classes import toy_header

from src_models.classifying.pictures.crops import Crops
from src_models.images.model_image import ModelImage

IMAGE = np.random.default_rng(0).integers(0, 255, (2, 30, 41), np.uint8)


def crops(data, plane=(1,), size=16):
    return Crops(ModelImage(data, toy_header(size), axes="ZYX"), plane)


@given(y=st.floats(0, 29), x=st.floats(0, 40), size=st.integers(1, 70))
def test_squares_are_cut_from_the_mirrored_image(y, x, size):
    padded = np.pad(IMAGE[1], 80, mode="symmetric")
    top, left = (round(place + 0.5 - size / 2) + 80 for place in (y, x))
    assert (crops(IMAGE).square(y, x, size)()[0] == padded[top : top + size, left : left + size]).all()


def test_a_lazy_array_gives_the_same_squares_from_few_reads(monkeypatch):
    monkeypatch.setattr(Crops, "BLOCK", 16)
    reads = []

    class Counted:
        shape, dtype, ndim = IMAGE.shape, IMAGE.dtype, 3

        def __getitem__(self, index):
            reads.append(index)
            return IMAGE[index]

    lazy, whole = crops(Counted()), crops(IMAGE)
    for y, x in ((3, 3), (4.5, 5), (8, 2), (29, 40), (28, 40)):
        assert (lazy.square(y, x, 6)() == whole.square(y, x, 6)()).all()
    assert len(reads) == 2


def test_a_large_plane_is_averaged_over_equal_cells(monkeypatch):
    data = np.random.default_rng(0).uniform(0, 100, (130, 200)).astype(np.float32)
    data[5, 7] = np.nan
    known = np.where(np.isnan(data), np.nanmin(data[:66]), data)
    for given_data in (data, da.from_array(data, chunks=50)):
        for band in (10, 10**9):
            monkeypatch.setattr("src_models.classifying.pictures.crops.BAND", band)
            reader = Crops(ModelImage(given_data, toy_header(8), axes="YX"), ())
            # 200 px are six times 4 x 8: cells of 6 px
            found = reader.whole()[0]
            cells = known[:126, :198].reshape(21, 6, 33, 6).mean((1, 3))
            cells[0, 1] = found[0, 1]  # what a missing value counts as depends on what is read with it
            assert np.abs(found - cells).max() < 1e-4
            assert np.isfinite(found).all()


@pytest.mark.parametrize("size", [16, 64])
def test_a_plane_that_is_not_much_larger_is_read_as_it_is(size):
    assert (crops(IMAGE, size=size).whole()[0] == IMAGE[1]).all()
