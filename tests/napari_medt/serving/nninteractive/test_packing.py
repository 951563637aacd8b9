"""Packed arrays: the format to the byte, every array there and back, and nothing hostile taken."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn
from imagecodecs import blosc2_encode

from napari_medt.serving.nninteractive.packing import DTYPES, PackingError, pack, unpack

MOST = 1 << 20


def packed(values, *, name=b"uint8", shape=None, codec=1, magic=b"NNIA", version=1, chunks=None, count=None):
    """Pack bytes by the published format; each part can lie."""
    shape = (len(values),) if shape is None else shape
    if chunks is None:
        chunk = bytes(blosc2_encode(np.frombuffer(values, np.int8), level=3, compressor="zstd"))
        chunks = [(len(values), chunk)] if values else []
    parts = [magic, bytes([version, codec, len(shape), len(name)]), name, struct.pack(f"<{len(shape)}q", *shape)]
    parts.append(struct.pack("<I", len(chunks) if count is None else count))
    for length, chunk in chunks:
        parts += [struct.pack("<QQ", length, len(chunk)), chunk]
    return b"".join(parts)


arrays = st.sampled_from(sorted(DTYPES)).flatmap(
    lambda name: stn.arrays(name, stn.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9))
)


@given(array=arrays)
def test_every_array_comes_back_as_it_was(array):
    found = unpack(pack(array), MOST)
    assert (found.dtype, found.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(found, array)


def test_a_view_in_another_order_and_another_endian_is_packed_as_its_values_are():
    array = np.arange(24, dtype=">i4").reshape(2, 3, 4).T[:, ::-1]
    found = unpack(pack(array), MOST)
    assert found.dtype == np.dtype("<i4")
    np.testing.assert_array_equal(found, array)


def test_the_header_is_the_published_one():
    body = pack(np.zeros((2, 3), np.int16))
    assert body[:4] == b"NNIA"
    assert list(body[4:8]) == [1, 1, 2, 5]
    assert body[8:13] == b"int16"
    assert struct.unpack_from("<qqI", body, 13) == (2, 3, 1)
    length, size = struct.unpack_from("<QQ", body, 33)
    assert length == 12
    assert len(body) == 49 + size
    assert struct.unpack_from("<xxxBiii", body, 49) == (2, 12, 12, size)  # items of two bytes, as Blosc2 has it


def test_many_zeros_are_chunks_that_clients_can_read():
    array = np.zeros((707658,), np.uint8)  # no multiple of eight, which a wrong size of items makes unreadable
    body = pack(array)
    assert body[body.index(b"uint8") + 5 + 8 + 4 + 16 + 3] == 1
    assert not unpack(body, MOST).any()


def test_chunks_of_zeros_with_a_wrong_size_of_items_are_read_too():
    chunk = bytes(blosc2_encode(bytes(707658), level=3, compressor="zstd"))
    assert chunk[3] == 8
    assert not unpack(packed(b"", shape=(707658,), chunks=[(707658, chunk)]), MOST).any()


@pytest.mark.parametrize("compressor", ["zstd", "lz4"])
@pytest.mark.parametrize("shuffle", ["noshuffle", "shuffle", "bitshuffle"])
def test_several_chunks_of_either_codec_make_one_array(compressor, shuffle):
    values = np.random.default_rng(0).integers(-99, 99, 5000).astype(np.int16)
    parts = [values[:3000], values[3000:3001], values[3001:]]
    chunks = [
        (part.nbytes, bytes(blosc2_encode(part, level=3, compressor=compressor, shuffle=shuffle))) for part in parts
    ]
    body = packed(b"", name=b"int16", shape=(50, 100), codec=2 if compressor == "lz4" else 1, chunks=chunks)
    np.testing.assert_array_equal(unpack(body, MOST), values.reshape(50, 100))


def whole_chunk(values=bytes(range(64))):
    return bytes(blosc2_encode(np.frombuffer(values, np.int8), level=3, compressor="zstd"))


def with_byte(chunk, at, value):
    return chunk[:at] + bytes([value]) + chunk[at + 1 :]


def with_length(chunk, at, value):
    return chunk[:at] + struct.pack("<i", value) + chunk[at + 4 :]


SIXTY_FOUR = bytes(range(64))
LIES = {
    "nothing": b"",
    "too short": b"NNIA\x01",
    "another format": packed(SIXTY_FOUR, magic=b"NUMP"),
    "a later version": packed(SIXTY_FOUR, version=2),
    "an unknown codec": packed(SIXTY_FOUR, codec=7),
    "a type that runs code": packed(SIXTY_FOUR, name=b"object"),
    "a type of fields": packed(SIXTY_FOUR, name=b"i4,i4"),
    "a type that is no word": packed(SIXTY_FOUR, name=b"\xff\xfe"),
    "complex numbers": packed(SIXTY_FOUR, name=b"complex64"),
    "no type": packed(SIXTY_FOUR, name=b""),
    "a side below zero": packed(SIXTY_FOUR, shape=(-1, -64)),
    "more values than chunks": packed(SIXTY_FOUR, shape=(65,)),
    "fewer values than chunks": packed(SIXTY_FOUR, shape=(63,)),
    "far more values than are taken": packed(SIXTY_FOUR, shape=(1 << 40, 1 << 40)),
    "a size that overflows": packed(SIXTY_FOUR, shape=(1 << 62, 4, 1)),
    "nothing of a huge side": packed(b"", shape=(0, 1 << 62)),
    "many axes": packed(SIXTY_FOUR, shape=(1,) * 200),
    "chunks that are not there": packed(SIXTY_FOUR, count=2),
    "a great number of chunks": packed(SIXTY_FOUR, count=(1 << 32) - 1),
    "fewer chunks than there are": packed(SIXTY_FOUR, count=0),
    "something after the end": packed(SIXTY_FOUR) + b"more",
    "a chunk without a header": packed(b"", shape=(64,), chunks=[(64, bytes(8))]),
    "a chunk of zeros all over": packed(b"", shape=(64,), chunks=[(64, bytes(64))]),
    "a chunk that says less": packed(b"", shape=(64,), chunks=[(64, with_length(whole_chunk(), 4, 32))]),
    "a chunk that says more": packed(b"", shape=(64,), chunks=[(64, with_length(whole_chunk(), 4, 1 << 30))]),
    "a chunk that says less than nothing": packed(b"", shape=(64,), chunks=[(64, with_length(whole_chunk(), 4, -1))]),
    "a chunk of huge blocks": packed(b"", shape=(64,), chunks=[(64, with_length(whole_chunk(), 8, 1 << 30))]),
    "a chunk longer than it is": packed(b"", shape=(64,), chunks=[(64, with_length(whole_chunk(), 12, 4000))]),
    "a chunk of values never set": packed(b"", shape=(64,), chunks=[(64, with_byte(whole_chunk(bytes(64)), 31, 0x40))]),
    "a chunk to be read from a file": packed(b"", shape=(64,), chunks=[(64, with_byte(whole_chunk(), 31, 0x08))]),
    "a chunk with a dictionary": packed(b"", shape=(64,), chunks=[(64, with_byte(whole_chunk(), 31, 0x01))]),
    "a chunk with an unknown filter": packed(b"", shape=(64,), chunks=[(64, with_byte(whole_chunk(), 16, 200))]),
    "a chunk with the header of Blosc 1": packed(b"", shape=(64,), chunks=[(64, with_byte(whole_chunk(), 2, 0x80))]),
    "a chunk that is no multiple of an item": packed(
        b"", name=b"int16", shape=(32,), chunks=[(63, whole_chunk(bytes(range(63))))]
    ),
}


@pytest.mark.parametrize("body", LIES.values(), ids=LIES.keys())
def test_what_lies_is_refused(body):
    with pytest.raises(PackingError):
        unpack(body, MOST)


def test_the_limit_counts_bytes_and_says_so():
    array = np.zeros((1, 1024, 1025), np.uint8)
    with pytest.raises(PackingError, match=r"1x1024x1025 of uint8 has 1 MB, and at most 1 MB"):
        unpack(pack(array), MOST)
    assert unpack(pack(array[:, :, :1024]), MOST).nbytes == MOST


def test_types_that_are_not_sent_are_refused():
    with pytest.raises(PackingError, match="complex128"):
        pack(np.zeros(3, complex))


@given(data=st.data(), array=arrays)
@settings(max_examples=300)
def test_damage_gives_an_array_of_the_right_form_or_is_refused(data, array):
    body = bytearray(pack(array))
    for _ in range(data.draw(st.integers(1, 4))):
        kind = data.draw(st.sampled_from(["flip", "cut", "insert"]))
        at = data.draw(st.integers(0, max(len(body) - 1, 0)))
        if kind == "flip" and body:
            body[at] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del body[at:]
        else:
            body[at:at] = data.draw(st.binary(max_size=9))
    try:
        found = unpack(bytes(body), MOST)
    except PackingError:
        return
    assert found.nbytes <= MOST
    assert found.dtype.name in DTYPES


@given(body=st.binary(max_size=200))
def test_anything_else_is_refused(body):
    with pytest.raises(PackingError):
        unpack(b"NNIA\x01\x01" + body[:2].ljust(2, b"\xff") + body[2:], MOST)
