"""Where in a folder of folders DICOM slices are, as on the disk of a scanner or in an export: CD/DICOM/PAT0/ST0/SE0."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from src_models.errors import ImageError
from src_models.files.volumes.dicom.encoding import is_dicom
from src_models.files.volumes.dicom.reading import read_slices
from src_models.files.volumes.dicom.slices import NoSlice, Slice

__all__ = ["first_slices", "has_dicom", "has_dicom_below"]

# A tree that holds no DICOM, such as a person's home, is not searched for ever.
_DEEPEST, _MOST_FOLDERS, _LOOKED_AT = 8, 1_000, 10
_OTHER = {
    ".bmp", ".csv", ".gif", ".gz", ".htm", ".html", ".jpeg", ".jpg", ".json", ".md", ".nii", ".pdf", ".png", ".py",
    ".tif", ".tiff", ".txt", ".xls", ".xlsx", ".xml", ".zip",
}  # fmt: skip
_DIRECTORY = "DICOMDIR"


def has_dicom(folder: Path) -> bool:
    """Tell whether a folder itself holds a DICOM file."""
    return any(path.is_file() and is_dicom(path) for path in folder.iterdir())


def has_dicom_below(folder: Path) -> bool:
    """Tell whether a folder further in holds DICOM files."""
    return next(_folders_below(folder), None) is not None


def first_slices(folder: Path) -> dict[Path, Slice]:
    """Find the folders further in that hold slices of scans.

    Returns
    -------
    dict
        For each of them, in order, a slice in it.
    """
    found = {}
    for below in _folders_below(folder):
        first = next(_slices(below), None)
        if first is not None:
            found[below] = first
    return found


def _folders_below(folder: Path) -> Iterator[Path]:
    """Find folders with DICOM files, at any depth that occurs, in order."""
    for seen, (name, inside, files) in enumerate(os.walk(folder), start=1):
        place = Path(name)
        depth = len(place.relative_to(folder).parts)
        inside[:] = sorted(sub for sub in inside if not sub.startswith(".") and not sub.lower().endswith(".zarr"))
        if depth >= _DEEPEST:
            inside.clear()
        if seen > _MOST_FOLDERS:
            return
        if depth and any(map(is_dicom, _candidates(place, files)[:_LOOKED_AT])):
            yield place


def _candidates(folder: Path, files: list[str]) -> list[Path]:
    """Return the files that may be slices by their names, in order."""
    paths = [folder / name for name in sorted(files) if not name.startswith(".") and name.upper() != _DIRECTORY]
    return [path for path in paths if path.suffix.lower() not in _OTHER]


def _slices(folder: Path) -> Iterator[Slice]:
    for path in _candidates(folder, [one.name for one in folder.iterdir() if one.is_file()]):
        if not is_dicom(path):
            continue
        try:
            found = read_slices(path)
        except ImageError:  # said once the folder is opened
            continue
        if not isinstance(found, NoSlice):
            yield found[0]
