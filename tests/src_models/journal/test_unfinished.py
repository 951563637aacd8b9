"""What processes that are gone left unfinished is found, read and deleted, whatever version they were of."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from src_models.journal.unfinished import discard, read_journal, unfinished

FORMAT_1 = Path(__file__).with_name("kept_in_format_1")


@pytest.fixture
def kept(tmp_path):
    """A journal as a person's disk may hold one, in the format of version 1.

    Its labels took the place of others while it was written; they came in several records, were painted over, and a
    power cut left zeros behind them.
    """
    return Path(shutil.copytree(FORMAT_1, tmp_path / "20260101-120000-1234abcd"))


def what_was_painted():
    z, y, x = np.ogrid[:3, :40, :50]
    labels = ((y - 20) ** 2 + (x - 25) ** 2 < 15**2) * (z + 1)
    labels[1, 4:12, 6:15] = 70_000
    labels[:, :2] = 5
    labels[1, 10:13, 10:13] = 0
    return labels


def test_a_journal_of_format_1_is_found_read_and_deleted(kept):
    (found,) = unfinished(kept.parent)
    assert found.folder == kept
    recovered = read_journal(found.folder)
    np.testing.assert_array_equal(recovered.labels, what_was_painted())
    assert recovered.labels.dtype == np.int32
    assert recovered.notes == found.notes
    assert found.notes["image"] == "cells.tif"
    assert found.notes["session"] == {"done": [{"kind": "click", "y": 4.5, "x": 6, "positive": True}]}
    assert recovered.time == found.time
    discard(found.folder)
    assert not kept.exists()
    assert unfinished(kept.parent) == []
