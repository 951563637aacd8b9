"""Write labels of a DICOM scan as a DICOM segmentation (PS3.3, A.51 and C.8.20) that belongs to the scan's study.

``BINARY`` has a frame of bits for each segment and slice, which every viewer reads; its segments are counted from 1.
``LABELMAP`` (Supplement 243) has a frame of numbers for each slice and keeps the labels' own numbers; few viewers read
it so far. Frames lie where the slices lie, so that oblique series and tilted gantries need no care.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.disk.atomic import atomic_path
from src_models.errors import OutputError
from src_models.files.volumes.dicom.damage import silent_pydicom
from src_models.files.volumes.dicom_labels.codes import Code, coded
from src_models.files.volumes.dicom_labels.frame_references import refer_to_frames
from src_models.files.volumes.dicom_labels.slice_headers import read_slice_headers
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.label_grid import check_not_the_scan, label_grid, planes, smallest_type
from src_models.files.volumes.volume import Maker, Segment

__all__ = ["check_dicom_seg", "write_dicom_seg"]

_PROGRAM = "napari-medt"
_MOST_SEGMENTS = 10_000
_LARGEST = 2**16 - 1  # segment numbers are of 16 bits
_LONGEST = 64  # characters of an LO


def check_dicom_seg(path: str | Path, geometry: VolumeGeometry) -> None:
    """Refuse, before labels are made, to write them as a DICOM segmentation of a scan that cannot have one.

    Raises
    ------
    OutputError
        If the scan was not read from DICOM slices or they do not say what they belong to, or highdicom is not
        installed.
    """
    _check_installed(Path(path))
    read_slice_headers(Path(path), geometry)


def write_dicom_seg(
    path: str | Path,
    labels: Any,
    geometry: VolumeGeometry,
    *,
    overwrite: bool = False,
    segments: Sequence[Segment] | None = None,
    maker: Maker | None = None,
    labelmap: bool = False,
) -> Path:
    """Write labels as a DICOM segmentation of the series that they were drawn on.

    Parameters
    ----------
    path
        The file to make, ``.dcm``.
    labels
        (z, y, x) integers or booleans in the axes of the scan's data.
    geometry
        Of the scan, which was read from DICOM slices.
    overwrite
        Whether an existing file may be replaced. A slice of the scan never is.
    segments
        What the numbers stand for; a number without a name is called *Segment* and itself.
    maker
        The model that made the labels; None for a person.
    labelmap
        Whether it is of type LABELMAP, with the labels' own numbers, instead of BINARY, whose segments are counted
        from 1 in the order of the numbers.

    Returns
    -------
    Path
        `path`. The patient and the study in it are the scan's: the standard asks for that, so that it belongs there.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, is of the scan itself or called otherwise, or cannot be written; if
        the scan was not read from DICOM slices, labels have time, are all background, have numbers over 65,535 or
        more than 10,000 segments; if highdicom is not installed.
    ValueError
        If the labels are negative, no integers, or do not have the scan's shape.
    """
    from pydicom.config import disable_value_validation

    path = Path(path)
    if path.suffix.lower() != ".dcm":
        raise OutputError(f"{path}: a DICOM segmentation is one file; end its name with .dcm")
    _check_installed(path)
    check_not_the_scan(path, geometry)
    if path.resolve() in {one.resolve() for one in geometry.files}:
        raise OutputError(f"{path} is a slice of the scan and is not overwritten; choose another name for its labels")
    headers = read_slice_headers(path, geometry)
    grid = label_grid(labels, geometry)
    if grid.ndim != 3:
        raise OutputError(f"{path}: a DICOM segmentation has no time; end the name with .nii.gz")
    smallest_type(grid)  # which refuses negative ones
    named = _named(path, grid, segments)
    try:
        content = _segmentation(headers, grid, named, maker, labelmap)
        if geometry.frames:
            refer_to_frames(content, headers, geometry.frames)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # its words may be a person's name
        raise OutputError(
            f"{path}: a header of the scan's slices is not as a segmentation needs it ({type(error).__name__} in "
            "highdicom); write NIfTI (.nii.gz) or NRRD (.seg.nrrd)"
        ) from None
    with atomic_path(path, overwrite=overwrite) as beside, silent_pydicom(), disable_value_validation():
        content.save_as(beside, enforce_file_format=True)
    return path


def _check_installed(path: Path) -> None:
    from importlib.util import find_spec

    if find_spec("highdicom") is None:
        raise OutputError(
            f"{path}: DICOM segmentations are written with highdicom, which is not installed; "
            'run pip install "napari-medt[dicom]", or end the name with .nii.gz or .seg.nrrd'
        )


def _named(path: Path, grid: Any, segments: Sequence[Segment] | None) -> list[Segment]:
    """Return the segments in the order of their numbers: those that are there, or if nothing is, those with names."""
    found: set[int] = set()
    for plane in planes(grid):
        found.update(np.unique(plane).tolist())
    found -= {0}
    by_number = {one.value: one for one in segments or ()}
    wanted = sorted(found or by_number)
    if not wanted:
        raise OutputError(
            f"{path}: nothing is marked in these labels, and a DICOM segmentation has one segment or more; there is "
            "nothing to write"
        )
    if wanted[-1] > _LARGEST or len(wanted) > _MOST_SEGMENTS:
        raise OutputError(
            f"{path}: {len(wanted)} objects with numbers up to {wanted[-1]} are more than a DICOM segmentation is made "
            "for; end the name with .nii.gz or .nrrd"
        )
    return [by_number.get(value, Segment(value, f"Segment {value}")) for value in wanted]


def _segmentation(headers: list[Any], grid: Any, named: Sequence[Segment], maker: Maker | None, labelmap: bool) -> Any:
    from highdicom.seg import Segmentation, SegmentationTypeValues
    from pydicom.config import disable_value_validation
    from pydicom.uid import generate_uid

    from src_models.computing.package_versions import package_versions

    numbers = [one.value for one in named] if labelmap else list(range(1, len(named) + 1))
    # What slices say wrongly is taken over as it is.
    with silent_pydicom(), disable_value_validation():
        return Segmentation(
            headers,
            _renumbered(grid, named, numbers),
            SegmentationTypeValues.LABELMAP if labelmap else SegmentationTypeValues.BINARY,
            [_description(number, one, maker) for number, one in zip(numbers, named, strict=True)],
            series_instance_uid=generate_uid(),
            series_number=_series_number(headers[0]),
            sop_instance_uid=generate_uid(),
            instance_number=1,
            manufacturer=_PROGRAM,
            manufacturer_model_name=_PROGRAM,
            software_versions=package_versions(_PROGRAM).get(_PROGRAM, "unknown"),
            device_serial_number="none",
            content_label="SEGMENTATION",
            content_description="Not a medical device: for research only",
            series_description=f"Segmentation by {maker.name if maker else 'hand'}"[:_LONGEST],
            specific_character_set="ISO_IR 192",
        )


def _series_number(header: Any) -> int:
    """Return a number beside those of a study's scans, which are mostly below 1000."""
    return 1000 + abs(int(header.get("SeriesNumber") or 0)) % 100_000


def _renumbered(grid: Any, named: Sequence[Segment], numbers: Sequence[int]) -> NDArray[Any]:
    table = np.zeros(max(one.value for one in named) + 1, np.min_scalar_type(max(numbers)))
    table[[one.value for one in named]] = numbers
    return np.stack([table[plane.astype(np.int64)] for plane in planes(grid)])


def _description(number: int, segment: Segment, maker: Maker | None) -> Any:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.color import CIELabColor
    from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
    from pydicom.sr.codedict import codes

    coding = coded(segment.name)
    kind, algorithm = SegmentAlgorithmTypeValues.MANUAL, None
    if maker is not None:
        kind = SegmentAlgorithmTypeValues.SEMIAUTOMATIC if maker.edited else SegmentAlgorithmTypeValues.AUTOMATIC
        family = codes.cid7162.ArtificialIntelligence
        algorithm = AlgorithmIdentificationSequence(_text(maker.name), family, _text(maker.version), _PROGRAM)
    colour = None
    if segment.colour is not None:
        red, green, blue = (round(255 * part) for part in segment.colour)
        colour = CIELabColor.from_rgb(red, green, blue)
    label = _text(segment.name) or f"Segment {segment.value}"
    described = SegmentDescription(
        number, label, _concept(coding.category), _concept(coding.kind), kind, algorithm, display_color=colour
    )
    if coding.side is not None:
        side = _concept(coding.side)
        described.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [side]
    if label != segment.name:
        described.SegmentDescription = segment.name  # which has room for a long one
    return described


def _text(name: str) -> str:
    """Return what one value of DICOM can hold: a backslash would part it."""
    return " ".join(name.replace("\\", "/").split())[:_LONGEST]


def _concept(code: Code) -> Any:
    from highdicom.sr import CodedConcept

    return CodedConcept(code.value, code.scheme, code.meaning)
