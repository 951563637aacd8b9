"""What only a graphics card can show, within eight minutes, part by part, each in a process and a time of its own.

A part that fails or runs out of time leaves what it found until then, and the next one begins. After every part,
``OUT/on_gpu.json`` and ``OUT/on_gpu.md`` are written anew, so that whatever ends the run, what was measured is there.
What is measured is in :mod:`benchmarks.on_gpu_parts`.

Run as ``python -m benchmarks.on_gpu [--out FOLDER] [--parts NAME ...]``. Without a card, ``--device cpu --quick`` tries
the parts themselves, on small problems, and says of each that needs a card that it was left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import RESULTS, machine

# The parts in the order in which they matter, and the seconds that each may take: 465 together.
SECONDS = {
    "kernels": 160,
    "inference": 60,
    "training": 60,
    "precision": 60,
    "out-of-memory": 45,
    "memory": 35,
    "throughput": 45,
}
Row = dict[str, Any]


def main() -> None:
    """Run all parts, or one of them as the child that it runs in."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="small problems and few repeats")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder to write to")
    parser.add_argument("--parts", nargs="+", choices=SECONDS, default=list(SECONDS))
    parser.add_argument("--child", choices=SECONDS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        from benchmarks.on_gpu_parts import measure

        measure(arguments.child, arguments.device, arguments.quick, _Rows(_part_file(arguments.out, arguments.child)))
        return
    if arguments.device == "cuda" and not torch.cuda.is_available():
        parser.exit(
            1, "this machine has no CUDA card that PyTorch can use; --device cpu --quick tries the parts here\n"
        )
    arguments.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Row] = {}
    for name in arguments.parts:
        found[name] = run_part(name, SECONDS[name], arguments)
        write(arguments.out, found)
        print(f"{name}: {found[name]['end']} after {found[name]['seconds']:.0f} s", flush=True)


class _Rows:
    """The rows that a part has found; each is on disk before the next is measured."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._rows: list[Row] = []

    def __call__(self, what: str, figure: str, note: str = "", **numbers: Any) -> None:
        self._rows.append({"what": what, "figure": figure, "note": note, "numbers": numbers})
        self._file.write_text(json.dumps(self._rows))
        print(what, figure, note, sep=" | ", flush=True)


def run_part(name: str, limit: float, arguments: argparse.Namespace) -> Row:
    """Run a part in a process of its own, and return its rows and how it ended."""
    file = _part_file(arguments.out, name)
    file.unlink(missing_ok=True)
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.on_gpu", "--child", name]
    command += ["--device", arguments.device, "--out", str(arguments.out), *(["--quick"] if arguments.quick else [])]
    start = time.perf_counter()
    try:
        done = subprocess.run(command, check=False, timeout=limit, capture_output=True, text=True)
        last = done.stderr.strip().splitlines()[-1:] or ["no word of why"]
        end = "done" if done.returncode == 0 else f"failed: {last[0]}"
    except subprocess.TimeoutExpired:
        end = f"stopped at its limit of {limit:g} s"
    rows = json.loads(file.read_text()) if file.exists() else []
    file.unlink(missing_ok=True)
    return {"end": end, "seconds": time.perf_counter() - start, "rows": rows}


def write(folder: Path, found: dict[str, Row]) -> None:
    """Write what was found up to now as JSON and as a table."""
    content = {"machine": machine(), "parts": found}
    (folder / "on_gpu.json").write_text(json.dumps(content, indent=1) + "\n")
    lines = ["| part | what | figure | |", "|---|---|---|---|"]
    for name, part in found.items():
        lines += [f"| {name} | {row['what']} | {row['figure']} | {row['note']} |" for row in part["rows"]]
        if part["end"] != "done":
            lines.append(f"| {name} | | {part['end'].replace('|', '/')} | |")
    where = ", ".join(f"{key} {value}" for key, value in machine().items() if value is not None)
    (folder / "on_gpu.md").write_text("\n".join(lines) + f"\n\nMeasured on: {where}.\n")


def _part_file(folder: Path, name: str) -> Path:
    return folder / f"on_gpu.{name}.part.json"


if __name__ == "__main__":
    main()
