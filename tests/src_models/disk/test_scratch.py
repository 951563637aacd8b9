"""Working arrays: small ones in memory, large ones in files that vanish."""

import gc
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import zarr

from src_models.disk import scratch
from src_models.disk.scratch import Scratch


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where scratch files go; arrays of over 1000 bytes are large."""
    monkeypatch.setattr(scratch, "IN_MEMORY_BYTES", 1000)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_small_arrays_are_in_memory_and_large_ones_on_disk(folder):
    working = Scratch()
    assert isinstance(working.zeros((10, 25), np.float32), np.ndarray)
    assert not list(folder.iterdir())
    large = working.zeros((10, 26), np.float32)
    assert isinstance(large, zarr.Array)
    assert len(list(folder.iterdir())) == 1
    working.close()


@pytest.mark.parametrize("shape", [(3, 40, 50), (2, 3, 5, 1500, 2)])
def test_both_kinds_read_and_write_by_slices(folder, shape):
    assert int(np.prod(shape)) * 2 > 1000
    values = np.random.default_rng(0).random(shape).astype(np.float16)
    working = Scratch()
    large = working.zeros(shape, np.float16)
    assert (large.shape, large.dtype) == (shape, np.float16)
    assert not np.asarray(large[...]).any()
    large[(slice(None), slice(1, 3))] = values[:, 1:3]
    np.testing.assert_array_equal(large[(slice(None), slice(1, 3))], values[:, 1:3])
    assert not np.asarray(large[:, :1]).any()
    working.close()


def test_two_large_arrays_do_not_share_a_file(folder):
    working = Scratch()
    first, second = (working.zeros((600,), np.float32) for _ in range(2))
    first[:] = np.ones(600)
    assert not np.asarray(second[:]).any()
    working.close()


def test_closing_removes_the_files_and_may_be_done_twice(folder):
    working = Scratch()
    working.zeros((600,), np.float32)
    working.close()
    assert not list(folder.iterdir())
    working.close()


def test_files_go_with_the_object_without_a_warning(folder):
    working = Scratch()
    working.zeros((600,), np.float32)
    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always")
        del working
        gc.collect()
    assert not list(folder.iterdir())
    assert not [w for w in raised if issubclass(w.category, ResourceWarning)]


def test_the_folder_is_the_systems_for_temporary_files(folder):
    working = Scratch()
    working.zeros((600,), np.float32)
    (made,) = folder.iterdir()
    assert made.name.startswith("napari-medt-")
    assert made.parent == Path(tempfile.gettempdir())
    working.close()
