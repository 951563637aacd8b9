"""Labels are kept as they were, whatever becomes of the array that they were in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.labels import packed
from src_models.labels.packed import pack, pack_steps


def blobs(shape, dtype, seed=0):
    """Boxes with numbers, as sparse as objects are."""
    draw, labels = np.random.default_rng(seed), np.zeros(shape, dtype)
    for number in range(1, 20):
        corner = [int(draw.integers(0, size)) for size in shape]
        labels[tuple(slice(at, at + 5) for at in corner)] = number
    return labels


@pytest.mark.parametrize("shape", [(37, 41), (5, 37, 41), (2, 3, 37, 41), (0, 4)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64])
def test_what_comes_out_is_what_went_in(shape, dtype):
    labels = blobs(shape, dtype) if 0 not in shape else np.zeros(shape, dtype)
    kept = pack(labels)
    before = labels.copy()
    labels[...] = 9
    np.testing.assert_array_equal(kept.unpack(), before)
    assert kept.unpack().dtype == dtype
    assert kept.unpack().flags.writeable


@given(st.data())
def test_a_part_is_replaced_and_nothing_else(data):
    """As NumPy does it, for boxes that lie across strips; what was kept before stays."""
    shape = data.draw(st.sampled_from([(23, 9), (4, 23, 9), (2, 3, 23, 9)]))
    labels = blobs(shape, np.int32)
    part = []
    for size in shape:
        start = data.draw(st.integers(0, size - 1))
        part.append(slice(start, data.draw(st.integers(start + 1, size))))
    values = np.full([cut.stop - cut.start for cut in part], 77, np.int32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed, "_STRIP", 5 * 9 * 4)  # bytes of five rows
        kept = pack(labels)
        other = kept.with_part(part, values)
        np.testing.assert_array_equal(kept.unpack(), labels)
        labels[tuple(part)] = values
        np.testing.assert_array_equal(other.unpack(), labels)


def test_strips_that_a_part_does_not_touch_are_not_packed_again():
    kept = pack(blobs((6, 40, 40), np.int32))
    other = kept.with_part((slice(2, 3), slice(0, 40), slice(0, 40)), np.ones((1, 40, 40), np.int32))
    assert [a is b for a, b in zip(kept.strips, other.strips, strict=True)] == [True, True, False, True, True, True]


def test_a_large_volume_takes_little_memory_and_many_steps():
    labels = blobs((64, 512, 512), np.int32)
    steps, count = pack_steps(labels), 0
    while True:
        try:
            next(steps)
        except StopIteration as end:
            kept = end.value
            break
        count += 1
    assert count >= labels.nbytes // 2**24 - 1
    assert kept.nbytes < labels.nbytes / 200
    np.testing.assert_array_equal(kept.unpack(), labels)


def test_small_labels_are_packed_without_a_step():
    with pytest.raises(StopIteration):
        next(pack_steps(blobs((30, 30), np.int32)))
