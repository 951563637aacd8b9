"""Labels go to their file's grid, in the smallest type, plane by plane."""

import io
import zlib
from pathlib import Path

import dask.array as da
import numpy as np
import pytest
import zarr

from src_models.errors import OutputError
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.label_grid import check_not_the_scan, label_grid, packed, planes, smallest_type

GEOMETRY = VolumeGeometry.of_grid(np.diag([3.0, -1.0, 1.0, 1.0])[[1, 0, 2, 3]], (4, 5, 6), path=Path("scan.nrrd"))


@pytest.mark.parametrize("form", [np.asarray, da.from_array, zarr.array])
def test_labels_are_brought_to_the_grid_of_the_file(form):
    grid = np.arange(120).reshape(4, 5, 6)
    labels = np.ascontiguousarray(GEOMETRY.to_data(grid))
    np.testing.assert_array_equal(np.asarray(label_grid(form(labels), GEOMETRY)), grid)
    film = np.stack([labels, labels + 1])
    np.testing.assert_array_equal(np.asarray(label_grid(form(film), GEOMETRY)), np.stack([grid, grid + 1]))


WRONG = [np.zeros((4, 5, 6), int), np.zeros(GEOMETRY.shape), np.zeros(GEOMETRY.shape[1:], int)]


@pytest.mark.parametrize("labels", WRONG)
def test_what_is_no_labels_of_the_scan_is_refused(labels):
    with pytest.raises(ValueError, match="are no labels of a scan of shape"):
        label_grid(labels, GEOMETRY)


@pytest.mark.parametrize(("largest", "dtype"), [(0, "u1"), (255, "u1"), (256, "u2"), (65_536, "u4")])
def test_the_type_is_the_smallest_that_holds_all(largest, dtype):
    grid = np.zeros((2, 3, 4), int)
    grid[1, 2, 3] = largest
    assert smallest_type(grid) == np.dtype(dtype)
    with pytest.raises(ValueError, match=r"negative \(-1\)"):
        smallest_type(grid - 1 - largest * (grid > 0))


def test_planes_follow_each_other_as_files_store_them():
    film = np.arange(120).reshape(2, 3, 4, 5)
    np.testing.assert_array_equal(np.stack(list(planes(film))).reshape(film.shape), film)


def test_the_scan_itself_is_never_written():
    check_not_the_scan(Path("other.nrrd"), GEOMETRY)
    with pytest.raises(OutputError, match="is the scan itself"):
        check_not_the_scan(Path("folder/../scan.nrrd"), GEOMETRY)


def test_what_is_packed_stands_behind_what_is_there_and_is_the_same_each_time():
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        file.write(b"header")
        with packed(file) as within:
            within.write(b"values" * 100)
    content = files[0].getvalue()
    assert content == files[1].getvalue()
    assert content[:6] == b"header"
    assert zlib.decompress(content[6:], wbits=31) == b"values" * 100
