"""The files of a journal reach the disk whole, and belong to one process."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from src_models.journal import log
from src_models.journal.folder import LOG, LogFile, compacting, in_use, remove
from src_models.journal.log import make_parts, make_record, make_start, read_contents, whole_box


@pytest.fixture
def opened(tmp_path):
    """A log in a folder of its own, open until the end of the test."""
    written = LogFile(tmp_path / "journal")
    written.open()
    yield written
    written.close(keep=True)


def read(path):
    with path.open("rb") as file:
        contents = read_contents(file)
        return contents.labels(file, whole_box(contents.shape)), contents.notes


def begin(written, shape=(6, 4)):
    """Begin a log with labels of 1, 2, 3..."""
    labels = np.arange(1, 1 + np.prod(shape), dtype=np.uint8).reshape(shape)
    records = [make_start(shape, labels.dtype), *make_parts("base", labels, whole_box(shape)), make_record("complete")]
    written.append([*records, make_record("notes", notes={"image": "cells.tif"})])
    return labels


def test_what_is_appended_is_on_disk_and_where_it_ends_is_known(opened):
    labels = begin(opened)
    assert opened.end == opened.path.stat().st_size
    opened.append(make_parts("block", labels[:1] + 50, whole_box((1, 4)), (3, 0)))
    labels[3] = labels[0] + 50
    np.testing.assert_array_equal(read(opened.path)[0], labels)
    assert opened.end == opened.path.stat().st_size


def test_what_a_failure_left_behind_the_end_is_written_over(opened, monkeypatch):
    labels = begin(opened)
    end, sync = opened.end, os.fsync

    def refuse(descriptor):
        sync(descriptor)
        raise OSError(errno.ENOSPC, "No space left on device")

    long = np.random.default_rng(0).integers(0, 255, (6, 4), np.uint8)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match="No space"):
            opened.append(make_parts("block", long, whole_box(long.shape)))
    assert opened.path.stat().st_size > opened.end == end
    opened.append(make_parts("block", labels[:1, :1] + 90, whole_box((1, 1))))
    labels[0, 0] += 90
    assert opened.path.stat().st_size == opened.end
    np.testing.assert_array_equal(read(opened.path)[0], labels)


def test_a_folder_that_another_has_is_refused(opened):
    with pytest.raises(FileExistsError, match="another process"):
        LogFile(opened.folder).open()
    assert in_use(opened.folder)
    opened.close(keep=True)
    assert not in_use(opened.folder)
    with pytest.raises(FileNotFoundError):
        in_use(opened.folder / "nowhere")


def test_the_labels_are_gone_before_the_lock_is_free(opened, monkeypatch):
    """Else, another process might take them for unfinished in between."""
    begin(opened)
    there = []
    release = opened._lock.release
    monkeypatch.setattr(opened._lock, "release", lambda: (there.append(opened.path.exists()), release()))
    opened.close(keep=False)
    assert there == [False]
    assert not opened.folder.exists()


def test_a_compacted_log_is_smaller_and_holds_the_same_and_what_was_written_meanwhile(opened, monkeypatch):
    monkeypatch.setattr(log, "PART_BYTES", 8)
    labels = begin(opened)
    for value in range(50):
        labels[value % 6] = value
        opened.append(make_parts("block", labels, (slice(value % 6, value % 6 + 1), slice(0, 4))))
    long = opened.end
    for step, _ in enumerate(compacting(opened)):
        if step == 1:  # into what was read already
            labels[0] = 200
            opened.append(make_parts("block", labels, (slice(0, 1), slice(0, 4))))
    assert opened.end == opened.path.stat().st_size < long / 3
    found, notes = read(opened.path)
    np.testing.assert_array_equal(found, labels)
    assert notes == {"image": "cells.tif"}
    labels[5] = 9
    opened.append(make_parts("block", labels, (slice(5, 6), slice(0, 4))))
    np.testing.assert_array_equal(read(opened.path)[0], labels)


@pytest.mark.parametrize("end", ["closed early", "refused"])
def test_a_compaction_that_does_not_end_leaves_the_log_as_it_was(opened, monkeypatch, end):
    begin(opened)
    before = opened.path.read_bytes()
    compaction = compacting(opened)
    next(compaction)
    if end == "closed early":
        compaction.close()
    else:
        monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(errno.EIO, "Input/output error")))
        with pytest.raises(OSError, match="Input/output"):
            list(compaction)
    assert opened.path.read_bytes() == before
    assert sorted(path.name for path in opened.folder.iterdir()) == [LOG, "lock"]


def test_only_the_files_of_a_journal_are_removed(tmp_path):
    for name in (LOG, "labels.log.part", "lock", "letter.txt"):
        (tmp_path / name).write_text("x")
    remove(tmp_path)
    assert [path.name for path in Path(tmp_path).iterdir()] == ["letter.txt"]
    assert LOG == "labels.log"  # older journals have it
