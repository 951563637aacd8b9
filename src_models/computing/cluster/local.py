"""Workers on this machine: the cores are divided among them, and each has a graphics card of its own.

Examples
--------
>>> threads_each(3, cores=8), threads_each(4, cores=2)
(2, 1)
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from src_models.errors import UserError

if TYPE_CHECKING:
    from distributed import SpecCluster

__all__ = ["check_cards", "graphics_cards", "local_cluster", "threads_each", "worker_options"]

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
_CARDS = "CUDA_VISIBLE_DEVICES"
_HOST = "127.0.0.1"


def threads_each(workers: int, *, cores: int | None = None) -> int:
    """Return how many threads each of some workers computes with, so that together they take no more than the cores."""
    return max(1, (cores or os.cpu_count() or 1) // workers)


def graphics_cards(device: str) -> list[str]:
    """Return the names by which CUDA knows the cards that workers may take; none where they run on the CPU."""
    if device not in ("auto", "cuda"):
        return []
    import torch

    if not torch.cuda.is_available():
        return []
    named = [name for name in os.environ.get(_CARDS, "").split(",") if name]
    return named or [str(number) for number in range(torch.cuda.device_count())]


def check_cards(workers: int, cards: Sequence[str]) -> None:
    """Refuse more workers than there are graphics cards, where they run on these.

    Raises
    ------
    UserError
        If there are more.
    """
    if cards and workers > len(cards):
        have = "one graphics card" if len(cards) == 1 else f"{len(cards)} graphics cards"
        raise UserError(
            f"{workers} workers are too many: this machine has {have}, and each worker has one of its own. Give "
            f"--workers {len(cards)}, or --device cpu to compute on the processor"
        )


def worker_options(workers: int, cards: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return with which options each worker is started: its threads, and its graphics card."""
    threads = threads_each(workers)
    environment = dict.fromkeys(_THREADS, str(threads))
    return [
        {
            "nthreads": threads,
            "memory_limit": 0,  # a worker that is ended for what it takes would fail at its image again and again
            "dashboard": False,
            "host": _HOST,
            "silence_logs": logging.CRITICAL,  # what fails is told by who asked for it
            "env": {**environment, **({_CARDS: cards[number]} if cards else {})},
        }
        for number in range(workers)
    ]


def local_cluster(workers: int, *, device: str = "auto") -> SpecCluster:
    """Start workers on this machine, which end with this process, and a scheduler in it.

    Parameters
    ----------
    workers
        How many.
    device
        What they run on: ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Raises
    ------
    UserError
        If they run on graphics cards and there are not so many.
    """
    from distributed import Nanny, Scheduler, SpecCluster

    cards = graphics_cards(device)
    check_cards(workers, cards)
    scheduler = {"cls": Scheduler, "options": {"host": _HOST, "port": 0, "dashboard": False}}
    options = worker_options(workers, cards)
    specified = {number: {"cls": Nanny, "options": each} for number, each in enumerate(options)}
    with _undisturbed():
        return SpecCluster(workers=specified, scheduler=scheduler, silence_logs=logging.CRITICAL, name="napari-medt")


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Have processes that are started in the block ignore Ctrl-C, which their parent acts on."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
