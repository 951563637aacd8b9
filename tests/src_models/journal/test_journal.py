"""What a person did to labels is on disk a moment later, whatever happens to the process or the disk."""

from __future__ import annotations

import errno
import json
import logging
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
import tracemalloc
import weakref
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.errors import OutputError, UserError
from src_models.journal import journal as labels_journal
from src_models.journal import log as labels_log
from src_models.journal.journal import JournalError, LabelsJournal, discard, journals_folder, read_journal, unfinished

posix = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and limits of the file size are POSIX")


@pytest.fixture
def begin(tmp_path):
    """Return a function that begins a journal, which is closed after the test."""
    begun = []

    def begin_(labels, notes=None, name="journal"):
        begun.append(LabelsJournal.create(tmp_path / name, labels, notes or {}))
        return begun[-1]

    yield begin_
    for journal in begun:
        journal.close(keep=False)


def log_of(journal):
    return journal.folder / "labels.log"


def wait_until(holds, seconds=20.0):
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "waited too long"
        time.sleep(0.01)


# --- what was given is what is read ---------------------------------------------------------------------------------


@st.composite
def labels_of_any_kind(draw):
    shape = draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))
    dtype = draw(st.sampled_from(["uint8", "int32", ">u2", "int64", "bool"]))
    sparse = draw(st.sampled_from([0, 1]))  # 0: everywhere background
    random_ = np.random.default_rng(draw(st.integers(0, 2**32)))
    return (random_.integers(0, 100, shape) * sparse).astype(dtype)


@st.composite
def works(draw):
    """Labels, and what is done to them: ('write', start, block), ('snapshot', labels), ('note', n), ('flush',)."""
    labels = current = draw(labels_of_any_kind())
    steps = []
    for _ in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from(["write", "write", "write", "write later", "snapshot", "note", "flush"]))
        if kind.startswith("write"):
            start = [draw(st.integers(0, size)) for size in current.shape]
            shape = [draw(st.integers(0, size - first)) for first, size in zip(start, current.shape, strict=True)]
            random_ = np.random.default_rng(draw(st.integers(0, 2**32)))
            steps.append((kind, start, random_.integers(0, 2, shape).astype(current.dtype)))
        elif kind == "snapshot":
            same = draw(st.booleans())
            current = np.roll(current, 1) if same else draw(labels_of_any_kind())
            steps.append((kind, current))
        else:
            steps.append((kind, draw(st.integers())))
    return labels, steps


@settings(max_examples=60)
@given(works(), st.sampled_from([1, 40, 2**24]), st.sampled_from([0, 200, 2**22]), st.sampled_from([0, 0.2]))
def test_any_work_is_read_as_numpy_would_have_done_it(work, part_bytes, growth, step):
    labels, steps = work
    expected, notes = labels.copy(), {"number": None}
    small = {"_GROWTH": 0, "_LEAST_GROWTH": growth, "_STEP": step, "_DELAY": 0}
    with (
        TemporaryDirectory() as parent,
        mock.patch.multiple(labels_journal, **small),
        mock.patch.object(labels_log, "PART_BYTES", part_bytes),
    ):
        journal = LabelsJournal.create(Path(parent) / "journal", labels.copy(), notes)
        for kind, *given_ in steps:
            if kind == "flush":
                journal.flush()
            elif kind == "note":
                notes = {"number": given_[0]}
                journal.note(notes)
            elif kind == "snapshot":
                expected = given_[0].copy()
                journal.snapshot(given_[0])
            else:
                start, block = given_
                region = tuple(slice(first, first + size) for first, size in zip(start, block.shape, strict=True))
                expected[region] = block
                if kind == "write":
                    journal.write(start, block)
                    block[...] = 1  # it was copied
                else:
                    journal.write_later(region, expected.copy())
        journal.close(keep=True)
        assert journal.problem is None
        recovered = read_journal(journal.folder)
        np.testing.assert_array_equal(recovered.labels, expected)
        assert recovered.labels.dtype == expected.dtype
        assert recovered.notes == notes
        assert sorted(path.name for path in journal.folder.iterdir()) == ["labels.log", "lock"]


def test_the_time_is_that_of_the_last_change(begin):
    journal = begin(np.zeros((2, 2), np.uint8))
    time.sleep(0.5)
    before = datetime.now(UTC)
    journal.write((0, 0), np.ones((1, 1)))
    journal.flush()
    found = read_journal(journal.folder).time
    assert before <= found <= datetime.now(UTC)
    assert found - before < timedelta(seconds=5)


def test_changes_are_on_disk_within_half_a_second_without_flush(begin):
    journal = begin(np.zeros((4, 4), np.int32))
    journal.flush()
    journal.write((1, 1), np.full((2, 2), 9))
    time.sleep(0.5)
    assert read_journal(journal.folder).labels.sum() == 36


def test_labels_of_background_take_next_to_no_room(begin):
    journal = begin(np.zeros((4096, 4096), np.int32))
    journal.flush()
    assert log_of(journal).stat().st_size < 1000
    assert read_journal(journal.folder).labels.shape == (4096, 4096)


def test_of_consecutive_notes_only_the_latest_is_written(begin):
    journal = begin(np.zeros((4, 4), np.int32))
    journal.flush()
    for number in range(1000):
        journal.note({"number": number})
    journal.flush()
    assert log_of(journal).read_bytes().count(b'"notes"') < 10
    assert read_journal(journal.folder).notes == {"number": 999}


def test_notes_are_those_of_the_moment_they_were_given(begin):
    journal = begin(np.zeros((4, 4), np.int32))
    notes = {"objects": [1]}
    journal.note(notes)
    notes["objects"].append(2)
    journal.flush()
    assert read_journal(journal.folder).notes == {"objects": [1]}


# --- damage ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(tmp_path, begin):
    """Return the log of a journal before and after its last record, and a function that reads any bytes as a log."""
    labels = np.arange(20, dtype=np.uint16).reshape(4, 5)
    journal = begin(labels, {"at": "first"})
    journal.flush()
    journal.write((0, 0), np.full((2, 2), 500))
    journal.flush()
    before = log_of(journal).read_bytes()
    journal.write((1, 1), np.full((3, 2), 77))
    journal.flush()
    after = log_of(journal).read_bytes()
    assert after.startswith(before)
    first = labels.copy()
    first[:2, :2] = 500
    last = first.copy()
    last[1:, 1:3] = 77

    def read(data):
        folder = tmp_path / "damaged"
        folder.mkdir(exist_ok=True)
        (folder / "labels.log").write_bytes(data)
        return read_journal(folder)

    return before, after, first, last, read


def test_a_log_cut_at_any_byte_of_its_last_record_holds_exactly_what_came_before(damaged):
    before, after, first, last, read = damaged
    assert len(after) > len(before) + 20
    for length in range(len(before), len(after)):
        recovered = read(after[:length])
        np.testing.assert_array_equal(recovered.labels, first)
        assert recovered.notes == {"at": "first"}
    np.testing.assert_array_equal(read(after).labels, last)


def test_a_flipped_bit_anywhere_in_the_last_record_leaves_what_came_before(damaged):
    before, after, first, _, read = damaged
    for position in range(len(before), len(after)):
        for bit in (0, 6, 7):
            data = bytearray(after)
            data[position] ^= 1 << bit
            np.testing.assert_array_equal(read(bytes(data)).labels, first)


def test_a_flipped_byte_earlier_never_gives_labels_that_nobody_made(damaged):
    before, after, first, last, read = damaged
    original = np.arange(20, dtype=np.uint16).reshape(4, 5)
    possible = [np.zeros_like(first), original, first, last]
    for position in range(len(before)):
        data = bytearray(after)
        data[position] ^= 0xFF
        try:
            labels = read(bytes(data)).labels
        except JournalError:
            continue
        assert any(np.array_equal(labels, state) for state in possible)


@pytest.mark.parametrize("tail", [bytes(1), bytes(4096), b"\xff" * 100, b"rubbish" * 50], ids=str)
def test_what_a_file_system_leaves_behind_the_end_is_ignored(damaged, tail):
    _, after, _, last, read = damaged
    np.testing.assert_array_equal(read(after + tail).labels, last)


def test_a_newer_version_is_refused_with_what_to_do(damaged):
    _, after, _, _, read = damaged
    with pytest.raises(JournalError, match="newer napari-medt: update it"):
        read(after.replace(b"journal 1\n", b"journal 2\n", 1))


@pytest.mark.parametrize("data", [b"", b"napari-medt labels jour", b"napari-medt labels journal 1\n", b"\x89PNG" * 99])
def test_what_is_no_journal_is_refused(damaged, data):
    read = damaged[-1]
    with pytest.raises(JournalError, match="holds no labels"):
        read(data)


def test_a_journal_that_is_not_there_is_refused_as_a_mistake_of_the_person(tmp_path):
    with pytest.raises(UserError, match=r"cannot be read: .*No such file"):
        read_journal(tmp_path / "nowhere")


# --- processes ------------------------------------------------------------------------------------------------------

CHILD = """
    import sys, time
    from pathlib import Path
    import numpy as np
    from src_models.journal import journal as labels_journal
    from src_models.journal.journal import LabelsJournal
"""


def child(code, *arguments, **kwargs):
    program = textwrap.dedent(CHILD) + textwrap.dedent(code)
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3], **kwargs)


def test_the_journal_of_a_living_process_is_not_unfinished_and_cannot_be_discarded(tmp_path):
    code = """
        journal = LabelsJournal.create(Path(sys.argv[1]), np.ones((3, 3), np.uint8), {"of": "the child"})
        journal.flush()
        print("ready", flush=True)
        time.sleep(60)
    """
    folder = tmp_path / "child"
    with child(code, folder) as process:
        assert process.stdout.readline() == b"ready\n"
        assert unfinished(tmp_path) == []
        with pytest.raises(JournalError, match="in use"):
            discard(folder)
        assert read_journal(folder).labels.all()
        process.kill()
    (found,) = unfinished(tmp_path)
    assert (found.folder, found.notes) == (folder, {"of": "the child"})
    discard(folder)
    assert not folder.exists()


def test_a_journal_of_this_process_is_not_unfinished_until_it_is_closed(begin, tmp_path):
    journal = begin(np.ones((3, 3), np.uint8))
    journal.flush()
    assert unfinished(tmp_path) == []
    journal.close(keep=True)
    assert [found.folder for found in unfinished(tmp_path)] == [journal.folder]


@posix
@pytest.mark.parametrize("seed", range(10))
def test_a_killed_process_loses_nothing_that_was_written_a_second_before(tmp_path, seed):
    """The child tells what it wrote, and when, through a pipe; half of the runs compact their log all the time."""
    code = """
        folder, large, growth = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
        labels_journal._LEAST_GROWTH, labels_journal._GROWTH = growth, 0
        labels = np.zeros((2 + large, 1000), np.int64)
        labels[2:] = np.arange(1000)
        journal = LabelsJournal.create(folder, labels, {"count": 0})
        for number in range(2000):
            now = time.monotonic_ns()
            journal.write((number // 1000, number % 1000), np.full((1, 1), now))
            journal.note({"count": number})
            sys.stdout.buffer.write(b"%d %d\\n" % (number, now))
            sys.stdout.buffer.flush()
            time.sleep(0.001)
        time.sleep(60)
    """
    rng = random.Random(seed)
    folder = tmp_path / "child"
    with child(code, folder, rng.choice([0, 2000]), 1000 if seed % 2 else 2**22) as process:
        first = process.stdout.readline()
        time.sleep(rng.uniform(1.0, 1.4))
        killed = time.monotonic_ns()
        process.send_signal(signal.SIGKILL)
        told = first + process.stdout.read()
    (found,) = unfinished(tmp_path)
    recovered = read_journal(found.folder)
    written = [tuple(map(int, line.split())) for line in told.decode().splitlines(keepends=True) if line[-1] == "\n"]
    old = [(number, when) for number, when in written if when < killed - 1_000_000_000]
    assert old, "the process was killed too early to tell anything"
    flat = recovered.labels[:2].ravel()
    for number, when in old:
        assert flat[number] == when
    for number, when in written[len(old) :]:
        assert flat[number] in (0, when)
    assert recovered.notes["count"] >= old[-1][0] - 1


def test_unfinished_work_is_listed_newest_first_and_only_where_there_is_some(begin, tmp_path):
    for name, labels in (
        ("old", np.ones(3, np.uint8)),
        ("empty", np.zeros(3, np.uint8)),
        ("new", np.ones(3, np.uint8)),
    ):
        begin(labels, {"name": name}, name).close(keep=True)
        time.sleep(0.01)
    begin(np.zeros(3, np.uint8), {"name": "clicked", labels_journal.PENDING: {"clicks": 2}}, "clicked").close(keep=True)
    begin(np.zeros(3, np.uint8), {"name": "opened", labels_journal.PENDING: None}, "opened").close(keep=True)
    (tmp_path / "something else").mkdir()
    (tmp_path / "file.txt").write_text("x")
    assert [found.notes["name"] for found in unfinished(tmp_path)] == ["clicked", "new", "old"]
    assert unfinished(tmp_path / "not there") == []


def test_unreadable_journals_are_left_out_with_a_line_in_the_log_but_not_deleted(begin, tmp_path, caplog):
    begin(np.ones(3, np.uint8), name="good").close(keep=True)
    for name, data in (("bad", b"rubbish"), ("newer", b"napari-medt labels journal 2\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "labels.log").write_bytes(data)
    with caplog.at_level(logging.WARNING):
        assert [found.folder.name for found in unfinished(tmp_path)] == ["good"]
    assert sum(str(tmp_path / name) in caplog.text for name in ("bad", "newer")) == 2
    assert (tmp_path / "bad" / "labels.log").read_bytes() == b"rubbish"


def test_discarding_takes_nothing_that_is_not_the_journals(begin, tmp_path):
    journal = begin(np.ones(3, np.uint8))
    journal.close(keep=True)
    (journal.folder / "letter.txt").write_text("dear")
    discard(journal.folder)
    assert [path.name for path in journal.folder.iterdir()] == ["letter.txt"]
    discard(tmp_path / "not there")
    assert not (tmp_path / "not there").exists()


def test_a_journal_that_is_not_kept_leaves_nothing(begin, tmp_path):
    journal = begin(np.ones(3, np.uint8))
    journal.flush()
    journal.close(keep=False)
    journal.close(keep=True)
    assert list(tmp_path.iterdir()) == []


def test_journals_lie_in_the_folder_of_the_persons_state(monkeypatch, tmp_path):
    monkeypatch.setattr("platformdirs.user_state_path", lambda name, appauthor: tmp_path / name)
    assert journals_folder() == tmp_path / "napari-medt" / "unfinished"


# --- the disk refuses -----------------------------------------------------------------------------------------------


def refuse(number):
    def refuse_(*_args, **_kwargs):
        raise OSError(number, os.strerror(number))

    return refuse_


@pytest.mark.parametrize(("number", "says"), [(errno.ENOSPC, "the disk is full"), (errno.EIO, "Input/output error")])
def test_a_disk_that_refuses_is_told_and_tried_again(begin, monkeypatch, number, says):
    labels = np.zeros((50, 50), np.uint8)
    journal = begin(labels)
    journal.flush()
    assert journal.problem is None
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse(number))
        for row in range(50):
            labels[row] = row
            journal.write((row, 0), labels[row : row + 1])
        journal.flush()
        assert says in journal.problem
        assert str(journal.folder) in journal.problem
    journal.flush()
    assert journal.problem is None
    np.testing.assert_array_equal(read_journal(journal.folder).labels, labels)


def test_writing_goes_on_by_itself_when_the_disk_has_room_again(begin, monkeypatch):
    monkeypatch.setattr(labels_journal, "_RETRY", 0.05)
    journal = begin(np.zeros((5, 5), np.uint8))
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse(errno.ENOSPC))
        journal.write((0, 0), np.ones((5, 5)))
        wait_until(lambda: journal.problem)
    wait_until(lambda: journal.problem is None)
    wait_until(lambda: read_journal(journal.folder).labels.sum() == 25)


def test_a_folder_that_cannot_be_made_is_told_and_tried_again(tmp_path):
    (tmp_path / "file").write_text("x")
    journal = LabelsJournal.create(tmp_path / "file" / "journal", np.ones((2, 2), np.uint8), {})
    assert "is a file, not a folder" in journal.problem
    journal.write((0, 0), np.full((1, 1), 5))
    (tmp_path / "file").unlink()
    journal.flush()
    assert journal.problem is None
    assert read_journal(journal.folder).labels.tolist() == [[5, 1], [1, 1]]
    journal.close(keep=False)


@posix
def test_records_half_written_on_a_full_disk_spoil_nothing_that_comes_later(tmp_path):
    """A limit of the file size has the system take a part of a write and refuse the rest, as a full disk does."""
    code = """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, resource.RLIM_INFINITY))
        labels = np.zeros((100, 100), np.uint8)
        journal = LabelsJournal.create(Path(sys.argv[1]), labels, {})
        random = np.random.default_rng(0)
        for row in range(100):
            labels[row] = random.integers(0, 255, 100)
            journal.write((row, 0), labels[row:row + 1])
        journal.flush()
        print(journal.problem, flush=True)
        assert (Path(sys.argv[1]) / "labels.log").stat().st_size == 2000
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        journal.write((0, 0), np.full((1, 1), 3))
        journal.flush()
        print(journal.problem, flush=True)
        time.sleep(60)
    """
    with child(code, tmp_path / "child") as process:
        assert b"cannot be written: File too large" in process.stdout.readline()
        assert process.stdout.readline() == b"None\n"
        process.kill()
    expected = np.random.default_rng(0).integers(0, 255, (100, 100))
    expected[0, 0] = 3
    np.testing.assert_array_equal(read_journal(tmp_path / "child").labels, expected)


def test_giving_labels_never_waits_for_the_disk(begin, monkeypatch):
    journal = begin(np.zeros((1000, 1000), np.uint8))
    journal.flush()
    goes_on = threading.Event()
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (goes_on.wait(30), sync(descriptor)))
    began = time.perf_counter()
    for row in range(100):
        journal.write((row, 0), np.ones((1, 1000)))
        journal.note({"row": row})
    took = time.perf_counter() - began
    goes_on.set()
    assert took < 10  # a single wait takes 30 s
    journal.flush()
    assert read_journal(journal.folder).labels.sum() == 100_000


def test_closing_a_journal_on_a_full_disk_comes_to_an_end(begin, monkeypatch):
    journal = begin(np.zeros((5, 5), np.uint8))
    journal.write((0, 0), np.ones((5, 5)))
    monkeypatch.setattr(os, "fsync", refuse(errno.ENOSPC))
    journal.close(keep=True)
    assert "disk is full" in journal.problem


def test_wrong_use_is_refused_at_once(begin, tmp_path):
    journal = begin(np.zeros((5, 6), np.uint8))
    for start, shape in (((0, 0), (6, 1)), ((-1, 0), (1, 1)), ((0, 6), (1, 1)), ((0,), (1,)), ((0, 0), (1,))):
        with pytest.raises(ValueError, match="is not inside labels"):
            journal.write(start, np.ones(shape))
    with pytest.raises(TypeError):
        journal.note({"array": np.ones(3)})
    with pytest.raises(ValueError, match="integers or booleans, not float"):
        LabelsJournal.create(tmp_path / "other", np.zeros(3), {})
    with pytest.raises(OutputError, match="exists already"):
        LabelsJournal.create(journal.folder, np.zeros(3, np.uint8), {})
    journal.close(keep=False)
    with pytest.raises(ValueError, match="is closed"):
        journal.write((0, 0), np.ones((1, 1)))


# --- large labels ---------------------------------------------------------------------------------------------------


class SlowLabels:
    """Labels whose parts are handed out one by one, as the test lets them go."""

    def __init__(self, labels):
        self.labels, self.shape, self.dtype, self.ndim = labels, labels.shape, labels.dtype, labels.ndim
        self.allowed = threading.Semaphore(0)

    def __getitem__(self, region):
        assert self.allowed.acquire(timeout=30)
        return self.labels[region]


@pytest.fixture
def by_planes(monkeypatch):
    """Labels of (6, 4, 4) bytes are read plane by plane, with a look at what else came after each."""
    monkeypatch.setattr(labels_log, "PART_BYTES", 16)
    monkeypatch.setattr(labels_journal, "_STEP", 0)
    monkeypatch.setattr(labels_journal, "_DELAY", 0)


def test_work_on_large_labels_is_kept_before_they_have_been_read(begin, by_planes):
    slow = SlowLabels(np.full((6, 4, 4), 9, np.uint8))
    journal = begin(slow)
    wait_until(lambda: log_of(journal).stat().st_size)
    journal.write((0, 0, 0), np.full((6, 1, 4), 5))
    slow.allowed.release(2)  # the first planes
    wait_until(lambda: (read_journal(journal.folder).labels == 9).sum() == 24)
    half_way = read_journal(journal.folder).labels
    assert (half_way[:, 0] == 5).all()
    assert (half_way[:2, 1:] == 9).all()
    assert (half_way[2:, 1:] == 0).all()
    slow.allowed.release(100)
    journal.flush()
    expected = np.full((6, 4, 4), 9)
    expected[:, 0] = 5
    np.testing.assert_array_equal(read_journal(journal.folder).labels, expected)


@pytest.mark.parametrize("shape", [(6, 4, 4), (7, 4, 4)], ids=["same shape", "another shape"])
def test_labels_before_a_snapshot_stay_until_it_is_complete(begin, by_planes, shape):
    journal = begin(np.full((6, 4, 4), 3, np.uint8), {"of": "before"})
    journal.flush()
    slow = SlowLabels(np.full(shape, 8, np.uint8))
    journal.snapshot(slow)
    journal.note({"of": "after"})
    slow.allowed.release(2)
    wait_until(lambda: b'"notes": {"of": "after"}' in log_of(journal).read_bytes())
    wait_until(lambda: log_of(journal).read_bytes().count(b'"base"') == 8)
    half_way = read_journal(journal.folder)
    if shape == (6, 4, 4):
        assert (half_way.labels[:2] == 8).all()
        assert (half_way.labels[2:] == 3).all()
    else:
        np.testing.assert_array_equal(half_way.labels, np.full((6, 4, 4), 3))
        assert half_way.notes == {"of": "before"}
    slow.allowed.release(100)
    journal.flush()
    recovered = read_journal(journal.folder)
    np.testing.assert_array_equal(recovered.labels, slow.labels)
    assert recovered.notes == {"of": "after"}


def test_what_is_written_while_a_part_is_still_to_be_read_lies_over_it(begin, by_planes):
    journal = begin(np.zeros((6, 4, 4), np.uint8))
    journal.flush()
    slow = SlowLabels(np.full((6, 4, 4), 5, np.uint8))
    journal.write_later((slice(1, 6), slice(0, 4), slice(0, 4)), slow)
    slow.allowed.release(1)
    wait_until(lambda: read_journal(journal.folder).labels[1].sum() == 80)
    journal.write((0, 0, 0), np.full((6, 1, 1), 9))
    slow.allowed.release(4)
    journal.flush()
    expected = np.full((6, 4, 4), 5)
    expected[0] = 0
    expected[:, 0, 0] = 9
    np.testing.assert_array_equal(read_journal(journal.folder).labels, expected)


def test_labels_that_cannot_be_read_are_told_and_tried_again_from_there(begin, by_planes, caplog):
    class Failing(SlowLabels):
        def __getitem__(self, region):
            if not self.allowed.acquire(blocking=False):
                raise RuntimeError("the server has gone")
            return self.labels[region]

    failing = Failing(np.full((6, 4, 4), 2, np.uint8))
    failing.allowed.release(2)
    journal = begin(failing)
    journal.write((5, 0, 0), np.ones((1, 1, 1)))
    for _ in range(5):
        journal.flush()
        assert "the server has gone" in journal.problem
    assert caplog.text.count("the server has gone") == 1
    assert log_of(journal).read_bytes().count(b'"base"') == 2
    assert read_journal(journal.folder).labels.sum() == 2 * 32 + 1
    failing.allowed.release(4)
    journal.flush()
    assert journal.problem is None
    assert read_journal(journal.folder).labels.sum() == 6 * 32 - 1


def test_large_labels_are_never_held_a_second_time(begin, monkeypatch):
    monkeypatch.setattr(labels_log, "PART_BYTES", 2**18)
    labels = np.zeros((64, 512, 512), np.uint16)
    labels[:, 100:200] = np.arange(512)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    journal = begin(labels)
    journal.write_later((slice(0, 64), slice(0, 512), slice(0, 512)), labels)
    journal.flush()
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert peak < labels.nbytes / 8
    np.testing.assert_array_equal(read_journal(journal.folder).labels, labels)


def test_labels_are_let_go_once_they_are_on_disk(begin):
    labels = np.ones((100, 100), np.uint8)
    gone = weakref.ref(labels)
    journal = begin(labels)
    journal.flush()
    del labels
    wait_until(lambda: gone() is None)


# --- compaction -----------------------------------------------------------------------------------------------------


def scribble(journal, expected, times, seed=0):
    rng = np.random.default_rng(seed)
    for _ in range(times):
        start = rng.integers(0, 50, 2)
        block = rng.integers(0, 255, (10, 10)).astype(np.uint8)
        expected[start[0] : start[0] + 10, start[1] : start[1] + 10] = block
        journal.write(start, block)


def test_a_long_log_is_compacted_again_and_again_and_keeps_the_state(begin, monkeypatch):
    monkeypatch.setattr(labels_journal, "_LEAST_GROWTH", 1)
    expected = np.zeros((60, 60), np.uint8)
    journal = begin(expected.copy(), {"stays": True})
    written, sizes = 0, []
    for seed in range(60):
        before = log_of(journal).stat().st_size
        scribble(journal, expected, 20, seed)
        journal.flush()
        sizes.append(log_of(journal).stat().st_size)
        written += max(sizes[-1] - before, 0)
        recovered = read_journal(journal.folder)
        np.testing.assert_array_equal(recovered.labels, expected)
        assert recovered.notes == {"stays": True}
    assert written > 5 * max(sizes[-10:])
    assert not (journal.folder / "labels.log.part").exists()


def test_what_is_written_during_a_compaction_is_kept(begin, by_planes, monkeypatch):
    monkeypatch.setattr(labels_journal, "_LEAST_GROWTH", 3000)
    monkeypatch.setattr(labels_journal, "_GROWTH", 0)
    expected = np.zeros((60, 60), np.uint8)
    journal = begin(expected.copy())
    journal.flush()
    beside, seen = journal.folder / "labels.log.part", 0
    for seed in range(200):
        scribble(journal, expected, 1, seed)
        seen += beside.exists()
        time.sleep(0.002)
    journal.flush()
    assert seen > 5
    np.testing.assert_array_equal(read_journal(journal.folder).labels, expected)
    wait_until(lambda: not beside.exists())
    np.testing.assert_array_equal(read_journal(journal.folder).labels, expected)
    journal.close(keep=True)
    np.testing.assert_array_equal(read_journal(journal.folder).labels, expected)


def test_a_compaction_that_fails_leaves_the_long_log(begin, monkeypatch):
    monkeypatch.setattr(labels_journal, "_LEAST_GROWTH", 1)
    monkeypatch.setattr(labels_journal, "_GROWTH", 0)
    monkeypatch.setattr(shutil, "copyfileobj", refuse(errno.ENOSPC))
    expected = np.zeros((60, 60), np.uint8)
    journal = begin(expected.copy())
    for seed in range(5):
        scribble(journal, expected, 5, seed)
        journal.flush()
    journal.close(keep=True)
    np.testing.assert_array_equal(read_journal(journal.folder).labels, expected)
    assert sorted(path.name for path in journal.folder.iterdir()) == ["labels.log", "lock"]


def test_the_format_is_the_documented_one(begin):
    """Read with nothing but what the module's docstring says, so that other programs could."""
    import struct
    import zlib

    journal = begin(np.zeros((2, 3), ">u2"), {"a": 1})
    journal.write((1, 1), np.array([[7, 8]]))
    journal.close(keep=True)
    head, _, rest = log_of(journal).read_bytes().partition(b"\n")
    assert head == b"napari-medt labels journal 1"
    kinds = []
    while rest:
        length, checksum = struct.unpack("<II", rest[:8])
        payload, rest = rest[8 : 8 + length], rest[8 + length :]
        assert zlib.crc32(payload) == checksum
        line, _, labels = payload.partition(b"\n")
        facts = json.loads(line)
        kinds.append(facts["kind"])
        if facts["kind"] == "block":
            assert (facts["start"], facts["shape"]) == ([1, 1], [1, 2])
            assert zlib.decompress(labels) == b"\x00\x07\x00\x08"
    assert kinds[0] == "start"
    assert sorted(kinds) == ["block", "complete", "notes", "start"]
