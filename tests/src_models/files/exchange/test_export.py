"""Labels in files, written for other programs on the pixels of their image."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
import tifffile
import zarr
from drawn_labels import drawn_labels, drawn_stack

from src_models.files.exchange.export import export_labels, is_hyperstack
from src_models.files.images import read_image, read_label_file
from src_models.files.labels import write_labels
from src_models.files.pairs import pair
from src_models.images.axes import read_axes


def test_outlines_of_a_scan_are_in_its_voxels_as_they_are_read_and_come_back_to_them(tmp_path):
    """Which are stored in another order than they are handed out in."""
    stack = drawn_stack()[0]
    affine = nib.affines.from_matvec(np.diag([0.5, 0.75, -2.5]), (-30, 20, 100))
    nib.save(nib.Nifti1Image(stack.T.astype(np.int16), affine), tmp_path / "scan.nii.gz")
    nib.save(nib.Nifti1Image(stack.T.astype(np.int32), affine), tmp_path / "mask.nii.gz")
    image = read_image(tmp_path / "scan.nii.gz")
    done = export_labels(tmp_path / "mask.nii.gz", tmp_path / "a.geojson", image=tmp_path / "scan.nii.gz")
    assert done.outlines == sum(len(np.unique(plane)) - 1 for plane in stack)
    again = read_label_file(tmp_path / "a.geojson", like=image.reading, scan=image.geometry)
    mask = np.asarray(read_label_file(tmp_path / "mask.nii.gz").data)
    np.testing.assert_array_equal(pair(image, again).labels, mask)


def test_large_labels_in_zarr_are_not_read_whole(tmp_path):
    labels = np.kron(drawn_labels(), np.ones((4, 4), np.uint32))
    zarr.create_array(tmp_path / "a.zarr", data=labels, chunks=(32, 32))
    export_labels(tmp_path / "a.zarr", tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text())
    areas = {one["label"]: one["area"] for one in content["annotations"]}
    numbers, counts = np.unique(labels, return_counts=True)
    assert areas == {int(n): int(c) for n, c in zip(numbers, counts, strict=True) if n}


def test_regions_know_of_which_image_of_a_hyperstack_they_are(tmp_path):
    roifile = pytest.importorskip("roifile")
    stack = drawn_stack()[0]
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((3, 2, *stack.shape[1:]), np.uint8), imagej=True, metadata={"axes": "ZCYX"}
    )
    write_labels(tmp_path / "a_labels.tif", stack.astype(np.uint32), reading=read_axes(stack.shape, axes="ZYX"))
    export_labels(tmp_path / "a_labels.tif", tmp_path / "a.zip", image=tmp_path / "a.tif")
    assert {(one.position, one.z_position) for one in roifile.roiread(tmp_path / "a.zip")} == {(0, 1), (0, 2), (0, 3)}


@pytest.mark.parametrize(
    ("axes", "shape", "truth"),
    [
        ("ZYX", (3, 9, 9), False),
        ("CZYX", (2, 3, 9, 9), True),
        ("CZYX", (1, 3, 9, 9), False),
        ("ZYXC", (3, 9, 9, 3), False),
    ],
)
def test_a_hyperstack_has_two_sliders(axes, shape, truth):
    assert is_hyperstack(read_axes(shape, axes=axes, dtype="uint8")) is truth
