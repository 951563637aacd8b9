"""What opening a widget loads: the window is drawn before anything of the networks is there."""

import os
import subprocess
import sys

import pytest

CODE = """
import sys
import threading
import time
from importlib.abc import MetaPathFinder

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from napari_medt.running.ordered_work import OrderedWork

looked_for, torch_in = set(), set()


class Watching(MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if threading.current_thread() is threading.main_thread():
            looked_for.add(fullname)
        if fullname == "torch":
            torch_in.add(threading.current_thread().name.split("_")[0])


# Noted as they are made: to look for them among Qt's children lets PyQt6 6.11 crash at exit.
works, made = [], OrderedWork.__init__


def note(work, *arguments, **keywords):
    made(work, *arguments, **keywords)
    works.append(work)


OrderedWork.__init__ = note
viewer = napari.Viewer()
viewer.add_image(np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8), name="cells")
sys.meta_path.insert(0, Watching())
_, widget = viewer.window.add_plugin_dock_widget("napari-medt", sys.argv[1])
print(*sorted(looked_for & set(sys.argv[2].split())))
end = time.monotonic() + 1
while time.monotonic() < end or any(work.untold for work in works):
    QApplication.processEvents()
    time.sleep(0.01)
assert widget.isVisible()
print("torch in", *sorted(torch_in))
print(*sorted(looked_for & set(sys.argv[2].split())))
viewer.close()
"""
HEAVY = (
    "torch monai lightning_fabric numba zarr scipy skimage dask tifffile nibabel pydicom safetensors pandas pyqtgraph"
)
# A click is to be answered at once, so its network is made ready beside the window as soon as there is an image.
READY_BEFOREHAND = {"Click": ["clicks"]}


@pytest.fixture
def opened(tmp_path):
    """Return a function that opens a widget beside an image in a process of its own, and what that said."""

    def open_(name):
        place = {key: str(tmp_path) for key in ("XDG_STATE_HOME", "XDG_DOCUMENTS_DIR")}
        environment = {**os.environ, **place, "NAPARI_CONFIG": str(tmp_path / "settings.yaml")}
        command = [sys.executable, "-c", CODE, name, HEAVY]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=180)
        assert done.returncode == 0, done.stderr[-2000:]
        return [line.split() for line in done.stdout.splitlines()[-3:]]

    return open_


@pytest.mark.parametrize(
    "name",
    [
        "Segment",
        "Segment a folder",
        "Click",
        "Attention",
        "Correct and learn",
        "Classify",
        "Measure",
        "CT window",
        "About MedT",
    ],
)  # fmt: skip
def test_opening_a_widget_loads_nothing_heavy_in_the_windows_thread_and_torch_nowhere(opened, name):
    """But for what napari has loaded by itself before."""
    at_once, (_, _, *threads), at_rest = opened(name)
    assert at_once == []
    assert at_rest == []
    assert threads == READY_BEFOREHAND.get(name, [])
