"""Segmentations of 3D Slicer (``.seg.nrrd``) go both ways."""

from __future__ import annotations

import os
import shlex
import subprocess

import numpy as np
import pytest
from patient_scans import CENTRE, inside
from running_server import COMMAND


@pytest.mark.parametrize("grid", ["LAS", "oblique", "sheared"])
def test_what_the_command_line_finds_opens_in_slicer_with_its_names_at_its_place(scans, tmp_path, grid):
    from in_slicer import Scene

    arguments = ["segment", str(scans / f"{grid}.nrrd"), "--format", "seg.nrrd", "--classes", "--output", str(tmp_path)]
    subprocess.run([*shlex.split(COMMAND), *arguments], check=True, capture_output=True, env=dict(os.environ))
    scene = Scene()
    scene.load(scans / f"{grid}.nrrd")
    assert scene.load_segmentation(tmp_path / f"{grid}_labels.seg.nrrd") == ["objects"]
    found = scene.segment("objects")
    assert len(found) > 100
    assert inside(found).mean() > 0.8
    assert np.linalg.norm(found - CENTRE, axis=1).min() < 3


def test_a_segmentation_that_slicer_saved_is_taken_as_labels(module):
    module.open_sample({"id": "LPI.nrrd", "name": "a.nrrd"})
    voxel = module.scene.voxel_at(CENTRE)
    module.click("click", "liver", [voxel])
    module.click("click", "Gefäß", [[3, 3, voxel[2]]])
    path = module.scene.save_segmentation(module.folder / "tmp.seg.nrrd")
    names = [{"name": name, "idx": at} for at, name in enumerate(module.scene.names, start=1)]
    module.client.save_label("LPI.nrrd", str(path), params={"label_info": names})
    wanted = {name: module.scene.segment(name) for name in module.scene.names}
    kept = module.client.download_label("LPI.nrrd", "final")
    assert module.scene.load_segmentation(type(path)(kept)) == list(wanted)
    for name, places in wanted.items():
        np.testing.assert_allclose(module.scene.segment(name), places, atol=1e-3)
