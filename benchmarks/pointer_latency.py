"""How long after a move of the mouse the Attention widget shows what the network attends to there (256 x 256).

A real viewer and the shipped models. One time runs from the move to the moment that the layers hold the answer, the
other until the window was drawn, which without a graphics card is most of it. The peer is what a viewer must do for any
layer that follows the pointer: setting the data of an image layer of that size, and drawing it.

Run as ``xvfb-run -a python -m benchmarks.pointer_latency``.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

os.environ["NAPARI_CONFIG"] = f"{tempfile.mkdtemp()}/settings.yaml"  # not the preferences of whoever runs this

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from benchmarks.machine import each_time, median_and_longest, report
from src_models.models.library import find_model

SIZE, MOVES, STEP = 256, 40, 5  # px; a pointer that sweeps over the image
TARGET = 50.0  # ms


def main() -> None:
    """Measure, print and write the table."""
    random = np.random.default_rng(0)
    image = random.integers(0, 255, (SIZE, SIZE, 3), np.uint8)
    pixels = [(20 + STEP * move, 30 + STEP * move) for move in range(MOVES)]
    viewer = napari.Viewer(show=False)
    viewer.show()
    layer = viewer.add_image(image, name="noise")
    _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Attention")
    widget.probe.follow.setChecked(True)
    peer = _peer(viewer)
    rows = [["an image layer's data set and drawn", "", *median_and_longest(peer), "1.0"]]
    for model, views in (("nuclei-medt", ("global 1.1", "local 4.1", "global")), ("nuclei", ("gate 2",))):
        widget.open_model(find_model(model))
        widget.start()
        _wait(lambda: widget.follower.ready)
        for view in views:
            widget.probe.view.setCurrentIndex(widget.probe.view.findData(view))
            held: list[float] = []
            ask = _asking(widget, layer, held)
            for pixel in pixels:  # every tile is seen once before it counts
                ask(pixel)
            held.clear()
            times = each_time(ask, pixels)
            ratio = statistics.median(peer) / statistics.median(times)
            rows.append(
                [
                    f"{model}, {view}",
                    f"{statistics.median(held) * 1e3:.1f} ms",
                    *median_and_longest(times),
                    f"{ratio:.2f}",
                ]
            )
    viewer.close()
    columns = (f"{SIZE} x {SIZE}", "layers hold it", "drawn, median", "drawn, longest", "times as fast")
    report("pointer_latency", columns, rows, {"target_ms": TARGET})


def _peer(viewer: Any) -> list[float]:
    layer = viewer.add_image(np.zeros((SIZE // 4, SIZE // 4), np.float32), scale=(4, 4))
    random = np.random.default_rng(1)

    def change(_: Any) -> None:
        layer.data = random.random((SIZE // 4, SIZE // 4), np.float32)
        QApplication.processEvents()

    times = each_time(change, list(range(MOVES)))
    viewer.layers.remove(layer)
    return times


def _asking(widget: Any, layer: Any, held: list[float]) -> Callable[[tuple[int, int]], None]:
    """Return what asks about a pixel; it notes in `held` after how many seconds the layers held the answer."""
    answers: list[float] = []
    widget.follower.answered.connect(lambda: answers.append(time.perf_counter()))

    def ask(pixel: tuple[int, int]) -> None:
        before, start = len(answers), time.perf_counter()
        widget.follower.tracking.moved.emit(tuple(layer.data_to_world(pixel)))
        _wait(lambda: len(answers) > before)
        held.append(answers[before] - start)
        QApplication.processEvents()

    return ask


def _wait(done: Callable[[], bool]) -> None:
    while not done():
        QApplication.processEvents()
        time.sleep(0.0005)  # a thread that never rests keeps Python from the others


if __name__ == "__main__":
    main()
