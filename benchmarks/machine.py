"""What a benchmark ran on, and how its table is printed and kept."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """Return processor, cores, threads and versions."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        name = names[0] if names else name
    return {
        "processor": name,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def seconds(
    *candidates: Callable[[], Any], repeats: int = 7, clock: Callable[[], float] = time.perf_counter
) -> list[float]:
    """Return the median time of each candidate; they take turns, so that a disturbance meets all alike."""
    for candidate in candidates:
        candidate()
    times: list[list[float]] = [[] for _ in candidates]
    for _ in range(repeats):
        for kept, candidate in zip(times, candidates, strict=True):
            start = clock()
            candidate()
            kept.append(clock() - start)
    return [statistics.median(kept) for kept in times]


def each_time(call: Callable[[Any], Any], inputs: Sequence[Any]) -> list[float]:
    """Return how many seconds a call takes for each input."""
    found = []
    for each in inputs:
        start = time.perf_counter()
        call(each)
        found.append(time.perf_counter() - start)
    return found


def median_and_longest(times: Sequence[float]) -> tuple[str, str]:
    """Return both in words, for a table."""
    return f"{statistics.median(times) * 1e3:.1f} ms", f"{max(times) * 1e3:.1f} ms"


def report(
    name: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], notes: dict[str, Any] | None = None
) -> None:
    """Print a table and write it, with the machine, to ``results/NAME.json`` and ``results/NAME.md``."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    text = "\n".join(lines)
    print(f"\n{name}\n{text}\n{json.dumps(machine())}")
    RESULTS.mkdir(exist_ok=True)
    content = {"machine": machine(), "columns": columns, "rows": rows, "notes": notes or {}}
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")
    where = ", ".join(f"{key} {value}" for key, value in machine().items() if value is not None)
    (RESULTS / f"{name}.md").write_text(f"{text}\n\nMeasured on: {where}.\n")
