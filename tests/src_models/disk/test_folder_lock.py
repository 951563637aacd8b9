"""Two processes that share a folder lose nothing of each other's."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading

import pytest

from src_models.corrections.correction_set import CorrectionSet
from src_models.disk import folder_lock
from src_models.disk.folder_lock import locked, try_lock
from src_models.errors import OutputError
from src_models.finetuning.versions import ModelVersions

MARKING = """
import sys
import numpy as np
from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet

folder, who = sys.argv[1:]
image, labels = np.zeros((8, 8), np.uint8), np.eye(8, dtype=int)
kept = CorrectionSet.open(folder)
print("ready", flush=True)
sys.stdin.readline()
for number in range(25):
    kept.add(mark(image, labels, source=Source(layer="stack", axes="TYX", plane=(int(who) * 100 + number,))))
"""


def test_what_processes_mark_at_once_is_all_kept(tmp_path):
    command = [sys.executable, "-c", MARKING, str(tmp_path / "set")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    people = [subprocess.Popen([*command, str(who)], **pipes) for who in range(3)]
    for person in people:
        assert person.stdout.readline() == "ready\n"
    for person in people:
        person.stdin.write("go\n")
        person.stdin.flush()
    for person in people:
        person.communicate(timeout=120)
        assert person.returncode == 0
    kept = CorrectionSet.open(tmp_path / "set")
    planes = sorted(correction.record.source.plane[0] for _, correction in kept.corrections())
    assert planes == [100 * who + number for who in range(3) for number in range(25)]


def test_rounds_that_end_at_once_become_versions_of_their_own(tmp_path, make_model):
    versions = [ModelVersions(tmp_path) for _ in range(4)]
    models = [make_model("unet", seed=seed) for seed in range(4)]
    begin, found = threading.Barrier(4), []

    def end(number):
        begin.wait()
        found.append(versions[number].add(models[number], tmp_path / "cells.safetensors"))

    threads = [threading.Thread(target=end, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(version.name for version in found) == [f"cells-v{number}" for number in (1, 2, 3, 4)]
    assert len({version.sha256 for version in ModelVersions(tmp_path).list()}) == 4


def test_a_folder_that_is_never_let_go_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_lock, "WAIT", 0.05)
    with locked(tmp_path), pytest.raises(OutputError, match="written to by another program"), locked(tmp_path):
        pass
    with locked(tmp_path):  # it was let go
        pass


def test_an_error_inside_lets_the_folder_go(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_lock, "WAIT", 0.05)
    with pytest.raises(ZeroDivisionError), locked(tmp_path / "new"):
        1 / 0  # noqa: B018
    with locked(tmp_path / "new"):
        pass


def test_a_disk_without_locks_keeps_others_out_all_the_same(tmp_path, monkeypatch):
    def missing(*_):
        raise OSError(errno.ENOSYS, "flock is not there")

    monkeypatch.setattr("fcntl.flock", missing)
    monkeypatch.setattr(folder_lock, "WAIT", 0.05)
    with locked(tmp_path), pytest.raises(OutputError, match="written to by another program"), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


# --- a lock for as long as a process lives --------------------------------------------------------------------------

HOLDING = """
import sys, time
from pathlib import Path
from src_models.disk.folder_lock import try_lock

lock = try_lock(Path(sys.argv[1]))
print("held" if lock else "refused", flush=True)
time.sleep(60)
"""


def holding(path):
    return subprocess.Popen([sys.executable, "-c", HOLDING, str(path)], stdout=subprocess.PIPE, text=True)


def test_a_lock_goes_with_its_process_however_that_ends(tmp_path):
    path = tmp_path / "lock"
    with holding(path) as process:
        assert process.stdout.readline() == "held\n"
        assert try_lock(path) is None
        process.kill()
    lock = try_lock(path)
    with holding(path) as process:
        assert process.stdout.readline() == "refused\n"
        process.kill()
    lock.release()
    assert path.exists()  # deleted, another process might lock a new file of that name


def test_a_lock_is_refused_within_a_process_too_and_released_in_any_thread(tmp_path):
    lock = try_lock(tmp_path / "lock")
    assert try_lock(tmp_path / "lock") is None
    thread = threading.Thread(target=lock.release)
    thread.start()
    thread.join()
    assert try_lock(tmp_path / "lock") is not None


@pytest.mark.skipif(sys.platform == "win32", reason="flock is POSIX")
def test_a_lock_and_that_of_older_versions_keep_each_other_out(tmp_path):
    import fcntl

    path = tmp_path / "lock"
    with path.open("a+b") as older:
        fcntl.flock(older, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert try_lock(path) is None
    lock = try_lock(path)
    with path.open("a+b") as older, pytest.raises(BlockingIOError):
        fcntl.flock(older, fcntl.LOCK_EX | fcntl.LOCK_NB)
    lock.release()


def test_no_folder_is_made_for_a_lock(tmp_path):
    with pytest.raises(FileNotFoundError):
        try_lock(tmp_path / "nowhere" / "lock")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_locks_has_no_file_in_place_of_one_that_outlives_its_process(tmp_path, monkeypatch):
    def missing(*_):
        raise OSError(errno.ENOSYS, "flock is not there")

    monkeypatch.setattr("fcntl.flock", missing)
    with pytest.raises(OSError, match="flock is not there"):
        try_lock(tmp_path / "lock")
