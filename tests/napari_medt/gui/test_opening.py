"""What opening a widget loads: the window is drawn before anything of the networks is there."""

import os
import subprocess
import sys

import pytest

CODE = """
import sys
import threading
from importlib.abc import MetaPathFinder

import napari

looked_for = set()


class Watching(MetaPathFinder):
    def find_spec(self, fullname, path, target=None):
        if threading.current_thread() is threading.main_thread():
            looked_for.add(fullname)


viewer = napari.Viewer()
sys.meta_path.insert(0, Watching())
viewer.window.add_plugin_dock_widget("napari-medt", sys.argv[1])
print(*sorted(looked_for & set(sys.argv[2].split())))
viewer.close()
"""
HEAVY = "torch monai lightning_fabric numba zarr scipy skimage dask tifffile nibabel pydicom safetensors pandas"


@pytest.mark.parametrize("name", ["Segment", "Click", "Attention", "Correct and learn"])
def test_opening_a_widget_loads_nothing_heavy_in_the_windows_thread(name, tmp_path):
    """But for what napari has loaded by itself before."""
    place = {key: str(tmp_path) for key in ("XDG_STATE_HOME", "XDG_DOCUMENTS_DIR")}
    environment = {**os.environ, **place, "NAPARI_CONFIG": str(tmp_path / "settings.yaml")}
    command = [sys.executable, "-c", CODE, name, HEAVY]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=180)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1].split() == []
