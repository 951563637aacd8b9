"""What waits to be written is what it was when it was given."""

from __future__ import annotations

import numpy as np
import pytest

from src_models.journal import log
from src_models.journal.given import Source, as_json, checked_form


def test_a_source_is_gone_through_once_in_the_order_of_its_pieces(monkeypatch):
    monkeypatch.setattr(log, "PART_BYTES", 12)
    source = Source(np.arange(60, dtype=np.uint16).reshape(10, 6), (slice(2, 9), slice(0, 6)), whole=False)
    read = []
    while source.next is not None:
        read.append(source.labels[source.next])
        source.next = next(source.later, None)
    assert all(part.nbytes <= 12 for part in read)
    np.testing.assert_array_equal(np.concatenate([part.ravel() for part in read]), np.arange(12, 54))


def test_notes_are_copied_as_json_has_them_and_refused_at_once():
    inner = [1, (2, 3)]
    copied = as_json({"a": inner, "b": {1: "one"}})
    inner.append(4)
    assert copied == {"a": [1, [2, 3]], "b": {"1": "one"}}
    with pytest.raises(TypeError):
        as_json({"array": np.ones(2)})


@pytest.mark.parametrize("dtype", ["bool", "uint8", ">i4", "int64"])
def test_labels_are_integers_or_booleans(dtype):
    assert checked_form([np.int64(3), 4], dtype) == ((3, 4), np.dtype(dtype))
    for other in ("float32", "complex64", "U3", object):
        with pytest.raises(ValueError, match="integers or booleans"):
            checked_form((3,), other)
