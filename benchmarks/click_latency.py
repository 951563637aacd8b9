"""How long a click in the viewer takes until its outline is drawn, and how long it keeps the window from doing else.

A real viewer, the Click widget and an image of 512 x 512. The window is blocked from when a click comes to when Qt is
free again, and again while its answer is drawn; the longest of both counts. The peer is what any plugin must do: adding
a point to a layer and drawing it.

Run as ``xvfb-run -a python -m benchmarks.click_latency [--model NAME]``.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from typing import Any

# Neither the preferences nor the unsaved work of whoever runs this.
os.environ["NAPARI_CONFIG"] = f"{tempfile.mkdtemp()}/settings.yaml"
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp()

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from benchmarks.machine import median_and_longest, report
from src_models.clicking.training.synthetic import synthetic_image
from src_models.models.library import find_model

SIZE, OBJECTS, CLICKS = 512, 10, 4
BLOCKED_TARGET = 50.0  # ms


def main() -> None:
    """Measure, print and write the table."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--model", default="click", help="name or path")
    name = arguments.parse_args().model
    image, labels = synthetic_image(np.random.default_rng(1), SIZE)
    viewer = napari.Viewer(show=False)
    viewer.show()
    viewer.add_image(image, rgb=True, name="made up")
    _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Click")
    widget.open_model(name if name.endswith(".safetensors") else find_model(name))
    _settle(widget)
    peer = [_one(lambda row=row: _peer(viewer, row), lambda: True) for row in range(3 * CLICKS)][CLICKS:]
    rows = [_row("a point added to a layer", peer)]
    first, later = [], []
    for number in range(OBJECTS + 1):
        places = _places(labels, number)
        times = [_one(lambda at=at: widget.click(at), lambda: not widget.work.untold) for at in places]
        widget.accept()
        _settle(widget)
        if number:  # the first one warms up and adds the layers
            first.append(times[0])
            later += times[1:]
    rows += [_row("first click on an object", first), _row("later clicks", later)]
    viewer.close()
    columns = (f"{SIZE} x {SIZE}, {name}", "drawn, median", "drawn, longest", "blocked, median", "blocked, longest")
    report("click_latency", columns, rows, {"blocked_target_ms": BLOCKED_TARGET})


def _places(labels: Any, number: int) -> list[tuple[float, float]]:
    """Return places in an object, and some beside it."""
    random = np.random.default_rng(number)
    ids = np.unique(labels[labels > 0])
    inside = np.argwhere(labels == ids[number % len(ids)])
    return [tuple(map(float, inside[random.integers(len(inside))])) for _ in range(CLICKS)]


def _one(click: Callable[[], object], answered: Callable[[], bool]) -> tuple[float, float]:
    """Return seconds until drawn, and the longest time that the window was blocked."""
    start = last = time.perf_counter()
    click()
    longest = 0.0
    while True:
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
        if answered():
            break
        QApplication.processEvents()
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
        time.sleep(0.0005)  # a thread that never rests keeps Python from the others
        last = time.perf_counter()
    for _ in range(3):  # the answer comes to this thread as an event, and is drawn in the next
        before = time.perf_counter()
        QApplication.processEvents()
        longest = max(longest, time.perf_counter() - before)
    return time.perf_counter() - start, longest


def _peer(viewer: Any, row: int) -> None:
    if "peer" not in viewer.layers:
        viewer.add_points(ndim=2, name="peer")
    layer = viewer.layers["peer"]
    layer.data = np.concatenate([layer.data, [[row, row]]])


def _row(name: str, times: list[tuple[float, float]]) -> list[str]:
    drawn, blocked = zip(*times, strict=True)
    return [name, *median_and_longest(drawn), *median_and_longest(blocked)]


def _settle(widget: Any) -> None:
    end = time.perf_counter() + 1.0
    while widget.work.untold or time.perf_counter() < end:
        QApplication.processEvents()
        time.sleep(0.005)


if __name__ == "__main__":
    main()
