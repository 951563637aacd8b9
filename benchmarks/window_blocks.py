"""For how long the window does not answer while a person works in images of growing size.

What a person does is done in a real viewer, and a timer of 20 ms tells the longest time for which it could not fire.
The first rows are napari's own: the view is moved, and layers are added as at a first click. Each kind of work is
measured at each size in a process of its own.

Run as ``xvfb-run -a python -m benchmarks.window_blocks [--only KIND ...] [--sizes PX ...]``. Without arguments the
table is written, else it is only printed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

# Neither the preferences, the unsaved work nor the corrections of whoever runs this.
os.environ["NAPARI_CONFIG"] = f"{tempfile.mkdtemp()}/settings.yaml"
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp()
os.environ["XDG_DOCUMENTS_DIR"] = tempfile.mkdtemp()

import napari
import numpy as np
from qtpy.QtCore import QTimer

from benchmarks.heartbeat import Heartbeat, wait_until
from benchmarks.machine import report

SIZES = (512, 2048, 4096, 6000)
TARGET = 100.0  # ms
PIECE = 256  # px; the image is this piece, again and again

Blocks = Iterator[tuple[str, float]]  # what was done, and for how long the window did not answer (s)


def made_image(size: int) -> np.ndarray[Any, Any]:
    """Return a colour image of a bright disc in each piece, on a noisy ground; the first one's centre is 128, 128."""
    rows, columns = np.mgrid[:PIECE, :PIECE]
    disc = (rows - PIECE // 2) ** 2 + (columns - PIECE // 2) ** 2 < 40**2
    noise = np.random.default_rng(0).integers(0, 40, (PIECE, PIECE, 3))
    piece = (disc[..., None] * 180 + noise).astype(np.uint8)
    times = -(-size // PIECE)
    return np.ascontiguousarray(np.tile(piece, (times, times, 1))[:size, :size])


def block_of(act: Callable[[], object], done: Callable[[], bool] = lambda: True) -> float:
    """Return the longest time (s) for which the window did not answer from an act until what came of it is drawn."""
    with Heartbeat() as heartbeat:
        act()
        wait_until(done)
    return heartbeat.longest


def viewing(viewer: napari.Viewer, size: int) -> Blocks:
    """Move the view, and add layers: napari alone."""

    def move() -> None:
        viewer.scene.camera.center = (0, size / 2 + 5, size / 2 + 5)

    yield "napari alone: the view is moved", block_of(move)
    yield "napari alone: small labels are added", block_of(lambda: viewer.add_labels(np.zeros((64, 64), np.uint16)))
    yield "napari alone: points are added", block_of(lambda: viewer.add_points(np.zeros((1, 2))))


def correcting(viewer: napari.Viewer, size: int) -> Blocks:
    """Paint with napari's brush in labels that are corrected, each piece of the image with an object of its own."""
    from napari_medt.correcting.labels import begin

    _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Correct and learn")

    def idle() -> bool:
        return not (widget.context.work.untold or widget.marking.changes.busy)

    wait_until(idle)
    labels = widget.context.layers.add_labels(widget.context.target())
    times = -(-size // PIECE)
    numbers = np.arange(1, times**2 + 1, dtype=np.int32).reshape(times, times)
    labels.data[...] = np.kron(numbers, np.ones((PIECE, PIECE), np.int32))[:size, :size]
    begin(labels, labels.data.copy(), model_name="none", model_sha256="")
    labels.refresh()
    widget.marking.choose(labels)
    widget.marking.paint_object()
    labels.brush_size = 30
    wait_until(idle, after=1.0)
    way = [(size / 2 + 4 * step, size / 2 + 3 * step) for step in range(30)]
    drag(viewer, way)  # napari compiles at the first stroke
    wait_until(idle)
    yield "Correct and learn: a stroke", block_of(lambda: drag(viewer, [(y - 90, x) for y, x in way]), idle)
    yield "Correct and learn: a stroke is undone", block_of(labels.undo, idle)
    yield "Correct and learn: what was painted is marked", block_of(lambda: widget.marking.mark("painted"), idle)


def drag(viewer: napari.Viewer, way: list[tuple[float, float]]) -> None:
    """Drag the left mouse button along places in the world, and let the window work after each."""
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    canvas, camera = viewer.window._qt_viewer.canvas.native, viewer.scene.camera  # noqa: SLF001 (napari gives no other way)
    left, nothing = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    kinds = [QEvent.Type.MouseButtonPress, *[QEvent.Type.MouseMove] * (len(way) - 1), QEvent.Type.MouseButtonRelease]
    for kind, (y, x) in zip(kinds, [*way, way[-1]], strict=True):
        row, column = (
            (at - centre) * camera.zoom + length / 2
            for at, centre, length in zip((y, x), camera.center[-2:], (canvas.height(), canvas.width()), strict=True)
        )
        at, ends = QPointF(column, row), kind == QEvent.Type.MouseButtonRelease
        button = nothing if kind == QEvent.Type.MouseMove else left
        held = nothing if ends else left
        event = QMouseEvent(
            kind, at, QPointF(canvas.mapToGlobal(at.toPoint())), button, held, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(canvas, event)
        QApplication.processEvents()


def clicking(viewer: napari.Viewer, size: int) -> Blocks:
    """Click on two objects, accept them, take it back."""
    _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Click")

    def idle() -> bool:
        return not widget.work.untold

    def objects() -> Any:
        return next(layer for layer in viewer.layers if layer.name.endswith("- objects"))

    wait_until(idle)
    middle = PIECE / 2
    yield "Click: the first click", block_of(lambda: widget.click((middle, middle)), idle)
    yield "Click: a later click", block_of(lambda: widget.click((middle + 30, middle)), idle)
    yield "Click: undo", block_of(widget.undo, idle)
    yield "Click: accept", block_of(widget.accept, idle)
    yield "Click: a click on the next object", block_of(lambda: widget.click((middle, middle + PIECE)), idle)
    yield "Click: accept the next object", block_of(widget.accept, idle)
    yield "Click: an accepted object is taken back", block_of(lambda: objects().undo())


def adding(viewer: napari.Viewer, size: int) -> Blocks:
    """Add labels of a viewer's own: what showing results is to be compared with."""
    from napari_medt.viewer.result_layers import load_what_layers_need

    load_what_layers_need()
    empty = np.zeros((size, size), np.int32)
    yield "napari alone: the first labels are added", block_of(lambda: viewer.add_labels(empty))


def showing(viewer: napari.Viewer, size: int) -> Blocks:
    """Show what a run found: labels and two attention maps, at first, then of a second run, then seen closer."""
    from napari_medt.viewer.reading import read_layer
    from napari_medt.viewer.regions import region_in_viewer
    from napari_medt.viewer.result_layers import ResultLayers, load_what_layers_need

    image: Any = viewer.layers[0]
    region = region_in_viewer(viewer, image, read_layer(image), 2, "all")
    results = ResultLayers(viewer)
    outcomes = [_made_outcome(image, region, number) for number in range(2)]
    loading = Thread(target=load_what_layers_need)  # as the thread of a run does
    loading.start()
    wait_until(lambda: not loading.is_alive(), after=1.0)

    def shown(outcome: Any) -> float:
        steps = results.show_steps(image, outcome)
        over = []

        def step() -> None:  # as the widget does
            try:
                next(steps)
            except StopIteration:
                over.append(True)
            else:
                QTimer.singleShot(0, step)

        return block_of(step, lambda: bool(over))

    yield "Segment: showing results", shown(outcomes[0])
    yield "Segment: showing results of a second run", shown(outcomes[1])
    maps = results.maps_of(image)

    def look() -> None:
        maps[0].visible = True

    yield "Segment: an attention map is made visible", block_of(look)

    def nearer() -> None:
        viewer.scene.camera.zoom = 2

    yield "Segment: results are seen closer", block_of(nearer)


def _made_outcome(image: Any, region: Any, first: int) -> Any:
    """Return what a run would give: an object in each piece, and two gates."""
    from pathlib import Path

    from src_models.attention.placed_map import PlacedMap
    from src_models.prediction.jobs import RegionResult, RegionRun, SegmentSettings
    from src_models.prediction.segmentation import Segmentation

    size = image.data.shape[0]
    rows, columns = np.mgrid[:size, :size]
    inside = (rows % PIECE - PIECE // 2) ** 2 + (columns % PIECE - PIECE // 2) ** 2 < 40**2
    number = rows // PIECE * -(-size // PIECE) + columns // PIECE + 1 + first
    labels = np.where(inside, number, 0).astype(np.int32)
    maps = [
        PlacedMap(
            f"gate {level}", "gate", "", level, inside[::cell, ::cell].astype(np.float32), (cell,) * 2, (0.5,) * 2
        )
        for level, cell in ((1, 2), (2, 4))
    ]
    found = Segmentation(
        labels=labels, probabilities=None, attention=maps, classes=(), result="instances", provenance={"settings": {}}
    )
    settings = SegmentSettings(model=Path("made up"))
    job = RegionRun(settings=settings, data=image.data, region=region, layer_id=image.unique_id, layer_name=image.name)
    return RegionResult(job=job, model_name="made up", labels=labels, segmentation=found, summary="")


# What is measured, in the order of the table.
MEASURED: dict[str, Callable[[napari.Viewer, int], Blocks]] = {
    "view": viewing,
    "correct": correcting,
    "click": clicking,
    "add": adding,
    "show": showing,
}


def main() -> None:
    """Measure, print and write the table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--only", nargs="+", choices=list(MEASURED), default=list(MEASURED))
    arguments.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    arguments.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.child:
        print(json.dumps(_blocks(chosen.only[0], chosen.sizes[0])))
        return
    found: dict[str, list[str]] = {}
    for kind in chosen.only:
        for size in chosen.sizes:
            command = [sys.executable, "-W", "ignore", "-m", "benchmarks.window_blocks", "--child"]
            done = subprocess.run(
                [*command, "--only", kind, "--sizes", str(size)], check=True, capture_output=True, text=True
            )
            for what, seconds in json.loads(done.stdout.splitlines()[-1]):
                found.setdefault(what, []).append(f"{seconds * 1e3:.0f} ms")
    rows = [[what, *blocks] for what, blocks in found.items()]
    columns = ("The window does not answer for", *(f"{size} x {size}" for size in chosen.sizes))
    if (chosen.only, chosen.sizes) == (list(MEASURED), list(SIZES)):
        report("window_blocks", columns, rows, {"target_ms": TARGET})
        return
    for row in (columns, *rows):
        print(" | ".join(row))


def _blocks(kind: str, size: int) -> list[tuple[str, float]]:
    viewer = napari.Viewer(show=False)
    viewer.show()
    viewer.add_image(made_image(size), rgb=True, name="made up")
    wait_until(lambda: True, after=1.0)
    found = list(MEASURED[kind](viewer, size))
    viewer.close()
    return found


if __name__ == "__main__":
    main()
