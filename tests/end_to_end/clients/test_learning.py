"""The MONAI Label module of 3D Slicer: labels are submitted, the model learns, the next image comes."""

from __future__ import annotations

import re
import time

import pytest
from patient_scans import CENTRE, GRIDS, write_scan

QUICK = {"steps": 4, "seconds": 600, "batch": 1, "patch": 32, "validate_every": 2}


@pytest.fixture
def module(start, tmp_path):
    from slicer_module import Module

    folder = tmp_path / "scans"
    folder.mkdir()
    for name in ("RAS", "LAI", "oblique"):
        write_scan(folder / f"{name}.nii.gz", GRIDS[name])
    server = start(folder, "--model", "click", "--model", "nuclei")
    return Module(server.address, tmp_path)


def poll(module, seconds=240):
    """Ask as the module does while something learns: whether it does, then what there is."""
    seen = []
    end = time.monotonic() + seconds
    while module.client.train_status(check_if_running=True):
        stats = module.client.info()["train_stats"]
        seen += list(stats.values())[:1]
        assert time.monotonic() < end
        time.sleep(0.3)
    return seen


def test_labels_are_submitted_the_model_learns_and_the_next_image_comes(module):
    info = module.refresh()
    assert info["datastore"]["completed"] == 0
    given = []
    for _ in range(2):
        sample = module.next_sample("first")
        given.append(sample["id"])
        module.click("click", "nuclei", [module.scene.voxel_at(CENTRE)])
        answer = module.submit(model="nuclei")
        assert answer["label"] == sample["id"]
    assert len(set(given)) == 2
    assert module.refresh()["datastore"]["completed"] == 2

    task = module.client.train_start("nuclei", dict(QUICK))
    assert task["status"] == "RUNNING"
    stats = poll(module)
    assert all({"epoch", "total_epochs"} <= set(one) for one in stats)
    done = module.client.train_status()
    assert done["status"] == "DONE", done["details"]
    models = module.refresh()["models"]
    learnt = re.findall(r"It is called (\S+)", " ".join(map(str, done["details"])))  # none if nothing was gained
    assert {"nuclei", *learnt} <= set(models)
    third = module.next_sample("first")
    assert third["id"] not in given
    again = module.next_sample("first")
    assert again["id"] == third["id"]  # the only one without labels
    module.submit()
    finished = module.next_sample("first")
    assert finished["id"] in given  # a finished case can be opened again


def test_learning_begins_again_after_an_error_and_after_it_was_stopped(module):
    from monailabel.client.client import MONAILabelClientException

    with pytest.raises(MONAILabelClientException, match="nothing learns"):
        module.client.train_status()
    module.client.train_start("nuclei", dict(QUICK))
    poll(module)
    task = module.client.train_status()
    assert task["status"] == "ERROR"
    assert "submit some first" in str(task["details"][-1])

    module.next_sample("first")
    module.click("click", "nuclei", [module.scene.voxel_at(CENTRE)])
    module.submit(model="nuclei")
    assert module.client.train_start("nuclei", {**QUICK, "steps": 2000})["status"] == "RUNNING"
    assert module.client.train_stop()["details"]  # the module shows the last of them, outside of its try
    poll(module)
    assert module.client.train_status()["status"] == "STOPPED"
    assert module.client.train_start("nuclei", dict(QUICK))["status"] == "RUNNING"
    assert module.client.train_stop()["details"]


def test_a_broken_file_and_hidden_ones_stand_in_nobodys_way(start, tmp_path):
    from slicer_module import Module

    folder = tmp_path / "scans"
    folder.mkdir()
    (folder / "A broken.nii.gz").write_bytes(b"no scan")
    (folder / "._B.nii.gz").write_bytes(b"of a Mac")
    write_scan(folder / "B.nii.gz", GRIDS["RAS"])
    server = start(folder, "--model", "click")
    module = Module(server.address, tmp_path)
    assert [module.next_sample("first")["id"] for _ in range(2)] == ["B.nii.gz"] * 2
    assert "._B.nii.gz" not in module.client.datastore()["objects"]
    module.click("click", "a", [module.scene.voxel_at(CENTRE)])
    assert len(module.scene.segment("a"))
