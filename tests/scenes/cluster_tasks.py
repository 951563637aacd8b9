"""What the workers of tests do: functions that other processes find by name."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

from src_models.computing.cluster.parcels import parcel


def square(number: int) -> int:
    """Return the square; of 3 there is none."""
    if number == 3:
        raise ValueError("no square of 3")
    return number * number


def fail_once(place: str) -> str:
    """Fail at the first try, as where a file system was away."""
    if not Path(place).exists():
        Path(place).touch()
        raise OSError("away")
    return "done"


def die_once(place: str) -> str:
    """End the worker at the first try, without a word."""
    if not Path(place).exists():
        Path(place).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def about_worker(key: str) -> tuple[int, str, bytes, int]:
    """Tell of a worker: its process, how many threads it has, what it was sent, and how it takes Ctrl-C."""
    time.sleep(0.1)
    ignores = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    return os.getpid(), os.environ["OMP_NUM_THREADS"], parcel(key), ignores


def computing(_: int) -> tuple[int, int, int]:
    """Tell how many tasks of this process compute at the most at a time, and with how many threads."""
    import dask
    import torch

    from src_models.computing.cluster.at_work import at_work

    with at_work():
        busy.append(threading.get_ident())
        most = len(busy)
        time.sleep(0.05)
        threads, reading = torch.get_num_threads(), dask.config.get("num_workers")
        busy.remove(threading.get_ident())
    return most, threads, reading


busy: list[int] = []


def named(place: str) -> str:
    """Take note that this was begun."""
    Path(place).touch()
    time.sleep(0.05)
    return place
