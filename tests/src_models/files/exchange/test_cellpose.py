"""Masks of Cellpose are read, and nothing that a file asks for is run."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from drawn_labels import drawn_labels

from src_models.errors import ImageError
from src_models.files.exchange.cellpose import read_cellpose


def saved(path, masks, protocol=4, **more):
    """Save as Cellpose does (io.masks_flows_to_seg)."""
    content = {
        "outlines": (masks * 0).astype(np.uint16),
        "masks": masks,
        "chan_choose": [0, 0],
        "ismanual": np.zeros(int(masks.max()), bool),
        "filename": "cells.tif",
        "flows": [np.zeros((1, *masks.shape, 3), np.uint8), [], [[np.zeros(2), None]]],
        "est_diam": np.float64(30.0),
        "diameter": np.float32(3),
        **more,
    }
    array = np.empty((), object)
    array[()] = content
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
        pickle.dump(array, file, protocol=protocol)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", [np.uint16, np.int32, ">u4"])
def test_masks_are_read_exactly(tmp_path, protocol, dtype):
    masks = (drawn_labels() % 60_000).astype(dtype)
    saved(tmp_path / "a_seg.npy", masks, protocol)
    np.testing.assert_array_equal(read_cellpose(tmp_path / "a_seg.npy"), masks)


def test_as_numpy_saves_it(tmp_path):
    masks = np.asfortranarray(drawn_labels())
    np.save(tmp_path / "a_seg.npy", {"masks": masks, "est_diam": np.float64(3)})
    np.testing.assert_array_equal(read_cellpose(tmp_path / "a_seg.npy"), masks)
    np.save(tmp_path / "plain_seg.npy", masks)
    np.testing.assert_array_equal(read_cellpose(tmp_path / "plain_seg.npy"), masks)


class Hostile:
    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


@pytest.mark.parametrize("call", [os.system, eval, os.remove, getattr, np.load])
def test_a_file_that_would_run_something_is_refused(tmp_path, call):
    sign = tmp_path / "sign"
    sign.write_text("here")
    saved(tmp_path / "a_seg.npy", drawn_labels().astype(np.uint16), evil=Hostile(call, f"rm {sign}"))
    with pytest.raises(ImageError, match=r"asks for .* to be run"):
        read_cellpose(tmp_path / "a_seg.npy")
    assert sign.exists()


def test_records_with_objects_are_never_made_of_bytes(tmp_path):
    """Bytes that NumPy would take for addresses of objects."""
    array = np.empty((), object)
    array[()] = {"masks": Hostile(np._core.multiarray._reconstruct, np.ndarray, (0,), b"b")}
    content = pickle.dumps(array, protocol=4)
    with (tmp_path / "a_seg.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
        file.write(content)
    with pytest.raises(ImageError, match="holds no masks"):
        read_cellpose(tmp_path / "a_seg.npy")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"not a file", b"\x93NUMPY\x01\x00\x10\x00{'descr': '|O'}"])
def test_damaged_files_are_refused(tmp_path, content):
    (tmp_path / "a_seg.npy").write_bytes(content)
    with pytest.raises(ImageError, match="cannot be read as a file of Cellpose"):
        read_cellpose(tmp_path / "a_seg.npy")


def test_fractions_are_no_masks(tmp_path):
    np.save(tmp_path / "a_seg.npy", {"masks": np.zeros((3, 3))})
    with pytest.raises(ImageError, match="no masks"):
        read_cellpose(tmp_path / "a_seg.npy")
