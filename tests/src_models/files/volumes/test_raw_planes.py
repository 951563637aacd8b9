"""Planes are read when they are asked for, from where they lie, and a file that changes is said to be damaged."""

from pathlib import Path

import numpy as np
import pytest

from src_models.errors import ImageError
from src_models.files.volumes.raw_planes import damaged, lazy_planes
from src_models.files.volumes.rescaling import Rescaling

VALUES = np.arange(60).reshape(3, 4, 5).astype(">i2")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.raw"
    path.write_bytes(b"header" + VALUES.tobytes())
    return path


def test_planes_come_rescaled_and_in_native_order(path):
    lazy = lazy_planes(path, VALUES.shape, VALUES.dtype, 6, kind="scan", rescaling=Rescaling(2, -1000))
    assert lazy.chunks == ((1, 1, 1), (4,), (5,))
    np.testing.assert_array_equal(lazy.compute(), VALUES * 2 - 1000)
    np.testing.assert_array_equal(lazy[1, ::-1, 2:4].compute(), VALUES[1, ::-1, 2:4] * 2 - 1000)
    assert lazy_planes(path, VALUES.shape, VALUES.dtype, 6, kind="scan").dtype == np.dtype("int16")


@pytest.mark.parametrize("offset", [7, -1])
def test_a_file_that_is_too_short_is_refused(path, offset):
    with pytest.raises(ImageError, match="is cut off"):
        lazy_planes(path, VALUES.shape, VALUES.dtype, offset, kind="scan")


def test_a_file_that_goes_is_said_to_be_damaged(path):
    lazy = lazy_planes(path, VALUES.shape, VALUES.dtype, 6, kind="scan")
    path.unlink()
    with pytest.raises(ImageError, match=f"{path}: the scan is cut off or damaged"):
        lazy.compute()


def test_the_reason_is_the_systems_where_it_has_one():
    assert "(No space)" in str(damaged(Path("a"), "scan", OSError(28, "No space")))
    assert "(odd)" in str(damaged(Path("a"), "scan", ValueError("odd")))
