"""The scan that DICOM labels were drawn on: found beside them by its UID, and checked where one is given."""

from __future__ import annotations

from pathlib import Path

from src_models.errors import ImageError
from src_models.files.volumes.dicom.damage import silent_pydicom
from src_models.files.volumes.dicom.encoding import is_dicom
from src_models.files.volumes.dicom.reading import read_slices
from src_models.files.volumes.dicom.series import find_series
from src_models.files.volumes.dicom.slices import NoSlice
from src_models.files.volumes.dicom.stack import stacked
from src_models.files.volumes.geometry import VolumeGeometry

__all__ = ["check_reference", "find_scan"]

_MOST_FOLDERS, _MOST_FILES = 50, 10_000


def find_scan(path: Path, series: str) -> VolumeGeometry | None:
    """Find the series that labels name: in their folder, in one beside them, or beside that, or in one in these.

    Parameters
    ----------
    path
        The file with the labels.
    series
        SeriesInstanceUID.

    Returns
    -------
    VolumeGeometry or None
        Of the series; None if it is not there, or no whole volume.
    """
    if not series:
        return None
    for folder in _folders_near(path.absolute()):
        for slice_file in (
            sorted(folder.iterdir())[:_MOST_FILES] if folder == path.absolute().parent else _first(folder)
        ):
            if not _is_of(slice_file, series):
                continue
            try:
                stack = stacked(find_series(slice_file), slice_file)
            except ImageError:  # said when the scan itself is opened
                return None
            shape = (len(stack.between), *stack.slices[0].shape)
            return VolumeGeometry.of_grid(stack.affine, shape, path=slice_file, files=stack.files, frames=stack.frames)
    return None


def _folders_near(path: Path) -> list[Path]:
    own = path.parent
    near = [own]
    for above in (own, own.parent):
        near += _folders_in(above, own)
    return near + [one for beside in near[1:] for one in _folders_in(beside, own)]


def _folders_in(folder: Path, own: Path) -> list[Path]:
    try:
        inside = sorted(one for one in folder.iterdir() if not one.name.startswith("."))
        return [one for one in inside if one.is_dir() and one != own][:_MOST_FOLDERS]
    except OSError:  # a folder of somebody else
        return []


def _first(folder: Path) -> list[Path]:
    """Return the first DICOM file of a folder: the slices of a series are mostly alone there."""
    try:
        files = sorted(one for one in folder.iterdir() if one.is_file() and not one.name.startswith("."))
    except OSError:  # a folder of somebody else
        return []
    return [one for one in files[:3] if is_dicom(one)][:1]


def _is_of(file: Path, series: str) -> bool:
    if not file.is_file() or not is_dicom(file):
        return False
    try:
        found = read_slices(file)
    except ImageError:
        return False
    return not isinstance(found, NoSlice) and found[0].series == series


def check_reference(path: Path, reference: str, scan: VolumeGeometry) -> None:
    """Refuse labels whose places are not those of a scan.

    Raises
    ------
    ImageError
        If the scan was read from DICOM and both name their frame of reference, but not the same.
    """
    if not reference or not scan.files:
        return
    import pydicom

    with silent_pydicom():
        header = pydicom.dcmread(
            scan.files[0], stop_before_pixels=True, specific_tags=["FrameOfReferenceUID"], force=True
        )
        of_scan = str(header.get("FrameOfReferenceUID", "") or "")
    if of_scan and of_scan != reference:
        raise ImageError(
            f"{path}: it belongs to another frame of reference than {scan.path}, so its places are not those of this "
            "scan; give the labels that were drawn on this scan, or register the two first"
        )
