"""Run each file of tests in a process of its own, and say at the end which of them failed.

The arguments are files and folders of tests.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

NO_TESTS = 5  # pytest's exit status where a file has none for this computer


def files_in(places: list[str]) -> list[Path]:
    """Return the files of tests in files and folders."""
    found = [path for place in map(Path, places) for path in ([place] if place.is_file() else place.rglob("test_*.py"))]
    return sorted(set(found))


def main(places: list[str]) -> int:
    """Return how many files failed, at most 1 as an exit status."""
    files, failed = files_in(places), []
    if not files:
        print(f"There are no tests in {', '.join(places) or 'nothing'}.", file=sys.stderr)
        return 1
    for number, path in enumerate(files, 1):
        begun = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "pytest", "-q", str(path)], check=False)
        print(f"[{number}/{len(files)}] {path}: {done.returncode}, {time.monotonic() - begun:.0f} s", flush=True)
        if done.returncode not in (0, NO_TESTS):
            failed.append(path)
    print(f"{len(files) - len(failed)} passed, {len(failed)} failed", *failed, sep="\n  ")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
