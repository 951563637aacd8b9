"""What holds while a worker is at a task: one at a time, with the threads that are its share of the machine."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dask

from src_models.computing.execution import computing_threads

__all__ = ["at_work"]

_one_at_a_time = threading.Lock()  # a worker of several threads, which somebody else started, may be handed several


@contextmanager
def at_work() -> Iterator[None]:
    """Compute, inside the ``with`` block, with the threads that this worker was started with.

    Lazy images are read in this process: by default they would become tasks of the cluster. Where this process is no
    worker, all stays as it is.
    """
    threads = _own_threads()
    if threads is None:
        yield
        return
    with (
        _one_at_a_time,
        dask.config.set(scheduler="threads", num_workers=threads),
        computing_threads(threads),
    ):
        yield


def _own_threads() -> int | None:
    try:
        from distributed import get_worker

        return int(get_worker().state.nthreads)
    except (ImportError, ValueError):
        return None
