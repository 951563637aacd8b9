"""DICOM scans, written slice by slice with pydicom."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture(scope="session")
def write_series():
    """Return a function that writes a series of slices and returns their files in the order of the slices."""
    return _write_series


@pytest.fixture(scope="session")
def write_frames():
    """Return a function that writes a file of many frames, with functional groups."""
    return _write_frames


def _write_frames(
    path,
    values,
    frames,
    *,
    modality="CT",
    orientation=(1, 0, 0, 0, 1, 0),
    spacing=(0.75, 0.5),
    rescaling=(1, -1024),
    dimensions=(),
    syntax=None,
    **fields,
):
    """Write `values` (frame, row, column), which are the stored numbers.

    Each of `frames` has its `position` (mm; left, posterior, superior), and may have an `orientation`, `spacing` and
    `rescaling` of its own, a `stack`, `time`, `seconds`, `echo`, `b`, `direction`, `trigger`, `index` along
    `dimensions` (their pointers), and `mapping`, a data set of real world values. What a frame lacks, all share.
    """
    from pydicom.dataset import Dataset
    from pydicom.uid import EnhancedCTImageStorage, EnhancedMRImageStorage, EnhancedPETImageStorage, generate_uid

    classes = {"CT": EnhancedCTImageStorage, "MR": EnhancedMRImageStorage, "PT": EnhancedPETImageStorage}
    one = _slice(np.ascontiguousarray(values[0]))
    one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID = classes[modality]
    one.Modality, one.NumberOfFrames = modality, len(values)
    one.SeriesInstanceUID = fields.pop("series", None) or generate_uid()
    del one.SliceThickness
    one.PixelData = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<")).tobytes()
    one.SharedFunctionalGroupsSequence = [_groups(orientation=orientation, spacing=spacing, rescaling=rescaling)]
    one.PerFrameFunctionalGroupsSequence = [_groups(**frame) for frame in frames]
    one.DimensionIndexSequence = []
    for pointer in dimensions:
        item = Dataset()
        item.DimensionIndexPointer = pointer
        one.DimensionIndexSequence.append(item)
    for name, value in fields.items():
        setattr(one, name, value)
    if syntax is not None:
        one.compress(syntax)
    path.parent.mkdir(parents=True, exist_ok=True)
    one.save_as(path, enforce_file_format=True)
    return path


def _groups(**told):
    """Return the functional groups of a frame."""
    from pydicom.dataset import Dataset

    groups = Dataset()

    def add(group, **values):
        if all(value is None for value in values.values()):
            return
        item = Dataset()
        for name, value in values.items():
            if value is not None:
                setattr(item, name, value)
        setattr(groups, group, [item])

    slope, intercept = told.get("rescaling") or (None, None)
    add("PlanePositionSequence", ImagePositionPatient=_decimals(told.get("position")))
    add("PlaneOrientationSequence", ImageOrientationPatient=_decimals(told.get("orientation")))
    add("PixelMeasuresSequence", PixelSpacing=_decimals(told.get("spacing")), SliceThickness=told.get("thickness"))
    add("PixelValueTransformationSequence", RescaleSlope=slope, RescaleIntercept=intercept)
    add(
        "FrameContentSequence",
        StackID=told.get("stack"),
        TemporalPositionIndex=told.get("time"),
        DimensionIndexValues=told.get("index"),
    )
    add("TemporalPositionSequence", TemporalPositionTimeOffset=told.get("seconds"))
    add("MREchoSequence", EffectiveEchoTime=told.get("echo"))
    add("CardiacSynchronizationSequence", NominalCardiacTriggerDelayTime=told.get("trigger"))
    if "b" in told:
        add("MRDiffusionSequence", DiffusionBValue=told["b"])
        if "direction" in told:
            turn = Dataset()
            turn.DiffusionGradientOrientation = list(told["direction"])
            groups.MRDiffusionSequence[0].DiffusionGradientDirectionSequence = [turn]
    if "mapping" in told:
        groups.RealWorldValueMappingSequence = [told["mapping"]]
    return groups


def _decimals(numbers):
    from pydicom.valuerep import format_number_as_ds

    return None if numbers is None else [format_number_as_ds(float(number)) for number in numbers]


def _write_series(
    folder,
    values,
    *,
    first=(-120.5, -90.25, 40.0),
    step=(0.0, 0.0, 2.5),
    orientation=(1, 0, 0, 0, 1, 0),
    spacing=(0.75, 0.5),
    rescaling=((1, -1024),),
    places=None,
    thickness=None,
    series=None,
    prefix="IM",
    **fields,
):
    """Write `values` (slice, row, column), which are the stored numbers, one file per slice.

    `step` goes from slice to slice (mm; left, posterior, superior); `rescaling` has slope and intercept for all slices
    or for each; `places` are those of the slices towards the head (mm), instead of even ones, and `thickness` is each
    slice's own; `fields` are further attributes of all slices.
    """
    from pydicom.uid import generate_uid
    from pydicom.valuerep import format_number_as_ds

    folder.mkdir(parents=True, exist_ok=True)
    series = series or generate_uid()
    paths = []
    for number, plane in enumerate(values):
        one = _slice(np.ascontiguousarray(plane))
        one.SeriesInstanceUID = series
        position = (start + number * offset for start, offset in zip(first, step, strict=True))
        if places is not None:
            position = (*first[:2], places[number])
        if thickness is not None:
            one.SliceThickness = thickness[number]
        one.ImagePositionPatient = [format_number_as_ds(float(place)) for place in position]
        one.ImageOrientationPatient = [format_number_as_ds(float(cosine)) for cosine in orientation]
        one.PixelSpacing = [format_number_as_ds(float(size)) for size in spacing]
        one.RescaleSlope, one.RescaleIntercept = rescaling[number % len(rescaling)]
        for name, value in fields.items():
            setattr(one, name, value)
        paths.append(folder / f"{prefix}{number:04d}.dcm")
        one.save_as(paths[-1], enforce_file_format=True)
    return paths


def _slice(plane):
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    one = Dataset()
    one.file_meta = FileMetaDataset()
    one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID = CTImageStorage
    one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID = generate_uid()
    one.Modality = "CT"
    one.SeriesDescription = "Abdomen 2.5"
    one.SliceThickness = 3
    one.Rows, one.Columns = plane.shape
    one.SamplesPerPixel, one.PhotometricInterpretation = 1, "MONOCHROME2"
    one.BitsAllocated = 8 * plane.dtype.itemsize
    one.BitsStored = 12 if plane.dtype == np.uint16 else one.BitsAllocated
    one.HighBit = one.BitsStored - 1
    one.PixelRepresentation = int(plane.dtype.kind == "i")
    one.PixelData = plane.astype(plane.dtype.newbyteorder("<")).tobytes()
    return one
