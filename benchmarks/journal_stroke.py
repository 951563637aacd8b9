"""What a stroke costs that is kept on disk: the journal's log against an SQLite database, on real volumes.

A stroke is 20 dabs of a brush of 20 px radius in one plane, each kept as napari tells of it. The log is
:class:`src_models.journal.journal.LabelsJournal`, whose thread brings it to disk. The database (WAL) holds the labels
as they are now, in chunks that are replaced when they are written to: by whoever paints, one transaction a dab, with
and without waiting for the disk; or one transaction a stroke, as a thread could. Forms take turns, stroke by stroke.

Run as ``python -m benchmarks.journal_stroke shared/data/ct_totalseg/masks/*.nii.gz``.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import report
from src_models.journal.journal import LabelsJournal, read_journal

STROKES, DABS, RADIUS, STEP = 30, 20, 20, 6
SIDE = 256  # px of a chunk of the database


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("labels", nargs="+", type=Path)
    rows = [row for path in parser.parse_args().labels for row in _measure(path)]
    columns = ["Labels", "Kept in", "Stroke, who paints waits", "longest", "then until on disk", "MB written", "Read"]
    report("journal_stroke", columns, rows, {"strokes": STROKES, "dabs": DABS, "radius": RADIUS})


def _measure(path: Path) -> list[list[str]]:
    labels = np.ascontiguousarray(np.asarray(nibabel.load(path).dataobj).T.astype(np.int32))
    with tempfile.TemporaryDirectory() as parent:
        forms: dict[str, Any] = {
            "log, by a thread": _Log(Path(parent) / "log", labels),
            "SQLite, FULL, each dab": _Database(Path(parent) / "full.sqlite", labels, "FULL"),
            "SQLite, NORMAL, each dab": _Database(Path(parent) / "normal.sqlite", labels, "NORMAL"),
            "SQLite, FULL, each stroke": _Database(Path(parent) / "late.sqlite", labels, "FULL", late=True),
        }
        painted = labels.copy()
        waits: dict[str, list[float]] = {name: [] for name in forms}
        flushes: dict[str, list[float]] = {name: [] for name in forms}
        for stroke in range(STROKES):
            dabs = list(_dabs(painted, stroke))
            for name, form in forms.items():
                waits[name].append(_seconds(lambda form=form, dabs=dabs: [form.write(*dab) for dab in dabs]))
                flushes[name].append(_seconds(form.flush))
        rows = []
        for name, form in forms.items():
            written = form.written()
            form.close()
            began = time.perf_counter()
            same = np.array_equal(form.read(), painted)
            read = time.perf_counter() - began
            assert same, f"{name} does not hold what was painted"
            times = [statistics.median(waits[name]), max(waits[name]), statistics.median(flushes[name])]
            shape = "x".join(map(str, labels.shape))
            cells = [f"{seconds * 1e3:.2f} ms" for seconds in times]
            rows.append([f"{path.name} {shape}", name, *cells, f"{written / 2**20:.1f}", f"{read:.2f} s"])
    return rows


def _dabs(painted: NDArray[Any], stroke: int) -> Iterator[tuple[tuple[int, ...], NDArray[Any]]]:
    """Paint a stroke, and give each dab's box: where it begins, and what it holds then."""
    rng = np.random.default_rng(stroke)
    plane = int(rng.integers(len(painted)))
    height, width = painted.shape[1:]
    y, x = (int(rng.integers(RADIUS, size - RADIUS - 1)) for size in (height, width))
    for _ in range(DABS):
        top, left = max(0, y - RADIUS), max(0, x - RADIUS)
        box = painted[plane, top : y + RADIUS + 1, left : x + RADIUS + 1]
        rows, columns = np.ogrid[top : top + box.shape[0], left : left + box.shape[1]]
        box[(rows - y) ** 2 + (columns - x) ** 2 <= RADIUS**2] = stroke + 1
        yield (plane, top, left), box[None].copy()
        x = min(x + STEP, width - 1)


def _seconds(what: Callable[[], Any]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


class _Log:
    """The journal, as the plugin uses it."""

    def __init__(self, folder: Path, labels: NDArray[Any]) -> None:
        self._journal = LabelsJournal.create(folder, labels.copy(), {})
        self._journal.flush()
        self.write, self.flush = self._journal.write, self._journal.flush

    def written(self) -> int:
        return (self._journal.folder / "labels.log").stat().st_size

    def close(self) -> None:
        self._journal.close(keep=True)

    def read(self) -> NDArray[Any]:
        return read_journal(self._journal.folder).labels


class _Database:
    """Chunks of labels in SQLite, as they are now."""

    def __init__(self, path: Path, labels: NDArray[Any], synchronous: str, *, late: bool = False) -> None:
        self._path, self._shape, self._dtype = path, labels.shape, labels.dtype
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute(f"PRAGMA synchronous = {synchronous}")
        self._database.execute("CREATE TABLE chunks (z, y, x, data BLOB, PRIMARY KEY (z, y, x)) WITHOUT ROWID")
        self._late, self._waiting = late, [((plane, 0, 0), labels[plane : plane + 1]) for plane in range(len(labels))]
        self.flush()

    def write(self, start: Sequence[int], block: NDArray[Any]) -> None:
        self._waiting.append((tuple(start), block))
        if not self._late:
            self.flush()

    def flush(self) -> None:
        self._database.execute("BEGIN")
        for start, block in self._waiting:
            self._put(start, block)
        self._database.execute("COMMIT")
        self._waiting = []

    def _put(self, start: tuple[int, ...], block: NDArray[Any]) -> None:
        z, top, left = start
        bottom, right = top + block.shape[1], left + block.shape[2]
        for y in range(top // SIDE, -(-bottom // SIDE)):
            for x in range(left // SIDE, -(-right // SIDE)):
                chunk = self._chunk(z, y, x)
                rows = slice(max(top, y * SIDE), min(bottom, (y + 1) * SIDE))
                columns = slice(max(left, x * SIDE), min(right, (x + 1) * SIDE))
                part = block[0, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
                chunk[
                    rows.start - y * SIDE : rows.stop - y * SIDE, columns.start - x * SIDE : columns.stop - x * SIDE
                ] = part
                row = (z, y, x, zlib.compress(chunk.data, 1))
                self._database.execute("INSERT OR REPLACE INTO chunks VALUES (?, ?, ?, ?)", row)

    def _chunk(self, z: int, y: int, x: int) -> NDArray[Any]:
        found = self._database.execute("SELECT data FROM chunks WHERE z = ? AND y = ? AND x = ?", (z, y, x)).fetchone()
        if found is None:
            return np.zeros((SIDE, SIDE), self._dtype)
        return np.frombuffer(zlib.decompress(found[0]), self._dtype).reshape(SIDE, SIDE).copy()

    def written(self) -> int:
        return self._path.stat().st_size + self._path.with_name(f"{self._path.name}-wal").stat().st_size

    def close(self) -> None:
        self._database.close()

    def read(self) -> NDArray[Any]:
        planes, *size = self._shape
        padded = np.zeros((planes, *(-(-side // SIDE) * SIDE for side in size)), self._dtype)
        self._database = sqlite3.connect(self._path)
        for z, y, x, data in self._database.execute("SELECT z, y, x, data FROM chunks"):
            chunk = np.frombuffer(zlib.decompress(data), self._dtype).reshape(SIDE, SIDE)
            padded[z, y * SIDE : (y + 1) * SIDE, x * SIDE : (x + 1) * SIDE] = chunk
        self._database.close()
        return padded[:, : size[0], : size[1]]


if __name__ == "__main__":
    main()
