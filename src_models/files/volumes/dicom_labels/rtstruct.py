"""Open the contours of a DICOM structure set (RTSTRUCT) as labels on the grid of the scan they were drawn on."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.dicom_labels.contours import inside_contours
from src_models.files.volumes.dicom_labels.drawn_on import check_reference, find_scan
from src_models.files.volumes.dicom_labels.layers import LaidSegments
from src_models.files.volumes.dicom_labels.seg_reading import label_volume
from src_models.files.volumes.dicom_labels.structures import Structure, read_structures
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.volume import Volume

__all__ = ["read_rtstruct"]

_NEAR = 0.1  # of the way from a slice to the next: what lies nearer is in it
_NAMED = 5


def read_rtstruct(path: str | Path, *, scan: VolumeGeometry | None = None) -> Volume:
    """Open a structure set.

    Parameters
    ----------
    path
        The file.
    scan
        The scan whose grid the labels are wanted on; unless given, the series that the file names, if it lies beside
        it.

    Returns
    -------
    Volume
        With integers for data: the structures' numbers where a voxel's centre lies inside of their contours by the
        even-odd rule, so that holes are holes. Contours that do not lie in a slice of the scan are left out, and so
        are points and lines; ``notes`` say how many, and which structures overlap.

    Raises
    ------
    ImageError
        If the file is damaged or of another frame of reference than `scan`, there is no scan for it, or none of its
        contours lies in a slice.
    """
    path = Path(path)
    content = read_structures(path)
    if scan is not None:
        check_reference(path, content.reference, scan)
    found = scan or find_scan(path, content.series)
    if found is None:
        raise ImageError(
            f"{path}: it holds contours, which have voxels only on the scan that they were drawn on, and that is not "
            "beside it (or cannot be read as one volume); put it into the folder of the scan's slices and open it "
            "again"
        )
    shape = found.grid_shape
    laid = LaidSegments(shape, [one.segment.value for one in content.structures])
    beside: dict[str, int] = {}
    for structure in content.structures:
        slices, missed = _by_slice(structure, found, shape[0])
        if missed:
            beside[structure.segment.name] = missed
        for number, contours in sorted(slices.items()):
            inside = inside_contours(contours, shape[1:])
            laid.lay(number, np.where(inside, structure.segment.value, 0).astype(laid.labels.dtype))
    total = sum(len(one.contours) for one in content.structures)
    if total and sum(beside.values()) == total:
        raise ImageError(
            f"{path}: none of its {total} contours lies in a slice of {found.path}; they were drawn on another scan, "
            "or between slices: give that scan, or export the contours on its slices"
        )
    segments = [one.segment for one in content.structures]
    notes = [_beside(beside), _others(content.structures), _empty(content.structures), laid.note(segments)]
    return label_volume(path, laid.labels, found, segments, notes)


def _by_slice(
    structure: Structure, geometry: VolumeGeometry, count: int
) -> tuple[dict[int, list[NDArray[np.float64]]], int]:
    """Return a structure's contours (row, column) by the slice that they lie in, and how many lie in none."""
    back = np.linalg.inv(geometry.grid_affine)
    slices: dict[int, list[NDArray[np.float64]]] = defaultdict(list)
    missed = 0
    for points in structure.contours:
        places = points[:, ::-1] @ back[:3, :3].T + back[:3, 3]
        number = round(float(places[:, 0].mean()))
        if np.abs(places[:, 0] - number).max() <= _NEAR and 0 <= number < count:
            slices[number].append(places[:, 1:])
        else:
            missed += 1
    return slices, missed


def _beside(beside: dict[str, int]) -> str:
    if not beside:
        return ""
    count = sum(beside.values())
    told = "1 contour lies" if count == 1 else f"{count} contours lie"
    return f"{told} in no slice of the scan and {'was' if count == 1 else 'were'} left out, of {_few(list(beside))}"


def _others(structures: tuple[Structure, ...]) -> str:
    some = [one.segment.name for one in structures if one.others]
    return f"points and open lines were left out, of {_few(some)}" if some else ""


def _empty(structures: tuple[Structure, ...]) -> str:
    none = [one.segment.name for one in structures if not one.contours]
    return f"without contours: {_few(none)}" if none else ""


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
