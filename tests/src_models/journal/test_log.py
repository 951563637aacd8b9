"""Records that are appended add up to the labels that they were made of."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from tempfile import TemporaryFile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.journal import log
from src_models.journal.log import (
    JournalError,
    log_head,
    make_parts,
    make_record,
    make_start,
    read_contents,
    split_box,
    whole_box,
)


@pytest.fixture
def contents(tmp_path):
    """Return a function that reads records as a log, and gives all its labels with what it holds."""

    def read(*records):
        path = tmp_path / "labels.log"
        path.write_bytes(log_head() + b"".join(records))
        with path.open("rb") as file:
            found = read_contents(file)
            return found.labels(file, whole_box(found.shape)), found

    return read


def block(array, start, kind="block"):
    return b"".join(make_parts(kind, array, whole_box(array.shape), start))


boxes = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=4).map(
    lambda ends: tuple(slice(min(pair), max(pair)) for pair in ends)
)


@given(boxes, st.sampled_from([1, 2, 8]), st.sampled_from([1, 7, 64, 2**22]))
def test_pieces_of_a_box_cover_it_once_and_none_is_too_large(region, itemsize, part_bytes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log, "PART_BYTES", part_bytes)
        pieces = list(split_box(region, itemsize))
    count = np.zeros([10] * len(region), int)
    for piece in pieces:
        count[piece] += 1
    expected = np.zeros_like(count)
    expected[region] = 1
    np.testing.assert_array_equal(count, expected)
    sizes = [math.prod(cut.stop - cut.start for cut in piece) for piece in pieces]
    assert all(size * itemsize <= part_bytes or size <= 1 for size in sizes)


def test_later_blocks_lie_over_earlier_ones_and_all_over_the_base(contents):
    start = make_start((4, 5), np.dtype(np.int16))
    late_base = block(np.full((4, 5), 9, np.int16), (0, 0), "base")
    first, second = block(np.full((2, 3), 5, np.int16), (1, 1)), block(np.full((1, 5), -7, np.int16), (2, 0))
    labels, found = contents(start, first, late_base, second, make_record("complete"))
    expected = np.full((4, 5), 9)
    expected[1:3, 1:4] = 5
    expected[2] = -7
    np.testing.assert_array_equal(labels, expected)
    assert labels.dtype == np.int16
    assert found.shape == (4, 5)


@given(st.integers(0, 2**32))
def test_a_part_of_the_labels_is_that_part_of_the_whole(seed):
    rng = np.random.default_rng(seed)
    shape = (6, 7)
    expected = np.zeros(shape, np.uint8)
    records = [make_start(shape, expected.dtype)]
    for _ in range(5):
        low = [int(rng.integers(size)) for size in shape]
        high = [int(rng.integers(first, size)) + 1 for first, size in zip(low, shape, strict=True)]
        region = tuple(slice(first, last) for first, last in zip(low, high, strict=True))
        expected[region] = rng.integers(0, 255, expected[region].shape)
        records += make_parts("block", expected, region)
    part = tuple(slice(int(rng.integers(size)), size) for size in shape)
    with TemporaryFile() as file:
        file.write(log_head() + b"".join(records))
        file.seek(0)
        np.testing.assert_array_equal(read_contents(file).labels(file, part), expected[part])


def test_a_base_leaves_out_what_is_background_and_a_block_does_not(contents):
    empty = np.zeros((3, 3), np.uint8)
    assert block(empty, (0, 0), "base") == b""
    start = make_start((3, 3), empty.dtype)
    labels, found = contents(start, block(empty + 4, (0, 0), "base"), make_record("complete"), block(empty, (0, 0)))
    assert not labels.any()  # a person erased it
    assert len(found.blocks) == 2


def test_labels_whose_base_is_not_whole_do_not_take_the_place_of_those_before(contents):
    old, new = np.full((2, 2), 1, np.uint8), np.full((3, 3), 2, np.uint16)
    before = [make_start(old.shape, old.dtype), block(old, (0, 0), "base"), make_record("complete")]
    before.append(make_record("notes", notes={"of": "old"}))
    after = [make_start(new.shape, new.dtype), make_record("notes", notes={"of": "new"}), block(new, (0, 0), "base")]
    labels, found = contents(*before, *after)
    np.testing.assert_array_equal(labels, old)
    assert found.notes == {"of": "old"}
    labels, found = contents(*before, *after, make_record("complete"))
    np.testing.assert_array_equal(labels, new)
    assert found.notes == {"of": "new"}


def test_the_time_is_that_of_the_last_record_and_notes_outlive_a_new_start(contents):
    when = time.time() - 1000
    start = make_start((2,), np.dtype(bool), when)
    _, found = contents(
        start, make_record("notes", notes={"a": 1}, time=when), make_start((2,), np.dtype(bool), when + 5)
    )
    assert found.notes == {"a": 1}
    assert found.time == datetime.fromtimestamp(when + 5, UTC)


def test_a_log_without_a_start_holds_no_labels(contents):
    for records in ([], [make_record("notes", notes={})]):
        with pytest.raises(JournalError, match="holds no labels"):
            contents(*records)
