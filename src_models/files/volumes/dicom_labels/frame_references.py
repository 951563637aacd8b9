"""Frames of a DICOM file as if each were a slice of its own, and references to them as what they are.

highdicom makes a segmentation of slices, each with a UID of its own. Frames of one file get such UIDs for as long as
that takes; then what refers to them names their file and the number of the frame (PS3.3, 10.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

from src_models.files.volumes.dicom.header import Attributes

__all__ = ["as_slice", "refer_to_frames"]

_OF_FRAMES = (
    "NumberOfFrames", "PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence", "DimensionIndexSequence",
    "DimensionOrganizationSequence",
)  # fmt: skip
_OF_SLICES = (
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness", "SpacingBetweenSlices",
)  # fmt: skip
# Where the file's own UID and class wait.
_OWN_UID, _OWN_CLASS = "ReferencedSOPInstanceUIDInFile", "ReferencedSOPClassUIDInFile"
_SLICES = "1.2.840.10008.5.1.4.1.1.2"  # by their class, highdicom knows slices from frames


def as_slice(header: Any, frame: int) -> Any:
    """Return the header of a frame as that of a slice.

    Parameters
    ----------
    header
        Of its file, with functional groups.
    frame
        Its number, from 0.

    Returns
    -------
    pydicom.Dataset
        With a UID and a class of its own.
    """
    from pydicom.dataset import Dataset
    from pydicom.uid import generate_uid

    shared = header.get("SharedFunctionalGroupsSequence")
    told = Attributes(header, header.PerFrameFunctionalGroupsSequence[frame], shared[0] if shared else {})
    one = Dataset()
    for element in header:
        if element.keyword not in _OF_FRAMES:
            one.add(copy(element))  # which setting an attribute changes
    one.file_meta = header.file_meta
    for name in _OF_SLICES:
        value = told.get(name)
        if value is not None:
            setattr(one, name, value)
    setattr(one, _OWN_UID, header.SOPInstanceUID)
    setattr(one, _OWN_CLASS, header.SOPClassUID)
    one.SOPInstanceUID, one.SOPClassUID = generate_uid(), _SLICES
    return one


def refer_to_frames(content: Any, headers: Sequence[Any], frames: Sequence[int]) -> None:
    """Name in a segmentation the frames that it was made of.

    Parameters
    ----------
    content
        The segmentation, which is changed.
    headers
        As :func:`as_slice` returned them.
    frames
        The number of each, from 0.
    """
    known = {
        str(one.SOPInstanceUID): (one[_OWN_UID].value, one[_OWN_CLASS].value, frame)
        for one, frame in zip(headers, frames, strict=True)
    }
    for element in list(content.iterall()):
        if element.keyword == "SourceImageSequence":
            for item in element.value:
                uid = str(item.ReferencedSOPInstanceUID)
                if uid in known:  # segments of one slice may share an item, which is done then
                    item.ReferencedSOPInstanceUID, item.ReferencedSOPClassUID, frame = known[uid]
                    item.ReferencedFrameNumber = frame + 1
    files = {(str(uid), str(kind)) for uid, kind, _ in known.values()}
    for series in content.get("ReferencedSeriesSequence") or ():
        series.ReferencedInstanceSequence = [_reference(uid, kind) for uid, kind in sorted(files)]


def _reference(uid: str, kind: str) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedSOPInstanceUID, item.ReferencedSOPClassUID = uid, kind
    return item
