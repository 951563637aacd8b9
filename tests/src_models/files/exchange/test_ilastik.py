"""What ilastik exports, written here as it writes it, with h5py."""

from __future__ import annotations

import json

import numpy as np
import pytest
from drawn_labels import drawn_labels, drawn_stack

from src_models.errors import ImageError
from src_models.files.exchange.ilastik import is_hdf5, read_ilastik

h5py = pytest.importorskip("h5py")


def exported(path, data, letters, name="exported_data"):
    """Write as ilastik does: chunked and packed, axes as vigra's AxisTags are in JSON."""
    with h5py.File(path, "w") as file:
        made = file.create_dataset(name, data=data, chunks=True, compression="gzip")
        if letters:
            axes = [{"key": one, "typeFlags": 2, "resolution": 0, "description": ""} for one in letters]
            made.attrs["axistags"] = json.dumps({"axes": axes})
    return path


@pytest.mark.parametrize(
    ("letters", "data", "axes"),
    [
        ("yx", drawn_labels(), "YX"),
        ("yxc", drawn_labels()[..., None], "YX"),
        ("tzyxc", drawn_stack()[..., None], "TZYX"),
        ("zyxc", drawn_stack()[0][..., None], "ZYX"),
        ("tyxc", drawn_stack()[:, 0, ..., None], "TYX"),
        ("xyzct", drawn_stack()[:1, :1].T[..., None, :], "XY"),
        ("", drawn_stack()[..., None], "TZYX"),
    ],
)
def test_numbers_and_axes_are_kept(tmp_path, letters, data, axes):
    path = exported(tmp_path / "a.h5", data.reshape(data.shape if letters != "xyzct" else (80, 60, 1, 1, 1)), letters)
    assert is_hdf5(path)
    found, own, notes = read_ilastik(path)
    assert own == axes
    np.testing.assert_array_equal(found, data.reshape(found.shape))
    assert notes == ()


def test_a_segmentation_without_zero_is_said(tmp_path):
    found, _, notes = read_ilastik(exported(tmp_path / "a.h5", np.ones((4, 5, 1), np.uint8), "yxc"))
    assert found.min() == 1
    assert "every pixel has a number" in notes[0]


def test_the_only_array_is_taken_whatever_it_is_called(tmp_path):
    found, _, _ = read_ilastik(exported(tmp_path / "a.h5", drawn_labels(), "yx", "volume/data"))
    np.testing.assert_array_equal(found, drawn_labels())


@pytest.mark.parametrize(
    ("data", "letters", "words"),
    [
        (np.zeros((4, 5, 2), np.float32), "yxc", "export Simple Segmentation"),
        (np.zeros((4, 5, 2), np.uint8), "yxc", "several channels"),
        (np.zeros((4, 5, 2), np.uint8), "yx", "do not fit its shape"),
    ],
)
def test_what_are_no_labels_is_refused(tmp_path, data, letters, words):
    with pytest.raises(ImageError, match=words):
        read_ilastik(exported(tmp_path / "a.h5", data, letters))


def test_a_damaged_file_is_refused(tmp_path):
    path = exported(tmp_path / "a.h5", drawn_labels(), "yx")
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ImageError, match="cannot be read as HDF5"):
        read_ilastik(path)
