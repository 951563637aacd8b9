"""The frames of a file that holds many: where each says what it is, and what tells frames at one place apart.

Files with functional groups are enhanced CT, MR and PET and what was converted to them (PS3.3, C.7.6.16). Of older
files with frames, doses say where these lie (C.8.8.3.2), and so do reconstructed slices of nuclear medicine (C.8.4.15);
others do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from src_models.files.volumes.dicom.header import Attributes, Header
from src_models.files.volumes.dicom.slices import Concatenation

__all__ = ["OVER_TIME", "concatenation_of", "frame_attributes", "is_multiframe", "traits_of", "why_unplaced"]

_OWN, _SHARED, _OFFSETS = "PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence", "GridFrameOffsetVector"
# Attributes that tell frames apart, in the order in which they are asked, with how they are called.
_TRAITS = (
    ("kind", ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence", "PETFrameTypeSequence"), "FrameType", ""),
    ("component", ("MRImageFrameTypeSequence",), "ComplexImageComponent", ""),
    ("echo", ("MREchoSequence",), "EffectiveEchoTime", "ms"),
    ("inversion", ("MRModifierSequence",), "InversionTimes", "ms"),
    ("b-value", ("MRDiffusionSequence",), "DiffusionBValue", "s/mm²"),
    ("diffusion", ("MRDiffusionSequence",), "DiffusionDirectionality", ""),
    ("direction", ("MRDiffusionSequence",), "DiffusionGradientDirectionSequence", ""),
    ("time", ("FrameContentSequence",), "TemporalPositionIndex", ""),
    ("trigger", ("CardiacSynchronizationSequence",), "NominalCardiacTriggerDelayTime", "ms"),
)
OVER_TIME = ("time", "trigger")
# Dimensions of an index that say where a frame is, or what the traits above say better.
_OF_PLACE = {0x00209057, 0x00200032, 0x00201041, 0x00209056, 0x00209128, 0x00209113, 0x00209310, 0x00209313}


_NUCLEAR = "1.2.840.10008.5.1.4.1.1.20"
_RECONSTRUCTED = ("RECON TOMO", "RECON GATED TOMO")
_SLICES, _GATES = "SliceVector", "TimeSlotVector"
# What else frames of nuclear medicine may be divided by: of one volume, each holds one number.
_CONSTANT = (
    "EnergyWindowVector", "DetectorVector", "PhaseVector", "RotationVector", "RRIntervalVector", "AngularViewVector",
    "TimeSliceVector",
)  # fmt: skip


def is_multiframe(header: Header) -> bool:
    """Tell whether a file holds frames, be it one, as a part of an object with frames may."""
    return header.frames > 1 or _OWN in header.content


def frame_attributes(header: Header) -> Iterator[Attributes]:
    """Give the attributes of each frame, in the order of the file."""
    content = header.content
    shared = content.get(_SHARED)
    groups = content.get(_OWN)
    if groups:
        if len(groups) != header.frames:
            raise ValueError(len(groups))  # it is cut off
        for own in groups:
            yield Attributes(content, own, shared[0] if shared else {})
        return
    if header.text("SOPClassUID") == _NUCLEAR:
        found = _nuclear(header)
        yield from [Attributes({})] * header.frames if isinstance(found, str) else found
        return
    offsets = content.get(_OFFSETS)
    orientation, first = content.get("ImageOrientationPatient"), content.get("ImagePositionPatient")
    if offsets is None or orientation is None or first is None or len(offsets) != header.frames:
        for _ in range(header.frames):
            yield Attributes({})
        return
    for position in _dose_positions(np.array(first, float), np.array(orientation, float), np.array(offsets, float)):
        yield Attributes(content, {"PlanePositionSequence": [{"ImagePositionPatient": position}]})


def why_unplaced(header: Header) -> str:
    """Say of a file whose frames have no place why that is, to follow its name in a sentence."""
    if header.text("SOPClassUID") == _NUCLEAR:
        return f"holds many frames of nuclear medicine and {_nuclear(header)}"
    reason = "holds many frames without saying where in the patient each lies"
    return f"{reason}; if it is a scan, convert it to NIfTI, for example with dcm2niix"


def _nuclear(header: Header) -> list[Attributes] | str:
    """Return the attributes of each reconstructed slice of nuclear medicine; or why that cannot be known.

    The first slice lies where its detector says. Others follow along its normal at SpacingBetweenSlices, against it
    where that is negative, by their numbers in SliceVector (PS3.3, C.8.4.11 and C.8.4.15).
    """
    content = header.content
    kinds: Any = content.get("ImageType") or ()
    kind = str(kinds[2]) if len(kinds) > 2 else "of no kind"
    if kind not in _RECONSTRUCTED:
        return f"is no reconstruction ({kind}); open the reconstructed slices"
    slices, gates = _vector(header, _SLICES), _vector(header, _GATES)
    if slices is None or (kind == _RECONSTRUCTED[1] and gates is None):
        return "does not number its slices (SliceVector, TimeSlotVector)"
    divided = [name for name in _CONSTANT if len(set(_vector(header, name) or ())) > 1]
    if divided:
        return f"is of several volumes ({', '.join(divided)}); export each by itself"
    step = float(content.get("SpacingBetweenSlices") or 0)
    if not step:
        return "does not say which way its slices follow each other (SpacingBetweenSlices); export it again"
    detectors = [one for one in content.get("DetectorInformationSequence") or () if "ImagePositionPatient" in one]
    told = [*detectors, *([content] if "ImagePositionPatient" in content else [])]
    told = [one for one in told if "ImageOrientationPatient" in one]
    places = {tuple(map(float, (*one.ImagePositionPatient, *one.ImageOrientationPatient))) for one in told}
    if len(places) != 1:
        return "does not say where it lies (DetectorInformationSequence), or says so twice; export it again"
    first, orientation = np.split(np.array(places.pop()), [3])
    normal = np.cross(orientation[:3], orientation[3:])
    begin = min(slices)
    at: list[int | None] = [*gates] if gates else [None] * len(slices)
    return [
        Attributes(
            content,
            {
                "PlanePositionSequence": [
                    {"ImagePositionPatient": (first + (number - begin) * step * normal).tolist()}
                ],
                "PlaneOrientationSequence": [{"ImageOrientationPatient": orientation.tolist()}],
                "FrameContentSequence": [{"TemporalPositionIndex": gate}],
            },
        )
        for number, gate in zip(slices, at, strict=True)
    ]


def _vector(header: Header, name: str) -> list[int] | None:
    """Return a number for each frame; None where the file has none, or another count of them."""
    value = header.content.get(name)
    if value is None:
        return None
    numbers = [int(one) for one in (value if hasattr(value, "__len__") else [value])]
    return numbers if len(numbers) == header.frames else None


def _dose_positions(first: Any, orientation: Any, offsets: Any) -> Any:
    """Return the place of each frame: offsets from the first along the normal, or places towards the head."""
    normal = np.cross(orientation[:3], orientation[3:])
    axial = abs(abs(normal[2]) - 1) < 1e-6
    if axial and offsets[0] != 0 and abs(offsets[0] - first[2]) < 1e-3:
        return [[*first[:2], place] for place in offsets]
    return (first + offsets[:, None] * normal).tolist()


def concatenation_of(header: Header) -> Concatenation | None:
    """Return which part of a divided object a file is; None for one that is whole."""
    uid = header.text("ConcatenationUID")
    numbers = (int(header.content.get(f"InConcatenation{name}") or 0) for name in ("Number", "TotalNumber"))
    return Concatenation(uid, *numbers) if uid else None


def traits_of(header: Header, told: Attributes) -> dict[str, Any]:
    """Return what may tell a frame apart from others, by name; numbers, or words to show."""
    found: dict[str, Any] = {"stack": str(told.of_group("FrameContentSequence", "StackID") or "")}
    for name, groups, attribute, unit in _TRAITS:
        values = (told.of_group(group, attribute) for group in groups)
        value = next((one for one in values if one is not None), None)
        if value is not None:
            found[name] = _word(value, unit)
    found |= _dimensions(header, told)
    offset = told.of_group("TemporalPositionSequence", "TemporalPositionTimeOffset")
    if offset is not None:
        found["seconds"] = float(offset)
    return found


def _word(value: Any, unit: str) -> Any:
    if hasattr(value, "__len__") and not isinstance(value, str) and len(value) and hasattr(value[0], "get"):
        value = value[0].get("DiffusionGradientOrientation") or ()
    if isinstance(value, str):
        return value
    if hasattr(value, "__len__"):
        return " ".join(one if isinstance(one, str) else f"{float(one):.4g}" for one in value)
    return float(value) if not unit else f"{float(value):.5g} {unit}"


def _dimensions(header: Header, told: Attributes) -> dict[str, Any]:
    """Return the frame's index along dimensions that are no place, as ``dimension 1``."""
    index = told.of_group("FrameContentSequence", "DimensionIndexValues")
    if index is None:
        return {}
    values = index if hasattr(index, "__len__") else [index]
    pointers = [
        int(one.get("DimensionIndexPointer") or 0) for one in header.content.get("DimensionIndexSequence") or ()
    ]
    return {
        f"dimension {number}": int(value)
        for number, (value, pointer) in enumerate(zip(values, pointers, strict=False), start=1)
        if pointer not in _OF_PLACE
    }
