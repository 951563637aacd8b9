"""How long the Segment widget takes to be on screen in a napari that is open already, and that it loads no torch.

Each opening is in a process of its own. Run as ``python -m benchmarks.widget_opening`` (on Linux without a display, in
``xvfb-run -a``).
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time

TIMES = 5


def main() -> None:
    """Open the widget several times, print and write the table."""
    from benchmarks.machine import report

    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.widget_opening", "--child"]
    found = []
    for _ in range(TIMES + 1):
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
    found = found[1:]  # the first warms the disk
    rows = [
        [what, f"{statistics.median(one[key] for one in found):.2f} s", f"{max(one[key] for one in found):.2f} s"]
        for what, key in (("on screen after", "seconds"), ("processor time of it", "computing"))
    ]
    report("widget_opening", ("Segment widget", "median of 5", "longest"), rows, {"torch": found[0]["torch"]})


def _child() -> dict[str, float | bool]:
    import napari
    from qtpy.QtWidgets import QApplication

    viewer = napari.Viewer(show=False)
    viewer.show()
    QApplication.processEvents()
    start, computing = time.perf_counter(), time.process_time()
    viewer.window.add_plugin_dock_widget("napari-medt", "Segment")
    QApplication.processEvents()
    found = {
        "seconds": time.perf_counter() - start,
        "computing": time.process_time() - computing,
        "torch": "torch" in sys.modules,
    }
    viewer.close()
    return found


if __name__ == "__main__":
    if "--child" in sys.argv:
        print(json.dumps(_child()))
    else:
        main()
