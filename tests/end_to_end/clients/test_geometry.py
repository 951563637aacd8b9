"""Labels lie in 3D Slicer on the scan that they are of, be it slices of DICOM or a MetaImage."""

from __future__ import annotations

import itertools
import os
import shlex
import subprocess

import numpy as np
import pytest
import SimpleITK as sitk
from patient_scans import CENTRE, GRIDS, SHAPE, inside, truth
from running_server import COMMAND

TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
STRAIGHT = [grid for grid in GRIDS if grid != "sheared"]  # of DICOM slices, Slicer's reader keeps no shear
# What a scan is, and what its labels are written as.
WAYS = [("slices", grid, "mha") for grid in STRAIGHT] + [("mha", grid, "nrrd") for grid in GRIDS]


def scan_of(affine, seed):
    """A scan as an image of ITK."""
    grey = np.random.default_rng(seed).normal(60, 6, SHAPE) + 110 * truth(affine)
    image = sitk.GetImageFromArray(np.rint(grey).astype(np.int16).T)
    lps = TO_LPS @ affine
    steps = np.linalg.norm(lps[:3, :3], axis=0)
    image.SetSpacing(steps.tolist())
    image.SetDirection((lps[:3, :3] / steps).ravel().tolist())
    image.SetOrigin(lps[:3, 3].tolist())
    return image


def write_slices(folder, image, number):
    """Write a series as ITK does; 3D Slicer takes the slices in the order of their names."""
    folder.mkdir()
    directions = np.array(image.GetDirection()).reshape(3, 3)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    for at in range(image.GetDepth()):
        plane = image[:, :, at]
        told = {
            "0008|0060": "CT",
            "0020|000e": f"1.2.826.0.1.{number + 1}",
            "0020|000d": f"1.2.826.0.2.{number + 1}",
            "0008|0018": f"1.2.826.0.1.{number + 1}.{at + 1}",
            "0020|0032": "\\".join(f"{one:.8f}" for one in image.TransformIndexToPhysicalPoint((0, 0, at))),
            "0020|0037": "\\".join(f"{one:.10f}" for one in (*directions[:, 0], *directions[:, 1])),
            "0020|0013": str(at + 1),
        }
        for tag, value in told.items():
            plane.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{at}.dcm"))
        writer.Execute(plane)


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A folder with a scan of each way, and its labels beside it in ``out``."""
    folder = tmp_path_factory.mktemp("ways")
    written: dict[str, list[str]] = {}
    for number, (kind, grid, ending) in enumerate(WAYS):
        image = scan_of(GRIDS[grid], number)
        path = folder / (f"{kind}_{grid}" if kind == "slices" else f"{kind}_{grid}.mha")
        if kind == "slices":
            write_slices(path, image, number)
        else:
            sitk.WriteImage(image, str(path))
        written.setdefault(ending, []).append(str(path))
    for ending, paths in written.items():
        arguments = ["segment", *paths, "--format", ending, "--classes", "--output", str(folder / "out")]
        command = [*shlex.split(COMMAND), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def corners(volume):
    """The places of the corners of a volume's grid, in order."""
    from in_slicer import affine_of

    ends = itertools.product(*((0, size - 1) for size in volume.GetImageData().GetDimensions()))
    found = np.array([(affine_of(volume) @ (*index, 1.0))[:3] for index in ends])
    return found[np.lexsort(np.round(found, 2).T)]


@pytest.mark.parametrize(("kind", "grid", "ending"), WAYS)
def test_labels_lie_on_their_scan(labelled, kind, grid, ending):
    from in_slicer import Scene, affine_of, array_of, places_of

    path = labelled / (f"{kind}_{grid}/0.dcm" if kind == "slices" else f"{kind}_{grid}.mha")
    scan = Scene().load(path)
    labels = Scene().load(labelled / "out" / f"{kind}_{grid}_labels.{ending}")
    np.testing.assert_allclose(corners(labels), corners(scan), atol=1e-3)
    wanted = np.array([(GRIDS[grid] @ (*index, 1))[:3] for index in itertools.product(*((0, n - 1) for n in SHAPE))])
    np.testing.assert_allclose(corners(scan), wanted[np.lexsort(np.round(wanted, 2).T)], atol=1e-3)
    found = places_of(array_of(labels.GetImageData()) > 0, affine_of(labels))
    assert len(found) > 100
    assert inside(found).mean() > 0.8
    assert np.linalg.norm(found - CENTRE, axis=1).min() < 3
