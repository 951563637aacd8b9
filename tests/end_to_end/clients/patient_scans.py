"""Scans in which a bright object lies at a known place in the patient, on grids of every kind."""

from __future__ import annotations

import itertools
from pathlib import Path

import nibabel as nib
import numpy as np

__all__ = ["CENTRE", "GRIDS", "SHAPE", "inside", "places", "truth", "write_scan"]

SHAPE = (48, 40, 6)  # i, j, k
SPACING = (1.0, 1.25, 3.0)
MIDDLE = np.array([12.0, -34.0, 56.0])  # right, anterior, superior: of every scan
CENTRE = MIDDLE + np.array([9.0, 6.0, 3.0])  # of the object, which lies off the middle in all directions
RADII = np.array([8.0, 7.0, 5.0])


def _turned(degrees) -> np.ndarray:
    a, b, c = np.radians(degrees)
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return x @ y @ z


def _affine(directions, signs=(1, 1, 1)) -> np.ndarray:
    """The matrix from (i, j, k) to (right, anterior, superior) of a scan around the middle."""
    affine = np.eye(4)
    affine[:3, :3] = np.asarray(directions) * signs * SPACING
    affine[:3, 3] = MIDDLE - affine[:3, :3] @ ((np.array(SHAPE) - 1) / 2)
    return affine


# The eight combinations of signs by where the axes run to, such as LPS; and others.
GRIDS = {
    "".join(pair[sign < 0] for pair, sign in zip(("RL", "AP", "SI"), signs, strict=True)): _affine(np.eye(3), signs)
    for signs in itertools.product((1, -1), repeat=3)
} | {
    "oblique": _affine(_turned((5, -8, 12)), (-1, -1, 1)),
    "sheared": _affine([[1, 0, 0], [0, 1, np.sin(0.2)], [0, 0, np.cos(0.2)]], (-1, -1, 1)),
}


def inside(places) -> np.ndarray:
    """Whether places (..., 3) lie in the object."""
    return np.linalg.norm((np.asarray(places) - CENTRE) / RADII, axis=-1) < 1


def places(affine) -> np.ndarray:
    """The places of all voxels, (i, j, k, 3)."""
    return np.moveaxis(np.indices(SHAPE), 0, -1) @ affine[:3, :3].T + affine[:3, 3]


def truth(affine) -> np.ndarray:
    """Where the object is on a grid, (i, j, k)."""
    return inside(places(affine))


def write_scan(path: Path, affine, seed: int = 0) -> Path:
    """Write a scan (``.nii.gz`` or ``.nrrd``) with nobody's reader or writer that is tested here."""
    grey = np.random.default_rng(seed).normal(60, 6, SHAPE) + 110 * truth(affine)
    values = np.rint(grey).astype(np.int16)
    if path.suffix == ".nrrd":
        import nrrd

        lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
        header = {
            "space": "left-posterior-superior",
            "space directions": lps[:3, :3].T,
            "space origin": lps[:3, 3],
            "encoding": "gzip",
        }
        nrrd.write(str(path), values, header)
    else:
        nib.save(nib.Nifti1Image(values, affine), path)
    return path
