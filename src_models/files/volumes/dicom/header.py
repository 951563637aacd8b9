"""The header of a DICOM file: the attributes that a scan needs, whichever frame they are of, and where its pixels are.

A file of many frames says what differs between them in functional groups, one for each frame, and what does not in
groups that they share (PS3.3, C.7.6.16); an older file says all of it once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from src_models.files.volumes.dicom.encoding import DEFLATED, IMPLICIT, transfer_syntax
from src_models.files.volumes.dicom.pixels import StoredPixels

__all__ = ["Attributes", "Header", "read_header"]

_TAGS: Any = [
    "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "Modality", "SeriesInstanceUID", "SeriesDescription",
    "SliceThickness", "SpacingBetweenSlices", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows",
    "Columns", "SamplesPerPixel", "NumberOfFrames", "BitsAllocated", "BitsStored", "PixelRepresentation",
    "PhotometricInterpretation", "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "ImageType",
    # values
    "RescaleSlope", "RescaleIntercept", "RescaleType", "PixelPaddingValue", "PixelPaddingRangeLimit",
    "RealWorldValueMappingSequence", "DoseGridScaling", "DoseUnits",
    # PET
    "Units", "SUVType", "CorrectedImage", "DecayCorrection", "DecayCorrected", "DecayCorrectionDateTime",
    "PatientWeight", "SeriesDate", "SeriesTime", "AcquisitionDate", "AcquisitionTime", "FrameReferenceTime",
    "ActualFrameDuration", "RadiopharmaceuticalInformationSequence", 0x70530010, 0x70531000, 0x70531009,
    # slices at one place
    "TemporalPositionIdentifier", "TemporalResolution", "TriggerTime", "AcquisitionNumber", "AcquisitionDateTime",
    "InstanceNumber", "EchoTime", "InversionTime", "DiffusionBValue", "DiffusionGradientOrientation",
    # frames
    "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence", "DimensionIndexSequence",
    "GridFrameOffsetVector", "ConcatenationUID", "InConcatenationNumber", "InConcatenationTotalNumber",
    # frames of nuclear medicine
    "DetectorInformationSequence", "SliceVector", "TimeSlotVector", "EnergyWindowVector", "DetectorVector",
    "PhaseVector", "RotationVector", "RRIntervalVector", "AngularViewVector", "TimeSliceVector",
]  # fmt: skip
_HEAD = 12  # bytes of an element before its value, at the most (PS3.5, 7.1.2 and 7.1.3)
_IMPLICIT_HEAD = 8
# FloatPixelData and DoubleFloatPixelData, in both orders of bytes.
_FRACTIONS = {bytes.fromhex(tag) for tag in ("e07f0800", "7fe00008", "e07f0900", "7fe00009")}

# In which functional group an attribute of a frame stands.
_GROUPS = {
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    **dict.fromkeys(("PixelSpacing", "SliceThickness", "SpacingBetweenSlices"), "PixelMeasuresSequence"),
    **dict.fromkeys(("RescaleSlope", "RescaleIntercept", "RescaleType"), "PixelValueTransformationSequence"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Attributes:
    """The attributes of a slice: those of its frame, else those that frames share, else those of the file.

    Parameters
    ----------
    content
        The data set of the file.
    own, shared
        The functional groups of the frame, and of all frames; empty for a file that has none.
    """

    content: Any
    own: Any = field(default_factory=dict)
    shared: Any = field(default_factory=dict)

    def get(self, name: str) -> Any:
        """Return the value of an attribute; None where it is not there or empty."""
        group = _GROUPS.get(name, name if name.endswith("MappingSequence") else "")
        if group:
            for place in (self.own, self.shared):
                found = place.get(group)
                value = found if group == name else found[0].get(name) if found else None
                if value is not None and value != "":
                    return value
        value = self.content.get(name)
        return None if value == "" else value

    def of_group(self, group: str, name: str) -> Any:
        """Return the value of an attribute in a functional group; None where it is not there or empty."""
        for place in (self.own, self.shared):
            found = place.get(group)
            value = found[0].get(name) if found else None
            if value is not None and value != "":
                return value
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """What a file says before its pixels.

    Parameters
    ----------
    path
        The file.
    content
        The data set, of the attributes that are needed.
    syntax
        How it is encoded, a UID.
    begin, size
        The byte at which pixels begin, and the bytes from there to the end of the file.
    fractions
        Whether the pixels are FloatPixelData or DoubleFloatPixelData.
    remarks
        What a person should know of how it was read.
    """

    path: Path
    content: Any
    syntax: str
    begin: int
    size: int
    fractions: bool
    remarks: tuple[str, ...]

    @property
    def frames(self) -> int:
        """How many frames the file has."""
        return int(self.content.get("NumberOfFrames") or 1)

    def text(self, name: str) -> str:
        """Return an attribute as text; empty where it is not there."""
        return str(self.content.get(name, "") or "")

    def pixels(self) -> StoredPixels:
        """Return where the pixels are."""
        content = self.content
        allocated = int(content.get("BitsAllocated") or 16)
        table = content.get("ExtendedOffsetTable"), content.get("ExtendedOffsetTableLengths")
        return StoredPixels(
            path=self.path,
            transfer_syntax=self.syntax,
            begin=self.begin,
            size=self.size,
            shape=(int(content.Rows), int(content.Columns)),
            frames=self.frames,
            samples=int(content.get("SamplesPerPixel") or 1),
            bits_allocated=allocated,
            bits_stored=int(content.get("BitsStored") or allocated),
            signed=bool(content.get("PixelRepresentation")),
            photometric=str(content.get("PhotometricInterpretation") or "MONOCHROME2"),
            fractions=self.fractions,
            offsets=(table[0], table[1]) if all(table) else None,
        )


def read_header(path: Path) -> Header:
    """Read the header of a DICOM file.

    Raises
    ------
    ImageError
        If its pixels are compressed and it does not say how. Whatever else is wrong, pydicom raises in its own words.
    """
    import pydicom

    with path.open("rb") as file:
        content = pydicom.dcmread(file, stop_before_pixels=True, specific_tags=_TAGS, force=True)
        begin = file.tell()
        head = file.read(_HEAD)
    syntax, remark = transfer_syntax(path, content, head)
    begin += _IMPLICIT_HEAD if syntax == IMPLICIT else _HEAD
    size = _deflated_bytes(path) if syntax == DEFLATED else path.stat().st_size - begin
    fractions = syntax != DEFLATED and head[:4] in _FRACTIONS
    return Header(path, content, syntax, begin, size, fractions, (remark,) if remark else ())


def _deflated_bytes(path: Path) -> int:
    """Return how many bytes the pixels have in a file that is compressed as a whole (PS3.5, A.5)."""
    import pydicom

    return len(pydicom.dcmread(path, specific_tags=["PixelData"]).get("PixelData", b""))
