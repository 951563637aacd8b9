"""Scans of DICOM slices: order, place and values by what the files say; and what is refused."""

import shutil

import dask.array as da
import nibabel as nib
import numpy as np
import pydicom
import pytest
from dicom_files import change, packaged
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from src_models.errors import ImageError
from src_models.files.volumes.dicom_volume import read_dicom
from src_models.files.volumes.nifti import read_nifti
from src_models.files.volumes.nifti_labels import write_nifti_labels

SHAPE = (4, 3, 5)  # slices, rows, columns


@pytest.fixture
def stored():
    """Stored numbers that tell which voxel they are."""
    return np.arange(60, dtype="uint16").reshape(SHAPE)


def place_by_the_standard(one, row, column):
    """PS3.3, equation C.7.6.2.1-1: left, posterior and superior of a pixel."""
    position, orientation = (np.array(v, float) for v in (one.ImagePositionPatient, one.ImageOrientationPatient))
    down, across = one.PixelSpacing
    return position + orientation[:3] * across * column + orientation[3:] * down * row


# Order, place and values


def test_slices_are_in_order_of_their_places_whatever_they_are_called(tmp_path, write_series, stored):
    for number, path in enumerate(write_series(tmp_path / "scan", stored)):
        path.rename(tmp_path / "scan" / ("cabd"[number]))
    volume = read_dicom(tmp_path / "scan")
    np.testing.assert_array_equal(np.asarray(volume.data), stored.astype(int) - 1024)
    assert volume.data.dtype == np.int16
    assert volume.reading.describe() == "Z=4, Y=3, X=5, 1 channel, 2.5 x 0.75 x 0.5 mm, values in HU"
    np.testing.assert_array_equal(volume.geometry.affine[:3, 3], (40, -90.25, -120.5))
    assert volume.modality == "CT"


@settings(max_examples=12)
@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    spacing=st.tuples(*[st.floats(0.3, 4)] * 2),
    distance=st.floats(0.5, 5),
    tilt=st.floats(-0.4, 0.4),
    backwards=st.booleans(),
)
def test_every_pixel_lies_where_the_standard_puts_it(
    tmp_path_factory, write_series, angles, spacing, distance, tilt, backwards
):
    axes = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    stored = np.arange(60, dtype="uint16").reshape(SHAPE)
    folder = tmp_path_factory.mktemp("scans") / "scan"
    paths = write_series(
        folder,
        stored,
        step=(axes[2] + tilt * axes[1]) * distance * (-1 if backwards else 1),
        orientation=(*axes[0], *axes[1]),
        spacing=spacing,
        rescaling=((1, 0),),
    )
    headers = [pydicom.dcmread(path) for path in paths]
    volume = read_dicom(folder)
    data = np.asarray(volume.data)
    assert sorted(data.flat) == list(range(60))
    for place in np.ndindex(data.shape):
        number, row, column = np.unravel_index(data[place], SHAPE)
        left, posterior, superior = place_by_the_standard(headers[number], row, column)
        ours = (volume.geometry.affine @ [*place, 1])[:3]
        np.testing.assert_allclose(ours, (superior, posterior, left), atol=1e-6)


def test_a_tilted_gantry_is_a_shear_in_the_affine(tmp_path, write_series, stored):
    tilt = np.radians(15)
    down = (0, np.cos(tilt), np.sin(tilt))
    write_series(tmp_path / "scan", stored, step=(0, 0, 2), orientation=(1, 0, 0, *down))
    geometry = read_dicom(tmp_path / "scan").geometry
    np.testing.assert_allclose(geometry.spacing, (2, 0.75, 0.5))
    cosine = geometry.directions[:3, 0] @ geometry.directions[:3, 1]
    assert cosine == pytest.approx(np.sin(tilt))


def test_a_nifti_of_the_same_scan_lies_on_it(tmp_path, write_series, stored):
    write_series(tmp_path / "scan", stored)
    dicom = read_dicom(tmp_path / "scan")
    affine = [[-0.5, 0, 0, 120.5], [0, -0.75, 0, 90.25], [0, 0, 2.5, 40], [0, 0, 0, 1]]  # i to the left, j to the back
    nib.save(nib.Nifti1Image((stored.T.astype("int16") - 1024), np.array(affine)), tmp_path / "scan.nii.gz")
    nifti = read_nifti(tmp_path / "scan.nii.gz")
    np.testing.assert_allclose(nifti.geometry.affine, dicom.geometry.affine, atol=1e-6)
    np.testing.assert_array_equal(nifti.data, np.asarray(dicom.data))


@pytest.mark.parametrize(
    ("dtype", "rescaling", "expected"),
    [
        pytest.param("uint16", ((1, -1024),), "int16", id="HU of 12 bits"),
        pytest.param("int16", ((1, -1024),), "int32", id="HU of 16 bits"),
        pytest.param("int16", ((1, 0),), "int16", id="HU as stored"),
        pytest.param("uint8", ((2, 1), (3, -1)), "int16", id="each slice its own"),
        pytest.param("uint16", ((0.25, -3.5),), "float32", id="fractions"),
        pytest.param("uint16", ((1, 0), (0.25, 0)), "float32", id="fractions in some slices"),
    ],
)
def test_values_are_those_that_are_meant(tmp_path, write_series, dtype, rescaling, expected):
    limit = 4095 if dtype == "uint16" else np.iinfo(dtype).max
    stored = np.random.default_rng(0).integers(0, limit, SHAPE, endpoint=True).astype(dtype)
    stored[0, 0, 0] = limit
    write_series(tmp_path / "scan", stored, rescaling=rescaling)
    data = read_dicom(tmp_path / "scan").data
    assert data.dtype == np.dtype(expected)
    slopes, intercepts = np.array([rescaling[number % len(rescaling)] for number in range(4)]).T[:, :, None, None]
    np.testing.assert_array_equal(np.asarray(data), stored * slopes + intercepts)


def test_a_slice_is_read_when_it_is_looked_at(tmp_path, write_series, stored):
    paths = write_series(tmp_path / "scan", stored)
    volume = read_dicom(tmp_path / "scan")
    assert isinstance(volume.data, da.Array)
    for path in (paths[0], paths[1], paths[3]):
        path.unlink()
    np.testing.assert_array_equal(np.asarray(volume.data[2]), stored[2].astype(int) - 1024)
    with pytest.raises(ImageError, match=r"IM0001\.dcm: the pixels are cut off or damaged"):
        np.asarray(volume.data[1])


def test_a_slice_alone_is_as_thick_as_it_says(tmp_path, write_series, stored):
    write_series(tmp_path / "scan", stored[:1])
    volume = read_dicom(tmp_path / "scan")
    assert volume.geometry.spacing == (3, 0.75, 0.5)
    change(tmp_path / "scan" / "IM0000.dcm", SpacingBetweenSlices=2)
    assert read_dicom(tmp_path / "scan").geometry.spacing == (2, 0.75, 0.5)


def test_another_modality_is_read_as_it_is(tmp_path, write_series, stored):
    write_series(tmp_path / "scan", stored, rescaling=((1, 0),), Modality="MR")
    volume = read_dicom(tmp_path / "scan")
    assert volume.modality == "MR"
    np.testing.assert_array_equal(np.asarray(volume.data), stored)


def test_a_scan_of_a_real_scanner_is_read(tmp_path):
    path = shutil.copy(packaged("CT_small.dcm"), tmp_path)
    volume = read_dicom(tmp_path)
    one = pydicom.dcmread(path)
    np.testing.assert_array_equal(np.asarray(volume.data[0]), one.pixel_array.astype(int) - 1024)
    assert volume.geometry.spacing == (5, 0.661468, 0.661468)
    left, posterior, superior = place_by_the_standard(one, 7, 9)
    np.testing.assert_allclose((volume.geometry.affine @ [0, 7, 9, 1])[:3], (superior, posterior, left), atol=1e-9)


@pytest.mark.parametrize("tilt", [0.0, 0.3])
def test_labels_go_to_a_nifti_that_lies_on_the_slices(tmp_path, write_series, stored, tilt):
    paths = write_series(tmp_path / "scan", stored, step=(0, tilt, 2.5), rescaling=((1, 0),))
    volume = read_dicom(tmp_path / "scan")
    labels = np.asarray(volume.data) % 7
    image = nib.load(write_nifti_labels(tmp_path / "labels.nii.gz", labels, volume.geometry))
    written = np.asarray(image.dataobj)
    for number, path in enumerate(paths):
        left, posterior, superior = place_by_the_standard(pydicom.dcmread(path), 2, 4)
        voxel = np.linalg.inv(image.affine) @ (-left, -posterior, superior, 1)
        np.testing.assert_allclose(voxel, np.round(voxel), atol=1e-4)
        assert written[tuple(np.round(voxel[:3]).astype(int))] == stored[number, 2, 4] % 7


# Slices at uneven distances, and values that are no tissue


def test_uneven_slices_are_resampled_linearly(tmp_path, write_series):
    places = np.array([0, 2, 4, 5, 7, 11])
    ramp = np.arange(15).reshape(3, 5)
    stored = (100 * places[:, None, None] + ramp).astype("uint16")  # linear towards the head: exact by any such way
    write_series(tmp_path / "scan", stored, first=(0, 0, 0), places=places)
    with pytest.raises(ImageError, match="--uneven resample"):
        read_dicom(tmp_path / "scan")
    volume = read_dicom(tmp_path / "scan", uneven="resample")
    data = np.asarray(volume.data)
    assert data.dtype == np.int16
    heights = volume.geometry.affine[0, 3] + volume.geometry.spacing[0] * np.arange(len(data))
    np.testing.assert_allclose(heights[[0, -1]], (0, 11))
    np.testing.assert_allclose(data, 100 * heights[:, None, None] + ramp - 1024, atol=0.5)  # whole numbers
    assert "resampled from 6 slices" in volume.notes[0]


def test_slices_at_the_even_places_are_kept_as_they_are(tmp_path, write_series):
    stored = np.random.default_rng(0).integers(0, 4000, (5, 3, 5)).astype("uint16")
    write_series(tmp_path / "scan", stored, places=(0, 2.5, 5, 10, 15))
    data = np.asarray(read_dicom(tmp_path / "scan", uneven="resample").data)
    np.testing.assert_array_equal(data[[0, 1, 2, 4, 6]], stored.astype(int) - 1024)
    np.testing.assert_allclose(data[3], (stored[2].astype(int) + stored[3]) / 2 - 1024, atol=0.5)


def test_labels_of_a_resampled_scan_lie_at_its_even_places(tmp_path, write_series):
    stored = np.zeros((4, 3, 5), "uint16")
    write_series(tmp_path / "scan", stored, places=(0, 1, 2, 4))
    volume = read_dicom(tmp_path / "scan", uneven="resample")
    labels = np.zeros(volume.data.shape, np.uint8)
    labels[3] = 7
    image = nib.load(write_nifti_labels(tmp_path / "labels.nii.gz", labels, volume.geometry))
    places = [(image.affine @ [*voxel, 1])[2] for voxel in np.argwhere(np.asarray(image.dataobj) == 7)]
    assert len(places) == 15
    np.testing.assert_allclose(places, 3)


@pytest.mark.parametrize(
    ("rescaling", "expected"),
    [
        (((1, -1024),), ((2976.0, 3076.0),)),
        (((0.1, 0.0),), ((float(np.float32(400)), float(np.float32(410))),)),
        (((1, 0), (2, 0)), ((4000.0, 4100.0), (8000.0, 8200.0))),
    ],
)
def test_padding_is_told_in_the_values_that_are_read(tmp_path, write_series, stored, rescaling, expected):
    stored[:, 0, 0] = 4050
    paths = write_series(tmp_path / "scan", stored, rescaling=rescaling)
    for path in paths:
        one = pydicom.dcmread(path)
        one.add_new("PixelPaddingValue", "US", 4000)
        one.add_new("PixelPaddingRangeLimit", "US", 4100)
        one.save_as(path)
    volume = read_dicom(tmp_path / "scan")
    np.testing.assert_allclose(volume.reading.padding, expected)
    values = np.asarray(volume.data)
    inside = np.any([(values >= low) & (values <= high) for low, high in volume.reading.padding], axis=0)
    np.testing.assert_array_equal(inside, stored == 4050)


def test_the_modality_goes_with_the_reading(tmp_path, write_series, stored):
    write_series(tmp_path / "ct", stored)
    write_series(tmp_path / "mr", stored, Modality="MR")
    write_series(tmp_path / "unsaid", stored, Modality="")
    read = {name: read_dicom(tmp_path / name).reading.modality for name in ("ct", "mr", "unsaid")}
    assert read == {"ct": "CT", "mr": "MR", "unsaid": None}
