from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from napari_medt.serving.store.opened import Kept, file_version


def test_what_was_asked_for_longest_ago_goes():
    made = []

    def ask(key):
        return kept.get(key, lambda: made.append(key) or key)

    kept = Kept(2)
    for key in "abacab":
        ask(key)
    # a, b are made; c drops b, which is made again and drops c
    assert made == ["a", "b", "c", "b"]


def test_what_is_not_to_be_kept_is_made_again():
    kept = Kept(4)
    for key in (1, 2, 3):
        kept.get(key, lambda: "old")
    kept.forget(unless=lambda key: key == 2)
    assert [kept.get(key, lambda: "new") for key in (1, 2, 3)] == ["new", "old", "new"]


def test_a_failure_is_not_kept():
    kept = Kept(2)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 / 0)
    assert kept.get("a", lambda: 5) == 5


def test_threads_get_what_they_asked_for():
    kept = Kept(3)
    with ThreadPoolExecutor(8) as pool:
        asked = [number % 7 for number in range(500)]
        assert list(pool.map(lambda key: kept.get(key, lambda: -key), asked)) == [-key for key in asked]


def test_a_file_that_is_written_again_has_another_version(tmp_path):
    path = tmp_path / "a"
    assert file_version(path) == (0, 0)
    path.write_bytes(b"1")
    first = file_version(path)
    path.write_bytes(b"12")
    second = file_version(path)
    os.utime(path, ns=(5, 5))
    assert len({first, second, file_version(path)}) == 3
