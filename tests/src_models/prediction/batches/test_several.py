"""Images by several workers as steps that can be stopped; what they give is shown in ``test_folder_run.py``."""

import time

import numpy as np
import pytest
import tifffile

from src_models.files.image_list import OneImage
from src_models.prediction.batches.image_task import ImageReport, ImageTask
from src_models.prediction.batches.several import several_steps
from src_models.prediction.settings import RunSettings

pytest.importorskip("distributed")


@pytest.fixture
def tasks(tmp_path, discs):
    """A small image, and large ones whose end nobody waits for."""
    (tmp_path / "out").mkdir()
    images = {"small": discs, **{f"large {n}": np.tile(discs, (12, 12)) for n in range(6)}}
    for name, image in images.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", image)
    settings = RunSettings(device="cpu", diameter=20)
    paths = [tmp_path / f"{name}.tif" for name in images]
    return [ImageTask(image=OneImage(path), output=tmp_path / "out", settings=settings) for path in paths]


def test_closing_ends_the_workers_and_what_is_half_done_leaves_nothing(tasks, tmp_path, tiny_model_path):
    steps = several_steps(tasks, tiny_model_path, 1, "cpu")
    beats = 0
    while (heard := next(steps)) is None:
        beats += 1
    task, outcome = heard
    assert task is tasks[0]
    assert isinstance(outcome, ImageReport)
    assert beats > 0, "who asked can look around while workers start"
    steps.close()
    there = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"small_labels.tif", "small_labels.json"} <= there
    assert len([name for name in there if name.endswith(".tif")]) < len(tasks)
    assert not [name for name in there if name.startswith(".")]
    time.sleep(0.5)
    assert {path.name for path in (tmp_path / "out").iterdir()} == there, "nobody is at it any more"
