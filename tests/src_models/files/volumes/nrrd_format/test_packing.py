from __future__ import annotations

import gzip
import io
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.files.volumes.nrrd_format.packing import PackedPlanes

parts = st.lists(st.binary(max_size=50) | st.integers(1, 5000), max_size=12)


def packed(written) -> bytes:
    file = io.BytesIO()
    with PackedPlanes(file) as planes:
        for part in written:
            if isinstance(part, int):
                planes.write_zeros(part)
            else:
                planes.write(part)
    return file.getvalue()


@given(parts)
def test_it_is_gzip_of_what_was_written(written):
    """gzip of the standard library checks the length and the checksum."""
    wanted = b"".join(bytes(part) for part in written)
    content = packed(written)
    assert gzip.decompress(content) == wanted
    one = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert one.decompress(content) == wanted
    assert one.eof
    assert one.unused_data == b"", "one member, which is all that some readers read"


def test_zeros_between_others_are_small_and_the_same_each_time():
    rng = np.random.default_rng(0)
    plane = rng.bytes(3000)
    written = [2**18] * 50 + [plane] + [2**18] * 50
    content = packed(written)
    assert content == packed(written)
    assert len(content) < len(plane) + 100 * 400


def test_more_than_a_checksum_of_32_bits_counts():
    file = io.BytesIO()
    with PackedPlanes(file) as planes:
        for _ in range(2**12 + 1):
            planes.write_zeros(2**20)
        planes.write(b"end")
    assert int.from_bytes(file.getvalue()[-4:], "little") == 2**20 + 3


def test_what_fails_is_not_closed():
    file = io.BytesIO()
    with pytest.raises(TypeError), PackedPlanes(file) as planes:
        planes.write("no bytes")
    with pytest.raises(EOFError):
        gzip.decompress(file.getvalue())
