"""From the DICOM files of a folder to the slices of one scan, in order, at even distances.

Slices are put in order by their places along their normal, never by their names or numbers. Everything that would make
a volume wrong without a word is refused with the files it is about: slices that are missing or there twice, several
series, slices of several sizes or orientations.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.dicom_pixels import check_pixels
from src_models.files.volumes.dicom_slices import NoSlice, Slice, is_dicom, read_slice

__all__ = ["all_series", "find_series", "has_dicom", "stack_affine", "stacked"]

# A slice may be off its even place by a tenth of the distance of slices, which scanners round, and by 0.1 mm.
_OFF, _OFF_MM = 0.1, 0.1
_ALIKE = 1e-4  # difference of directions, and of pixel sizes (mm), that rounding makes
_LISTED = 8


def has_dicom(folder: Path) -> bool:
    """Tell whether a folder itself holds a DICOM file."""
    return any(path.is_file() and is_dicom(path) for path in folder.iterdir())


def all_series(folder: Path) -> list[list[Slice]]:
    """Find the slices of a folder, series by series and in no order.

    Files that are no DICOM, and DICOM files that are no slices (directories, reports, structures), are left out.

    Raises
    ------
    ImageError
        If there are no slices, or a file is damaged.
    """
    read = [read_slice(file) for file in sorted(folder.iterdir()) if file.is_file() and is_dicom(file)]
    series: dict[str, list[Slice]] = {}
    for one in read:
        if isinstance(one, Slice):
            series.setdefault(one.series, []).append(one)
    if not series:
        raise _no_slices(folder, [one for one in read if isinstance(one, NoSlice)])
    return list(series.values())


def find_series(path: Path) -> list[Slice]:
    """Find the slices of one series, in no order.

    Parameters
    ----------
    path
        A folder with the files of one series, or a file of the wanted series in a folder of several.

    Raises
    ------
    ImageError
        If there are no slices, or several series in a folder; the message lists them with a file to open for each.
    """
    if path.is_dir():
        found = all_series(path)
        if len(found) > 1:
            raise _several_series(path, found)
        return found[0]
    wanted = read_slice(path)
    if isinstance(wanted, NoSlice):
        raise ImageError(f"{path}: it is no slice of a scan: it {wanted.reason}")
    return next(series for series in all_series(path.parent) if series[0].series == wanted.series)


def _no_slices(folder: Path, others: Sequence[NoSlice]) -> ImageError:
    if others:
        first = others[0]
        return ImageError(
            f"{folder}: none of its {len(others)} DICOM files is a slice of a scan ({first.path.name} {first.reason})"
        )
    inside = next((sub for sub in sorted(folder.iterdir()) if sub.is_dir() and has_dicom(sub)), None)
    hint = f"; folders in it do: name one of them, such as {inside}" if inside else "; name the folder of a scan"
    return ImageError(f"{folder}: it holds no DICOM files{hint}")


def _several_series(folder: Path, found: Sequence[Sequence[Slice]]) -> ImageError:
    lines = [
        f"{series[0].path.name} is of {series[0].description or 'a series without description'!r} "
        f"({series[0].modality}, {len(series)} {'slice' if len(series) == 1 else 'slices'}, UID {series[0].series})"
        for series in found[:_LISTED]
    ]
    more = f"; and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return ImageError(
        f"{folder}: it holds {len(found)} series; open one file of the series you want, and its slices are taken "
        f"from the folder: {'; '.join(lines)}{more}"
    )


def stacked(slices: Sequence[Slice], name: Path) -> list[Slice]:
    """Put the slices of a series in order along their normal, and check that they make a volume.

    Parameters
    ----------
    slices
        Of one series, one or more.
    name
        The folder or file, for errors.

    Raises
    ------
    ImageError
        If slices differ in size, orientation or pixel size, are missing, there twice, or out of line; or if their
        pixels cannot be read.
    """
    first = slices[0]
    for one in slices:
        check_pixels(one)
        _check_alike(first, one, name)
    places = np.array([one.position @ first.normal for one in slices])
    order = np.argsort(places, kind="stable")
    ordered = [slices[number] for number in order]
    if len(ordered) > 1:
        _check_gaps(ordered, np.diff(places[order]), name)
        _check_line(ordered, name)
    return ordered


def _check_alike(first: Slice, one: Slice, name: Path) -> None:
    what = None
    if one.shape != first.shape:
        what = f"sizes ({first.shape[0]} x {first.shape[1]} and {one.shape[0]} x {one.shape[1]} pixels)"
    elif not (np.allclose(one.across, first.across, 0, _ALIKE) and np.allclose(one.down, first.down, 0, _ALIKE)):
        what = "orientations"
    elif not np.allclose(one.spacing, first.spacing, 0, _ALIKE):
        what = f"pixel sizes ({first.spacing} and {one.spacing} mm)"
    elif one.modality != first.modality:
        what = f"modalities ({first.modality} and {one.modality})"
    if what is not None:
        raise ImageError(
            f"{name}: {first.path.name} and {one.path.name} are of one series but of different {what}; a localizer "
            "may be among the slices: move what does not belong to the scan into another folder"
        )


def _check_gaps(slices: Sequence[Slice], gaps: NDArray[np.float64], name: Path) -> None:
    """Check that slices follow each other at even distances (mm)."""
    apart = gaps[gaps > _ALIKE]
    usual = float(np.median(apart)) if apart.size else 0.0
    tight = np.flatnonzero(gaps <= _OFF * usual + _ALIKE)
    if tight.size:
        one, other = slices[tight[0]].path.name, slices[tight[0] + 1].path.name
        more = f", and so are {tight.size - 1} more" if tight.size > 1 else ""
        raise ImageError(
            f"{name}: {one} and {other} are at the same place ({_place(slices[tight[0]])}){more}; remove the copies, "
            "or put repeated scans into folders of their own"
        )
    allowed = min(_OFF * usual, _OFF_MM)
    worst = int(np.argmax(np.abs(gaps - usual)))
    even = float(gaps.mean())
    if np.abs(np.cumsum(gaps) - even * np.arange(1, len(gaps) + 1)).max() <= allowed:
        return
    number = round(float(gaps[worst]) / usual) - 1
    told = f"{number} {'slice is' if number == 1 else 'slices are'} missing" if number > 0 else "slices are uneven"
    between = f"between {slices[worst].path.name} ({_place(slices[worst])}) and {slices[worst + 1].path.name}"
    raise ImageError(
        f"{name}: {told} {between} ({_place(slices[worst + 1])}): they are {gaps[worst]:.4g} mm apart, others "
        f"{usual:.4g} mm; copy or export the whole series again, or resample it to even slices"
    )


def _place(one: Slice) -> str:
    return f"{one.position @ one.normal:.2f} mm"


def _check_line(slices: Sequence[Slice], name: Path) -> None:
    """Check that the first pixels of all slices lie on a line, at a right angle to them or, with a tilt, slanted."""
    positions = np.array([one.position for one in slices])
    even = np.linspace(positions[0], positions[-1], len(slices))
    off = np.linalg.norm(positions - even, axis=1)
    worst = int(np.argmax(off))
    if off[worst] > _OFF_MM:
        raise ImageError(
            f"{name}: {slices[worst].path.name} is shifted sideways by {off[worst]:.2g} mm against the line of the "
            "other slices; put scans of different regions into folders of their own"
        )


def stack_affine(slices: Sequence[Slice]) -> NDArray[np.float64]:
    """Return the affine of slices in order: DICOM PS3.3, equation C.7.6.2.1-1, with the step between slices.

    The step is a vector from the first slice to the last, so that the tilt of a gantry is in the affine as a shear.

    Returns
    -------
    NDArray
        (4, 4): from (slice, row, column) to (superior, posterior, left) in mm.
    """
    first, last = slices[0], slices[-1]
    alone = len(slices) == 1
    step = first.normal * first.thickness if alone else (last.position - first.position) / (len(slices) - 1)
    affine = np.eye(4)
    columns = (step, first.down * first.spacing[0], first.across * first.spacing[1], first.position)
    affine[:3] = np.column_stack(columns)[::-1]
    return affine
