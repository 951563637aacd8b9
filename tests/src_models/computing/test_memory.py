"""Freed memory is kept while a network runs, and handed back at the end."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest

from src_models.computing import memory
from src_models.computing.memory import reused_memory

glibc = pytest.mark.skipif(sys.platform != "linux", reason="the C library is glibc on Linux alone")

CHILD = """
import json, resource
import numpy as np
from src_models.computing.memory import reused_memory

SIZE = 2**26

def faults(times):
    "Return how many pages the system gave anew for arrays that are made, filled and freed one after the other."
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        np.empty(SIZE, np.uint8).fill(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def held():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

usual = faults(10)
with reused_memory():
    faults(1)
    inside = faults(10)
    kept = held()
print(json.dumps({"usual": usual, "inside": inside, "afterwards": faults(10), "returned": kept - held()}))
"""


@glibc
def test_pages_are_given_once_inside_and_go_back_to_the_system_afterwards():
    done = subprocess.run([sys.executable, "-c", CHILD], capture_output=True, text=True, check=True)
    counted = json.loads(done.stdout)
    assert counted["usual"] > 100
    assert counted["inside"] < counted["usual"] / 50
    assert counted["returned"] > 2**26 / 2


class Library:
    """A C library that notes what it is told."""

    def __init__(self):
        self.told = []

    def mallopt(self, parameter, value):
        self.told.append((parameter, value))

    def malloc_trim(self, pad):
        self.told.append("trimmed")


@pytest.fixture
def library(monkeypatch):
    library = Library()
    monkeypatch.setattr(memory, "_glibc", lambda: library)
    return library


MMAP_MAX = -4  # of malloc.h: how many blocks may be memory of their own; glibc's own value is 65536


def test_memory_is_kept_until_the_last_of_several_runs_has_ended(library):
    inside, leave = threading.Event(), threading.Event()

    def run():
        with reused_memory():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=run)
    thread.start()
    inside.wait(10)
    with reused_memory():
        assert (MMAP_MAX, 0) in library.told
    assert "trimmed" not in library.told
    assert (MMAP_MAX, 65536) not in library.told
    leave.set()
    thread.join()
    assert library.told[-1] == "trimmed"
    assert (MMAP_MAX, 65536) in library.told


def test_a_run_that_fails_hands_its_memory_back(library):
    with pytest.raises(ZeroDivisionError), reused_memory():
        1 / 0  # noqa: B018
    assert library.told[-1] == "trimmed"


def test_elsewhere_nothing_is_done(monkeypatch):
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    with reused_memory():
        assert not memory._blocks
