"""How long napari's window does not answer while a widget is opened, is used for the first time, goes on, or closes.

A heartbeat every 20 ms tells it (:mod:`benchmarks.heartbeat`). Each row is measured in a process of its own, since what
was loaded once is there, beside what napari takes by itself for the like: an empty dock widget, layers that are added,
a grid.

Run as ``python -m benchmarks.window_openings`` (on Linux without a display, in ``xvfb-run -a``).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import Any

TIMES = 3
TARGET = 0.3  # s, beyond what napari takes by itself
WIDGETS = ("Segment", "Click", "Attention", "Correct and learn")
ROWS = (
    *(f"opening {name}" for name in WIDGETS),
    "first click",
    "recovery of objects",
    "recovery of corrections",
    "closing Segment while it runs",
    "side by side",
)


def main() -> None:
    """Measure each row several times, print and write the table."""
    from benchmarks.machine import report

    rows = []
    for what in ROWS:
        found = [_in_a_process(what, "--row") for _ in range(TIMES)]
        naparis = statistics.median(_in_a_process(what, "--like") for _ in range(TIMES))
        ours = statistics.median(found)
        rows.append([what, *(f"{s:.2f} s" for s in (ours, max(found), naparis, max(0.0, ours - naparis)))])
    columns = ("the window is blocked", f"median of {TIMES}", "longest", "napari alone, the like", "beyond napari")
    report("window_openings", columns, rows, {"target_s": TARGET})


def _in_a_process(what: str, which: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        # Neither the preferences nor the unsaved work of whoever runs this.
        place = {"XDG_STATE_HOME": folder, "XDG_DOCUMENTS_DIR": folder, "NAPARI_CONFIG": f"{folder}/settings.yaml"}
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.window_openings"]
        if what.startswith("recovery") and which == "--row":  # of what this one leaves
            subprocess.run([*command, "--leave", what], check=True, capture_output=True, env={**os.environ, **place})
        done = subprocess.run(
            [*command, which, what], check=True, capture_output=True, text=True, env={**os.environ, **place}
        )
        return float(done.stdout.splitlines()[-1])


def _viewer() -> Any:
    """Return a viewer with an image of a few bright objects, drawn."""
    import napari
    import numpy as np

    from benchmarks.heartbeat import wait_until

    viewer = napari.Viewer(show=False)
    viewer.show()
    rows, columns = np.mgrid[:512, :512]
    image = np.random.default_rng(0).normal(20, 4, (512, 512)).astype(np.float32)
    for centre in (100, 250, 400):
        image[np.hypot(rows - centre, columns - centre) < 12] += 200
    viewer.add_image(image, name="cells")
    wait_until(lambda: True, after=1.0)
    return viewer


def _row(what: str) -> float:
    """Return how long the window is blocked by what a widget does."""
    viewer = _viewer()
    if what.startswith("opening "):
        opened: list[Any] = []
        name = what.removeprefix("opening ")
        return _blocked(lambda: opened.append(_open(viewer, name)), lambda: _idle(opened[0]))
    measures: dict[str, Callable[[Any], float]] = {
        "first click": _first_click,
        "recovery of objects": lambda viewer: _recovery(viewer, "Click"),
        "recovery of corrections": lambda viewer: _recovery(viewer, "Correct and learn"),
        "closing Segment while it runs": _closing,
        "side by side": _side_by_side,
    }
    return measures[what](viewer)


def _like(what: str) -> float:
    """Return how long napari blocks the window by itself for the like."""
    import numpy as np
    from qtpy.QtWidgets import QLabel

    viewer = _viewer()
    if what == "side by side":
        for _ in range(3):
            viewer.add_image(viewer.layers[0].data)
        _blocked(lambda: None)
        return _blocked(lambda: setattr(viewer.canvas.grid, "enabled", True))
    if what == "first click" or what.startswith("recovery"):

        def add() -> None:
            viewer.add_labels(np.zeros((512, 512), np.int32))
            viewer.add_points(np.array([[1.0, 1.0]]))

        return _blocked(add)
    label = QLabel("empty")
    opening = _blocked(lambda: viewer.window.add_dock_widget(label, name="empty"))
    return opening if what.startswith("opening") else _blocked(lambda: viewer.window.remove_dock_widget(label))


def _blocked(act: Callable[[], object], done: Callable[[], bool] = lambda: True) -> float:
    """Return the longest time for which the window did not answer, until something is done and drawn."""
    from benchmarks.heartbeat import Heartbeat, wait_until

    with Heartbeat() as heartbeat:
        act()
        wait_until(done, after=1.0)
    return heartbeat.longest


def _open(viewer: Any, name: str) -> Any:
    return viewer.window.add_plugin_dock_widget("napari-medt", name)[1]


def _idle(widget: Any) -> bool:
    """Return whether a widget has done all that it was asked for."""
    if hasattr(widget, "rounds"):
        return not widget.context.work.untold and not widget.context.run.running
    return not widget.work.untold if hasattr(widget, "work") else not widget.run.running


def _first_click(viewer: Any) -> float:
    widget = _open(viewer, "Click")
    _blocked(lambda: None, lambda: _idle(widget))
    return _blocked(lambda: widget.click((100, 100)), lambda: _idle(widget))


def _recovery(viewer: Any, name: str) -> float:
    widget = _open(viewer, name)
    _blocked(lambda: None, lambda: _idle(widget))
    bar = widget.controls.recovery
    assert bar.isVisibleTo(widget), "nothing was left that could be gone on with"
    return _blocked(bar.go_on.click, lambda: _idle(widget))


def _leave(what: str) -> None:
    """Work like a person, and end like a process that is killed."""
    import numpy as np

    viewer = _viewer()
    widget = _open(viewer, "Click" if what == "recovery of objects" else "Correct and learn")
    _blocked(lambda: None, lambda: _idle(widget))
    if what == "recovery of objects":
        for place in (100, 250):
            _blocked(lambda place=place: widget.click((place, place)), lambda: _idle(widget))
            _blocked(widget.accept, lambda: _idle(widget))
        _blocked(lambda: widget.click((400, 400)), lambda: _idle(widget))
    else:
        _blocked(widget.controls.segment.click, lambda: _idle(widget))
        labels = widget.marking.labels()
        labels.data_setitem(np.nonzero(np.ones((20, 20))), 7)
        _blocked(lambda: None)
    _blocked(lambda: None)
    sys.stdout.flush()
    os._exit(0)


def _closing(viewer: Any) -> float:
    import numpy as np

    viewer.add_image(np.random.default_rng(1).integers(0, 255, (4096, 4096), np.uint8), name="large")
    widget = _open(viewer, "Segment")
    widget.segment.click()
    _blocked(lambda: None, lambda: widget.run_bar.bar.value() > 0)  # a tile is done, and the next under way
    assert widget.run.running
    return _blocked(lambda: viewer.window.remove_dock_widget(widget))


def _side_by_side(viewer: Any) -> float:
    from qtpy.QtCore import Qt

    widget = _open(viewer, "Attention")
    widget.look.click()
    _blocked(lambda: None, lambda: _idle(widget) and widget.maps.list.count() > 0)
    for row in range(min(3, widget.maps.list.count())):
        widget.maps.list.item(row).setCheckState(Qt.CheckState.Checked)
    _blocked(lambda: None)
    return _blocked(widget.maps.grid.click)


if __name__ == "__main__":
    if "--leave" in sys.argv:
        _leave(sys.argv[-1])
    elif len(sys.argv) == 3:
        print({"--row": _row, "--like": _like}[sys.argv[1]](sys.argv[2]), flush=True)
        os._exit(0)  # a window that is torn down says nothing about one that is opened
    else:
        main()
