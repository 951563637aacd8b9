"""Layers that go and come do not end napari where the processor draws, whoever takes them away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from vispy.gloo.glir import GlirProgram

from napari_medt.viewer import software_opengl
from napari_medt.viewer.software_opengl import keep_shader_programs

ROUNDS = """
import time, napari, numpy as np
from qtpy.QtWidgets import QApplication

def draw(seconds=0.15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.005)

viewer = napari.Viewer()
viewer.window.add_plugin_dock_widget("napari-medt", "Segment")
first = viewer.add_image(np.random.random((520, 696)))
draw(0.5)
for _ in range(4):
    for _ in range(3):
        viewer.add_image(np.random.random((130, 174)), scale=(4, 4))
    draw()
    for layer in [layer for layer in viewer.layers if layer is not first]:
        viewer.layers.remove(layer)
    draw()
viewer.layers.clear()
draw()
viewer.add_labels(np.ones((40, 40), int))
viewer.add_image(np.random.random((130, 174)))
draw()
viewer.close()
print("drawn to the end")
"""


def test_layers_that_are_removed_together_do_not_end_napari(tmp_path: Path) -> None:
    script = tmp_path / "rounds.py"
    script.write_text(ROUNDS)
    done = subprocess.run([sys.executable, "-W", "ignore", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "drawn to the end"), done.stderr[-2000:]


@pytest.mark.parametrize(("software", "deleted"), [(True, []), (False, ["a program"])])
def test_programs_are_kept_in_software_alone(
    monkeypatch: pytest.MonkeyPatch, software: bool, deleted: list[str]
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(GlirProgram, "delete", seen.append)
    monkeypatch.setattr(software_opengl, "_drawn_in_software", lambda: software)
    keep_shader_programs()
    keep_shader_programs()  # again is no other layer around it
    GlirProgram.delete("a program")
    assert seen == deleted
