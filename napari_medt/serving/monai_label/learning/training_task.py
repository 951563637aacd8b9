"""What is told of a round of learning: the task, and how far it is, as clients of MONAI Label read it.

A client takes the last line of ``details`` without looking whether there is one, so there always is. It takes a task
for running where its status says so, and asks for the last task for ever, so the last one stays.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any, Literal

__all__ = ["Status", "TrainingTask"]

Status = Literal["RUNNING", "DONE", "STOPPED", "ERROR"]
_LINES = 500  # of details; the first and the last are kept


@dataclass
class TrainingTask:
    """One order to learn, of one model or several; written by one thread and read by another.

    Parameters
    ----------
    models
        Names of the models that learn, one after the other.
    request
        What the client sent.
    """

    models: Sequence[str]
    request: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    begun: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._status: Status = "RUNNING"
        self._details = [f"begun: {', '.join(self.models)} learns from the labels that were submitted"]
        self._stats: dict[str, dict[str, Any]] = {}
        self._ended: float | None = None

    @property
    def running(self) -> bool:
        """Whether it has not ended, nor was told to."""
        return self._status == "RUNNING"

    @property
    def stats(self) -> dict[str, dict[str, Any]]:
        """How far it is, by model, the one that learns now at first; none of those that have not begun."""
        with self._lock:
            return {name: dict(stats) for name, stats in reversed(self._stats.items())}

    def to_json(self) -> dict[str, Any]:
        """Return the task as clients read it."""
        with self._lock:
            return {
                "id": self.id,
                "type": "training",
                "status": self._status,
                "start_ts": _stamp(self.begun),
                "end_ts": None if self._ended is None else _stamp(self._ended),
                "details": list(self._details),
                "request": dict(self.request),
            }

    def say(self, line: str) -> None:
        """Add a line of details."""
        with self._lock:
            if len(self._details) >= _LINES:
                del self._details[1]
            self._details.append(" ".join(line.split()))

    def begin(self, model: str, steps: int) -> None:
        """Note that a model begins to learn, in so many steps at most."""
        now = {"epoch": 0, "total_epochs": max(1, steps), "best_metric": 0.0, "start_ts": int(time.time())}
        with self._lock:
            self._stats[model] = now

    def progress(self, model: str, done: float, best: float) -> None:
        """Note how far a model is, and how good the best is (both 0 to 1)."""
        with self._lock:
            stats = self._stats[model]
            share = min(max(done, 0.0), 1.0)
            self._stats[model] = {
                **stats,
                "epoch": int(share * stats["total_epochs"]),
                "best_metric": round(min(max(best, 0.0), 1.0), 4),
            }

    def end(self, model: str) -> None:
        """Note that a model has learnt, or given up."""
        with self._lock:
            stats = self._stats[model]
            seconds = max(0, int(time.time()) - stats["start_ts"])
            self._stats[model] = {**stats, "total_time": f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"}

    def close(self, status: Status) -> None:
        """End it; one that was stopped stays so."""
        with self._lock:
            self._ended = time.time()
            if self._status == "RUNNING":
                self._status = status


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
