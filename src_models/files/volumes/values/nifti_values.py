"""Write values that lie on a scan, such as an attention map, as NIfTI: on a grid of their own, at the scan's place.

The grid runs along the scan's axes, in the order in which the scan's file has them, and is coarser or finer. Where the
scan is a NIfTI, its sform and its qform are both brought to the new grid and keep their codes, so that a program that
heeds either of them finds the values where it finds the scan. What the values are stands in an extension of the header
(a comment, which other programs pass over), from which :func:`read_nifti_values` brings it back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.disk.atomic import atomic_path
from src_models.errors import ImageError, OutputError
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.label_grid import check_not_the_scan, planes
from src_models.files.volumes.nifti import is_nifti
from src_models.files.volumes.nifti_labels import new_header, opened, source_header

__all__ = ["read_nifti_values", "write_nifti_values"]

_NAME, _DESCRIPTION = 15, 79  # bytes that the header has room for, less the 0 at their end
_WRITER, _COMMENT = "napari-medt", 6  # of the extension


def write_nifti_values(
    path: str | Path,
    values: NDArray[Any],
    geometry: VolumeGeometry,
    *,
    scale: Sequence[float],
    translate: Sequence[float],
    name: str = "",
    description: str = "",
    notes: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write values as float32.

    Parameters
    ----------
    path
        The file to make, ``.nii`` or ``.nii.gz``.
    values
        ([t, ]z, y, x) along the axes of the scan's data.
    geometry
        Of the scan.
    scale, translate
        Along z, y and x: voxels of the scan per cell, and where in voxels of the scan the centre of the first cell is.
    name, description
        What they are; as much of it as fits goes into the header.
    notes
        What else is to be read back, as JSON can hold it.
    overwrite
        Whether an existing file may be replaced. The scan itself never is.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, is the scan itself, has another suffix, or cannot be written.
    ValueError
        If the values have fewer than three or more than four axes.
    """
    path = Path(path)
    if not is_nifti(path):
        raise OutputError(f"{path}: values on a scan are written as NIfTI; end the name with .nii.gz or .nii")
    if values.ndim not in (3, 4):
        raise ValueError(f"values of shape {values.shape} do not lie on a scan")
    check_not_the_scan(path, geometry)
    place = np.diag([*scale, 1.0])
    place[:3, 3] = translate
    cells = replace(geometry, affine=geometry.affine @ place, shape=values.shape[-3:], nifti_header=None, files=())
    grid = cells.to_grid(values)
    header = _header(geometry, cells, grid.shape)
    _note(header, {**(notes or {}), "writer": _WRITER, "order": cells.order, "flipped": cells.flipped})
    header["intent_name"] = name.encode("ascii", "replace")[:_NAME]
    header["descrip"] = description.encode("ascii", "replace")[:_DESCRIPTION]
    with atomic_path(path, overwrite=overwrite) as beside, opened(beside) as file:
        header.write_to(file)
        file.write(bytes(int(header["vox_offset"]) - file.tell()))
        for plane in planes(grid):
            file.write(plane.astype(header.get_data_dtype()).tobytes())
    return path


def read_nifti_values(path: str | Path) -> tuple[NDArray[np.float32], dict[str, Any]]:
    """Read values that :func:`write_nifti_values` wrote.

    Returns
    -------
    values, notes
        ([t, ]z, y, x) along the axes of the scan's data, and what was noted of them.

    Raises
    ------
    ImageError
        If the file is missing or damaged, or does not say what its values are.
    """
    import nibabel as nib

    try:
        image: Any = nib.load(path)
        notes = _noted(image.header)
        grid = np.asarray(image.dataobj, dtype=np.float32).transpose() if notes else None
    except Exception as error:  # nibabel and zlib meet damage with errors of many kinds
        raise ImageError(f"{path}: it cannot be read as NIfTI ({error}); write it again") from error
    if notes is None or grid is None:
        raise ImageError(f"{path}: it does not say what its values are; open one that `napari-medt attention` wrote")
    order, flipped = notes["order"], notes["flipped"]
    front = grid.ndim - 3
    data = grid.transpose((*range(front), *(front + axis for axis in order)))
    return data[(..., *(slice(None, None, -1) if against else slice(None) for against in flipped))], notes


def _note(header: Any, notes: Mapping[str, Any]) -> None:
    """Put notes into an extension of a header, after which the values begin."""
    from nibabel.nifti1 import Nifti1Extension

    header.extensions.append(Nifti1Extension("comment", json.dumps(notes).encode()))
    header["vox_offset"] = header.single_vox_offset + header.extensions.get_sizeondisk()


def _noted(header: Any) -> dict[str, Any] | None:
    for extension in header.extensions:
        if extension.get_code() == _COMMENT:
            content = extension.get_content()
            try:
                notes = json.loads(content.decode() if isinstance(content, bytes) else content)
            except ValueError:  # somebody else's comment
                continue
            if isinstance(notes, dict) and notes.get("writer") == _WRITER:
                return notes
    return None


def _header(scan: VolumeGeometry, cells: VolumeGeometry, shape: tuple[int, ...]) -> Any:
    if scan.nifti_header is None or not scan.known:
        header = new_header(cells, shape, 1.0)
    else:
        header = source_header(scan.nifti_header)
        header.set_data_shape(shape[::-1])
        # From a cell to a voxel, both (i, j, k) of the file.
        step = (np.linalg.inv(scan.grid_affine) @ cells.grid_affine)[np.ix_([2, 1, 0, 3], [2, 1, 0, 3])]
        sform, s_code = header.get_sform(coded=True)
        qform, q_code = header.get_qform(coded=True)
        lengths = header["pixdim"][1:4] * np.diag(step)[:3]
        if q_code:
            header.set_qform(qform @ step, int(q_code))
        if s_code:
            header.set_sform(sform @ step, int(s_code))
        header["pixdim"][1:4] = lengths
    header.set_data_dtype(np.float32)
    header.set_slope_inter(1, 0)
    header.set_intent("none")
    header["cal_min"] = header["cal_max"] = 0
    header["vox_offset"] = header.single_vox_offset
    header["magic"] = header.single_magic
    return header
