"""Where values are, and that no more is read of them than the header asks for."""

import gzip

import numpy as np
import pytest

from src_models.files.volumes.nrrd_format.header import NrrdHeader
from src_models.files.volumes.nrrd_format.values import TYPE_NAMES, Stored


def test_each_type_that_is_written_is_read(tmp_path):
    path = tmp_path / "a.nrrd"
    for code, name in TYPE_NAMES.items():
        values = np.arange(6).reshape(2, 3).astype(f">{code}")
        path.write_bytes(values.tobytes())
        stored = Stored(NrrdHeader({"type": name, "endian": "big"}, {}, 0), (3, 2), path)
        assert (stored.offset, stored.dtype) == (0, values.dtype)
        np.testing.assert_array_equal(stored.read(), values)


def test_what_unpacks_to_far_more_than_it_says_is_read_no_further(tmp_path, monkeypatch):
    path = tmp_path / "a.nrrd"
    path.write_bytes(gzip.compress(bytes(2**20)))
    given = []
    read = gzip.GzipFile.read
    monkeypatch.setattr(gzip.GzipFile, "read", lambda file, size=-1: given.append(size) or read(file, size))
    stored = Stored(NrrdHeader({"type": "uint8", "encoding": "gzip"}, {}, 0), (5,), path)
    assert stored.offset is None
    assert stored.read().tolist() == [0] * 5
    assert max(given) == 5


@pytest.mark.parametrize(("lines", "offset"), [(0, 4), (1, 12), (2, 18)])
def test_raw_values_begin_after_lines_and_bytes(tmp_path, lines, offset):
    path = tmp_path / "a.nrrd"
    path.write_bytes(b"abcdefg\nabcde\n0123456789")
    fields = {"type": "uint8", "lineskip": str(lines), "byteskip": "4"}
    assert Stored(NrrdHeader(fields, {}, 0), (2,), path).offset == offset
