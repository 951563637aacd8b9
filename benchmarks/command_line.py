"""How long ``napari-medt`` takes to answer what needs no network: help, completion, models, a mistyped name.

Each answer is a process of its own, as in a shell; beside it, what Python alone takes to start, and how long torch
takes to be imported, which none of them waits for.

Run as ``python -m benchmarks.command_line``.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TIMES = 9
TARGET = 0.6  # s
IMAGE = Path(__file__).resolve().parents[1] / "sample_data" / "fluorescence.png"
COMPLETING = {
    "_NAPARI_MEDT_COMPLETE": "complete_bash",
    "COMP_WORDS": "napari-medt segment --model nu",
    "COMP_CWORD": "3",
}
ANSWERS = {
    "`napari-medt --help`": ["--help"],
    "`napari-medt segment --help`": ["segment", "--help"],
    "`napari-medt models`": ["models"],
    "completion of a model's name": [],
    "a model that is not there": ["segment", str(IMAGE), "--model", "nuclie"],
    "an image that is not there": ["segment", "missing.tif"],
    "a folder without images": ["segment", "."],
    "an output that is there": ["segment", str(IMAGE), "--output", "there"],
    "a device that is not there": ["segment", str(IMAGE), "--device", "mps"],
    "a data set that is not there": ["evaluate", "missing"],
}


def main() -> None:
    """Measure each answer several times, print and write the table."""
    from benchmarks.machine import report

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "there").mkdir()
        (Path(folder) / "there" / "fluorescence_labels.tif").touch()
        for what, arguments in ANSWERS.items():
            environment = COMPLETING if what.startswith("completion") else {}
            times = [_seconds(["-m", "napari_medt", *arguments], folder, environment) for _ in range(TIMES)]
            rows.append([what, *_said(times)])
        for what, code in (("Python alone", "pass"), ("importing torch", "import torch")):
            rows.append([what, *_said([_seconds(["-c", code], folder, {}) for _ in range(TIMES)])])
    columns = ("asked for", f"median of {TIMES}", "longest", "of it the processor's, median")
    report("command_line", columns, rows, {"target_s": TARGET})


def _seconds(arguments: list[str], folder: str, environment: dict[str, str]) -> tuple[float, float]:
    """Return how long a process takes, and how much of that on the processor, which says more on a busy machine."""
    before, begun = os.times(), time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, check=False, env={**os.environ, **environment}
    )
    seconds, after = time.perf_counter() - begun, os.times()
    return seconds, after.children_user + after.children_system - before.children_user - before.children_system


def _said(times: list[tuple[float, float]]) -> list[str]:
    wall, processor = zip(*times, strict=True)
    return [f"{s:.2f} s" for s in (statistics.median(wall), max(wall), statistics.median(processor))]


if __name__ == "__main__":
    main()
