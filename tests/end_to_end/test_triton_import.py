"""Where Triton is imported: nowhere without a graphics card, and beside a software renderer without harm."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed here"),
    pytest.mark.skipif(torch.cuda.is_available(), reason="here is a graphics card, for which Triton is wanted"),
]

PATHS = """
import sys
from pathlib import Path

import numpy as np
import tifffile

import src_models as sm
from src_models.training.new_model import new_header

model, clicks, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
rows, columns = np.mgrid[:64, :64]
discs = np.hypot(rows - 20, columns - 20) < 9
image = (discs * 200 + 20).astype(np.uint8)


def tell(path):
    print(path, "triton" in sys.modules, flush=True)


sm.segment(image, sm.load(model), diameter=20, attention=True, device="cpu")
tell("segment")
session = sm.ClickSession(discs.astype(np.float32), sm.load(clicks))
session.click(20, 20)
tell("click")
corrections = sm.CorrectionSet.open(folder / "corrections")
for number in range(2):
    corrections.add(sm.mark(image, discs.astype(np.int32), source=sm.Source(layer=f"cells {number}")))
settings = sm.FinetuneSettings(steps=2, batch=1, patch=32, validate_every=2, device="cpu")
try:
    sm.finetune(sm.load(model), corrections, settings)
except sm.UserError as error:
    assert "no better" in str(error) or "gain" in str(error), error
tell("finetune")
for part, pixels in (("images", image), ("masks", discs.astype(np.uint8))):
    (folder / "cells" / part).mkdir(parents=True)
    for number in range(4):
        tifffile.imwrite(folder / "cells" / part / f"{number}.tif", pixels)
(folder / "cells" / "manifest.csv").write_text("file,split\\n0.tif,val\\n1.tif,val\\n2.tif,train\\n3.tif,train\\n")
from src_models.files.dataset import DataSet
from src_models.training.training import TrainSettings

data = DataSet.open(folder / "cells")
header = new_header(data, architecture="attention-unet", name="m", result="semantic", config={"widths": [2, 4]})
quick = TrainSettings(steps=2, batch=1, patch=32, augment="none", validate_every=2, device="cpu", workers=0)
sm.train(data, header, folder / "m.safetensors", quick)
tell("train")
print("torch._dynamo" in sys.modules)
"""

BESIDE = """
import sys
import threading

import napari
import numpy as np
from qtpy.QtTest import QTest

viewer = napari.Viewer()
layer = viewer.add_image(np.random.default_rng(0).random((64, 64)))
QTest.qWait(300)
viewer.screenshot(flash=False)
done = []


def work():
    import torch
    from src_models.nets.kernels import axial_triton
    done.append(axial_triton.works(torch.device("cpu")))


worker = threading.Thread(target=work)
worker.start()
while worker.is_alive():
    QTest.qWait(20)
layer.data = np.ones((32, 32))
QTest.qWait(300)
viewer.screenshot(flash=False)
viewer.close()
print(done, "triton" in sys.modules)
"""

LEARN = """
import sys
from dataclasses import replace

import napari
import numpy as np
from qtpy.QtTest import QTest

rows, columns = np.mgrid[:64, :64]
discs = np.hypot(rows - 20, columns - 20) < 9
viewer = napari.Viewer()
viewer.add_image(discs * 200.0 + 20, name="cells")
_, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Correct and learn")
widget.open_model(sys.argv[1])


def settle():
    QTest.qWait(100)
    while widget.context.work.untold or widget.context.run.running:
        QTest.qWait(20)
    QTest.qWait(400)


settle()
widget.controls.segment.click()
settle()
labels = widget.marking.labels()
labels.data_setitem(np.nonzero(rows > 40), 99)  # where the network finds nothing
settle()
widget.controls.marking.mark_slice.click()
settle()
widget.rounds.settings = replace(widget.rounds.settings, steps=4, batch=1, patch=32, validate_every=2)
widget.controls.learning.learn.click()
QTest.qWait(200)
while widget.rounds.running:
    QTest.qWait(20)
settle()
viewer.screenshot(canvas_only=False, flash=False)
print(len(widget.controls.learning.plot.values["training"]) > 0, "triton" in sys.modules, flush=True)
viewer.close()
QTest.qWait(500)  # what is closed goes in its order, as when napari itself ends
"""


def run(code: str, *arguments: object, **environment: str) -> list[str]:
    """Return what a process of its own prints; it has to end well."""
    # Its own errors end up in the report of this test.
    command = [sys.executable, "-X", "faulthandler", "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=300)
    assert done.returncode == 0, done.stderr[:6000]
    return done.stdout.splitlines()


def test_no_path_imports_it_where_it_has_nothing_to_run_on(
    tiny_model_path: Path, bright_model_path: Path, tmp_path: Path
) -> None:
    told = run(PATHS, tiny_model_path, bright_model_path, tmp_path)
    assert told == ["segment False", "click False", "finetune False", "train False", "True"]


def test_learning_in_a_window_that_is_drawn_in_software_ends_well(tiny_model_path: Path, tmp_path: Path) -> None:
    place = {"XDG_STATE_HOME": f"{tmp_path}", "XDG_DOCUMENTS_DIR": f"{tmp_path}", "NAPARI_CONFIG": f"{tmp_path}/s.yaml"}
    assert run(LEARN, tiny_model_path, **place) == ["True False"]


def test_its_interpreter_runs_in_a_process_whose_window_is_drawn_already() -> None:
    """Its LLVM comes after the renderer's, as on a remote desktop with a card."""
    assert run(BESIDE, TRITON_INTERPRET="1") == ["[True] True"]


def test_it_is_imported_for_others_who_run_it_and_refused_as_if_it_were_not_there() -> None:
    code = "import src_models, sys\ntry: import triton\nexcept ModuleNotFoundError as e: print(e.name)"
    assert run(code) == ["triton"]
    assert run(code + "\nprint('triton.language' in sys.modules)", TRITON_INTERPRET="1") == ["True"]
