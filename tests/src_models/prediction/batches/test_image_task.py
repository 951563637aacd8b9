"""One image of several: what is told of it, and of why it was not segmented."""

import pickle

import numpy as np
import pytest
import tifffile

from src_models.errors import ImageError, OutputError
from src_models.files.image_list import OneImage
from src_models.files.images import read_labels
from src_models.models.checkpoint import load
from src_models.prediction.batches.image_task import ImageTask, failure_of, segment_image
from src_models.prediction.settings import RunSettings


@pytest.fixture
def task(tmp_path, discs):
    tifffile.imwrite(tmp_path / "cells.tif", np.stack([discs, discs[::-1]]), metadata={"axes": "CYX"})
    settings = RunSettings(device="cpu", attention=["gate 2"])
    return ImageTask(
        image=OneImage(tmp_path / "cells.tif"), output=tmp_path / "out", channels=1, axes="CYX", settings=settings
    )


def test_what_was_found_is_told_as_plain_values_that_another_process_can_send(task, tiny_model_path, tmp_path, discs):
    said, steps = [], []
    task = pickle.loads(pickle.dumps(task))
    found = segment_image(
        task, load(tiny_model_path), on_open=lambda *read: said.append(read), on_progress=steps.append
    )
    assert said == [(found.read, found.notes)]
    assert found.read == f"{tmp_path / 'cells.tif'}: Y=70, X=90, only the 2nd of 2 channels"
    labels = tmp_path / "out" / "cells_labels.tif"
    assert found.found[0] == f"2 objects -> {labels}"
    assert found.maps[0].endswith(f"-> {tmp_path / 'out' / 'cells_attention_gate_2.ome.tif'}")
    assert "took" in found.log
    assert not found.empty
    assert pickle.loads(pickle.dumps(found)) == found
    middle = read_labels(labels)[70 - 20 - 1, 20]
    assert middle > 0, "the channel that was chosen is the mirrored one"
    assert steps[-1].done == steps[-1].total


def test_why_an_image_was_not_segmented_names_it(task, tmp_path):
    path = task.image.path
    assert failure_of(task, ImageError(f"{path}: damaged")).message == f"{path}: damaged"
    assert failure_of(task, ImageError("no axes")).message == f"{path}: no axes"
    bug = ZeroDivisionError("x")
    told = failure_of(task, bug)
    assert (told.unforeseen, told.hopeless) == (bug, False)
    assert "not foreseen" in told.message


def test_a_full_disk_is_hopeless_and_results_of_another_process_are_not(task, tmp_path):
    full = OutputError("the disk is full")
    assert failure_of(task, full).hopeless
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "cells_labels.tif").write_bytes(b"the other's")
    told = failure_of(task, full)
    assert (told.hopeless, told.meanwhile) == (False, True)
