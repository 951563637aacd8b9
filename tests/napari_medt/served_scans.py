"""Scans whose truth is known at every place of the patient, on whatever grid; and a client that labels them."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from scipy.spatial.transform import Rotation

SHAPE = (44, 40, 5)  # i, j, k
TURN = Rotation.from_euler("xyz", [4, -6, 11], degrees=True).as_matrix()
AFFINES = {
    "RAS": np.diag([1.0, 1.0, 3.0, 1.0]),
    "LAS": np.diag([-1.0, 1.0, 3.0, 1.0]),
    "oblique": np.block([[TURN @ np.diag([1.0, 1.0, -3.0]), np.array([[4.0], [-6], [9]])], [np.zeros(3), 1.0]]),
}
QUICK = {
    "steps": 48, "seconds": 1e4, "batch": 3, "patch": 32, "learning_rate": 1e-2, "validate_every": 4, "patience": 50,
}  # fmt: skip


def places(affine, shape=SHAPE):
    """Return the place of each voxel, (i, j, k, 3)."""
    return apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1))


def truth(at, middle):
    """Return which of two organs lies at places (right, anterior, superior): 1 and 2, of no symmetry."""
    one = np.linalg.norm((at - middle - [8, 5, 0]) / [8, 8, 7], axis=-1) < 1
    two = np.linalg.norm((at - middle - [-9, -6, 2]) / [7, 6, 6], axis=-1) < 1
    return np.where(one, 1, np.where(two, 2, 0)).astype(np.int16)


def middle_of(affine):
    return apply_affine(affine, (np.array(SHAPE) - 1) / 2)


def write_scan(path, affine, seed=0):
    """Write a scan in which both organs are bright."""
    drawn = truth(places(affine), middle_of(affine))
    noise = np.random.default_rng(seed).normal(100, 5, SHAPE)
    nib.save(nib.Nifti1Image((noise + 90 * (drawn > 0)).astype(np.int16), affine), path)


def on_client(affine):
    """Return the affine of the grid on which Slicer has a scan: slices the other way round where it is left-handed."""
    if np.linalg.det(affine[:3, :3]) > 0:
        return affine
    reverse = np.diag([1.0, 1, -1, 1])
    reverse[2, 3] = SHAPE[2] - 1
    return affine @ reverse


def packed(labels, affine):
    """Return labels (i, j, k) as a NIfTI file."""
    return io.BytesIO(nib.Nifti1Image(np.asarray(labels, np.int16), affine).to_bytes())


def drawn_labels(affine):
    """Return a person's labels on the client's grid, and its affine."""
    grid = on_client(affine)
    return truth(places(grid), middle_of(affine)), grid


def submit(client, image, labels, affine, names=("disc", "other"), **params):
    """Send labels as the module of 3D Slicer does: idx is of no use, and the file's name is a path of the client."""
    told = {
        "label_info": [{"name": name, "idx": 7 + at} for at, name in enumerate(names)],
        "client_id": "ada",
        **params,
    }
    return client.put(
        "/datastore/label",
        params={"image": image},
        data={"params": json.dumps(told)},
        files={"label": ("/tmp/Slicer-ada/tmp.nii.gz", packed(labels, affine))},
    )


def wait_for(condition, seconds=120):
    """Wait until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def learnt(client, seconds=240):
    """Wait until learning has ended; return the task."""
    wait_for(lambda: client.get("/train/").json()["status"] != "RUNNING", seconds)
    return client.get("/train/").json()


def files_of(folder: Path):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
