"""A study of DICOM slices that is oblique and anisotropic, its files named in no order; and structure sets on it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

from src_models.files.volumes.dicom_volume import read_dicom

SHAPE = (6, 7, 5)  # slices, rows, columns: frames of 35 bits end within a byte


def turned(degrees=(20.0, -35.0, 50.0)):
    """Return directions of a row, a column and the normal, turned about three axes."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        one, other = [number for number in range(3) if number != axis]
        turn = np.eye(3)
        turn[one, one] = turn[other, other] = np.cos(angle)
        turn[one, other], turn[other, one] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix[:, 0], matrix[:, 1], matrix[:, 2]


@pytest.fixture
def write_study(tmp_path, write_series):
    """Return a function that writes a series and opens it."""

    def write(name="scan", *, straight=False, **fields):
        across, down, normal = (np.eye(3)) if straight else turned()
        told = {
            "StudyInstanceUID": generate_uid(),
            "FrameOfReferenceUID": generate_uid(),
            "PatientName": "Müller^Jörg",
            "PatientID": "PAT-4711",
            "SpecificCharacterSet": "ISO_IR 100",
            "step": tuple(2.5 * normal),
            "orientation": (*across, *down),
            "spacing": (0.75, 0.5),
        } | fields
        values = np.random.default_rng(0).integers(0, 2000, SHAPE).astype(np.uint16)
        paths = write_series(tmp_path / name, values, **told)
        order = np.random.default_rng(1).permutation(len(paths))
        for number, path in zip(order, paths, strict=True):
            path.rename(path.with_name(f"x{number}.dcm"))
        return read_dicom(tmp_path / name)

    return write


@pytest.fixture
def study(write_study):
    return write_study()


@pytest.fixture
def some_labels(study):
    """Return labels with the numbers 2 and 5, and nothing in the first and the fourth slice of their data."""
    labels = np.zeros(study.geometry.shape, np.uint16)
    random = np.random.default_rng(2)
    for z in (1, 2, 4):
        labels[z] = random.choice([0, 0, 2, 5], labels.shape[1:])
    return labels


def points_of(labels, geometry, number):
    """Return the places (mm; left, posterior, superior) of the voxels with a number, in order."""
    at = np.argwhere(np.asarray(labels) == number)
    places = at @ geometry.affine[:3, :3].T + geometry.affine[:3, 3]
    return in_order(places[:, ::-1])


def in_order(places):
    places = np.round(np.asarray(places, dtype=float), 3) + 0.0
    return places[np.lexsort(places.T)]


@pytest.fixture
def places():
    """Return the places of voxels, to compare what two programs read."""
    return SimpleNamespace(of=points_of, in_order=in_order)


@pytest.fixture
def write_structures(tmp_path):
    """Return a function that writes a structure set: names, and for each its contours (N, 3) in mm."""

    def write(structures, *, series="", reference="", name="structures.dcm", folder=None, kinds=None, numbers=None):
        one = Dataset()
        one.file_meta = FileMetaDataset()
        one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        one.file_meta.MediaStorageSOPClassUID = one.SOPClassUID = RTStructureSetStorage
        one.file_meta.MediaStorageSOPInstanceUID = one.SOPInstanceUID = generate_uid()
        one.Modality, one.PatientName, one.SpecificCharacterSet = "RTSTRUCT", "Müller^Jörg", "ISO_IR 192"
        of_series, of_study, frame = Dataset(), Dataset(), Dataset()
        of_series.SeriesInstanceUID = series
        of_study.RTReferencedSeriesSequence = [of_series]
        frame.FrameOfReferenceUID, frame.RTReferencedStudySequence = reference, [of_study]
        one.ReferencedFrameOfReferenceSequence = [frame]
        one.StructureSetROISequence, one.ROIContourSequence = [], []
        for index, (label, contours) in enumerate(structures.items()):
            listed, drawn = Dataset(), Dataset()
            listed.ROINumber = drawn.ReferencedROINumber = numbers[index] if numbers else index + 1
            listed.ROIName, drawn.ROIDisplayColor = label, [255, 0, 51]
            drawn.ContourSequence = []
            for points in contours:
                contour = Dataset()
                contour.ContourGeometricType = (kinds or {}).get(label, "CLOSED_PLANAR")
                contour.NumberOfContourPoints = len(points)
                contour.ContourData = [f"{value:.6f}" for value in np.ravel(points)]
                drawn.ContourSequence.append(contour)
            one.StructureSetROISequence.append(listed)
            one.ROIContourSequence.append(drawn)
        path = (folder or tmp_path) / name
        one.save_as(path, enforce_file_format=True)
        return path

    return write
