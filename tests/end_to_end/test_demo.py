"""The demo as a person runs it: one command, on a machine without a display."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

from src_models.attention.map_files import read_map
from src_models.models.architectures import attention_names
from src_models.models.header import read_header
from src_models.models.library import find_model

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has machines without a display")


class Run(NamedTuple):
    printed: str
    folder: Path
    window: np.ndarray


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-m", "napari_medt", "demo", "--image", "histology"],
        capture_output=True,
        text=True,
        cwd=folder,
        env=_without_display(),
    )
    assert done.returncode == 0, done.stderr
    return Run(done.stdout, folder, iio.imread(folder / "demo.png")[..., :3])


def _without_display() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}


def test_it_writes_labels_and_every_attention_map_and_says_so(run: Run) -> None:
    header = read_header(find_model("nuclei"))
    maps = [f"histology_attention_{name.replace(' ', '_')}.ome.tif" for name in names(header)]
    written = sorted(path.name for path in (run.folder / "demo_output").iterdir())
    assert written == sorted(["histology_labels.tif", *maps])
    assert [name for name in [*written, "demo.png"] if name not in run.printed] == []


def names(header) -> list[str]:
    found = attention_names(header.architecture, header.config)
    assert found
    return found


def test_most_nuclei_are_found(run: Run, repository: Path) -> None:
    labels = tifffile.imread(run.folder / "demo_output" / "histology_labels.tif")
    truth = iio.imread(repository / "sample_data" / "histology_labels.png")
    assert labels.shape == truth.shape
    assert 70 <= len(np.unique(labels)) - 1 <= 160  # people drew 112
    overlap = 2 * np.sum((labels > 0) & (truth > 0)) / (np.sum(labels > 0) + np.sum(truth > 0))
    assert overlap > 0.7


def test_every_map_covers_the_image(run: Run) -> None:
    for path in (run.folder / "demo_output").glob("*_attention_*.ome.tif"):
        placed = read_map(path)
        data, scale, first = placed.data, np.array(placed.scale), np.array(placed.translate)
        assert np.allclose(first - scale / 2, -0.5), path.name  # a cell is `scale` wide around its centre
        assert np.all(np.abs(np.array(data.shape) * scale - (256, 320)) < scale), path.name
        assert data.dtype == np.float32
        assert data.min() >= 0
        assert data.max() <= 1


def test_the_picture_is_the_whole_window_with_the_image_on_its_canvas(run: Run) -> None:
    assert run.window.shape == (950, 1500, 3)
    canvas = run.window[30:900, 340:1085]
    drawn = canvas.max(axis=-1) > 30  # the canvas around the image is black
    rows, columns = np.flatnonzero(drawn.mean(axis=1) > 0.5), np.flatnonzero(drawn.mean(axis=0) > 0.5)
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert width > 600, "the image does not fill the canvas"
    assert width / height == pytest.approx(320 / 256, rel=0.03)
    assert len(np.unique(canvas[drawn], axis=0)) > 1000, "this is no image of a tissue"
    beside = run.window[50:350, 1180:]  # the dock widget: light text on the dark panel
    assert 0.01 < (beside.min(axis=-1) > 150).mean() < 0.5


def test_an_unknown_sample_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "napari_medt", "demo", "--image", "cats", "--offscreen"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"DISPLAY": ":0"})
    assert done.returncode == 1
    assert "'cats'" in done.stderr
    assert "histology" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.rglob("*.tif")) == []
