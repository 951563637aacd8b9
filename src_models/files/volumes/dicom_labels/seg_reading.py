"""Open a DICOM segmentation as labels: on the grid of the scan it was drawn on, or where that is not there, on its own.

Frames are put where they say they lie. Their order in the file, and the order of the scan's files, mean nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.volumes.dicom_labels.drawn_on import check_reference, find_scan
from src_models.files.volumes.dicom_labels.frames import HALF, Frames, read_frames
from src_models.files.volumes.dicom_labels.layers import LaidSegments
from src_models.files.volumes.geometry import UNIT, VolumeGeometry
from src_models.files.volumes.volume import Segment, Volume
from src_models.images.axes import read_axes

__all__ = ["label_volume", "read_dicom_seg"]

_log = logging.getLogger(__name__)

_NEAR = 0.1  # of a voxel: what lies nearer is there
_LEAST_MM = 0.01  # frames at one place, but for rounding
_LARGEST = 2**31  # voxels of a grid of its own that a damaged file may ask for

Place = tuple[int, slice, slice]


def read_dicom_seg(path: str | Path, *, scan: VolumeGeometry | None = None) -> Volume:
    """Open a segmentation.

    Parameters
    ----------
    path
        The file.
    scan
        The scan that the labels are wanted on; unless given, the one that the file names, if it lies beside it.

    Returns
    -------
    Volume
        With integers for data, the numbers of the segments; what they are called is in ``segments``. On the scan's
        grid where the frames lie on that voxel for voxel, else on a grid of their own, which is said in ``notes``, as
        are segments that overlap and the threshold of a FRACTIONAL one.

    Raises
    ------
    ImageError
        If the file is damaged, has no place in the patient, is of another frame of reference than `scan`, or there is
        no scan for it and its frames lie at uneven distances.
    """
    path = Path(path)
    frames = read_frames(path)
    if scan is not None:
        check_reference(path, frames.reference, scan)
    found = scan or find_scan(path, frames.series)
    places = None if found is None else _places(frames, found)
    notes = []
    if found is None or places is None:
        if found is None:
            notes.append("the scan that it was drawn on is not beside it, so it lies on a grid of its own")
        elif scan is None:
            notes.append("its voxels are not those of the scan beside it, so it lies on a grid of its own")
        found = _own_grid(frames)
        places = _places(frames, found)
        assert places is not None
    labels, note = _laid(frames, found, places)
    if frames.kind == "FRACTIONAL":
        notes.append(f"a fractional segmentation: voxels of {100 * HALF:.0f} % or more of a segment were taken as its")
    return label_volume(path, labels, found, frames.segments, [*notes, note])


def label_volume(
    path: Path,
    grid: NDArray[np.unsignedinteger],
    place: VolumeGeometry,
    segments: Sequence[Segment],
    notes: Sequence[str],
) -> Volume:
    """Return labels on a scan's grid (slice, row, column) as an opened volume of the file they were read from."""
    geometry = replace(place, path=path)
    data = geometry.to_data(grid)
    spacing = dict(zip("ZYX", geometry.spacing, strict=True))
    reading = read_axes(
        data.shape, dtype=data.dtype, axes="ZYX", spacing=spacing, unit=UNIT, labels=True, name=str(path)
    )
    said = tuple(note for note in notes if note)
    for note in said:
        _log.warning("%s: %s", path, note)
    return Volume(data, reading, geometry, path, labels=True, notes=said, segments=tuple(segments))


def _laid(
    frames: Frames, geometry: VolumeGeometry, places: Sequence[Place | None]
) -> tuple[NDArray[np.unsignedinteger], str]:
    numbers = [one.value for one in frames.segments]
    laid = LaidSegments(geometry.grid_shape, [*numbers, *frames.numbers])
    outside = 0
    for place, frame in zip(places, frames.values(), strict=True):
        if place is None:
            outside += int(np.count_nonzero(frame))
            continue
        number, rows, columns = place
        into_rows, from_rows = _overlap(rows, laid.labels.shape[1])
        into_columns, from_columns = _overlap(columns, laid.labels.shape[2])
        part = frame[from_rows, from_columns]
        outside += int(np.count_nonzero(frame) - np.count_nonzero(part))
        if frames.kind == "LABELMAP" and part.max(initial=0) > np.iinfo(laid.labels.dtype).max:
            laid.labels = laid.labels.astype(part.dtype)
        laid.lay(number, part, into_rows, into_columns)
    beyond = f"{outside} voxels of it lie outside of the scan and were left out" if outside else ""
    return laid.labels, "; ".join(filter(None, (laid.note(frames.segments), beyond)))


def _overlap(wanted: slice, size: int) -> tuple[slice, slice]:
    """Return which part of an axis a frame covers, and which part of the frame that is."""
    begin, end = max(wanted.start, 0), min(wanted.stop, size)
    return slice(begin, max(end, begin)), slice(begin - wanted.start, max(end, begin) - wanted.start)


def _places(frames: Frames, geometry: VolumeGeometry) -> list[Place | None] | None:
    """Return where in a scan's grid each frame lies, None for one beside it.

    None for all if their voxels are not the scan's.
    """
    back = np.linalg.inv(geometry.grid_affine)
    rows, columns = frames.shape
    pixel = np.stack([frames.down * frames.spacing[0], frames.across * frames.spacing[1]], axis=1)
    steps = back[:3, :3] @ pixel[::-1]  # (k, j, i) of one row and of one column
    wanted = np.array([[0, 0], [1, 0], [0, 1]])
    if (np.abs(steps - wanted) * [max(rows - 1, 1), max(columns - 1, 1)]).max() > _NEAR:
        return None
    first = frames.positions[:, ::-1] @ back[:3, :3].T + back[:3, 3]
    whole = np.round(first)
    if np.abs(first - whole).max() > _NEAR:
        return None
    count = geometry.grid_shape[0]
    places: list[Place | None] = []
    for k, j, i in whole.astype(int).tolist():
        places.append((k, slice(j, j + rows), slice(i, i + columns)) if 0 <= k < count else None)
    return places


def _own_grid(frames: Frames) -> VolumeGeometry:
    """Return a grid with a slice at each place of a frame, and where frames of nothing were left out between them."""
    along = frames.positions @ frames.normal
    order = np.argsort(along, kind="stable")
    distinct = order[np.concatenate([[True], np.diff(along[order]) > _LEAST_MM])]
    first = frames.positions[distinct[0]]
    gaps = np.diff(along[distinct])
    step, count = _step(frames, gaps)
    way = frames.normal * step if count == 1 else (frames.positions[distinct[-1]] - first) / (count - 1)
    affine = np.eye(4)
    columns = (way, frames.down * frames.spacing[0], frames.across * frames.spacing[1], first)
    affine[:3] = np.column_stack(columns)[::-1]
    if count * frames.shape[0] * frames.shape[1] > _LARGEST:
        raise ImageError(
            f"{frames.path}: its frames lie so far apart that they would make {count} slices; put it beside the scan "
            "that it was drawn on, and open it again"
        )
    geometry = VolumeGeometry.of_grid(affine, (count, *frames.shape), path=frames.path)
    if _places(frames, geometry) is None:
        raise _uneven(frames.path)
    return geometry


def _step(frames: Frames, gaps: NDArray[np.float64]) -> tuple[float, int]:
    """Return the distance of slices (mm), and how many there are: that which the file tells, if it fits."""
    if not gaps.size:
        return frames.step or 1.0, 1
    for step in filter(None, (frames.step, float(gaps.min()))):
        whole = np.round(gaps / step)
        if whole.min() >= 1 and np.abs(np.cumsum(gaps) / step - np.cumsum(whole)).max() <= _NEAR * max(len(gaps), 1):
            return step, int(whole.sum()) + 1
    raise _uneven(frames.path)


def _uneven(path: Path) -> ImageError:
    return ImageError(
        f"{path}: its frames lie at uneven distances, or not in a row, and the scan that it was drawn on is not beside "
        "it; put it into the folder of the scan, and open it again"
    )
