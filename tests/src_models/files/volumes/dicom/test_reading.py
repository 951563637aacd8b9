"""What a DICOM file says of its slice: place, size, type, and whether it is one."""

import re

import numpy as np
import pydicom
import pytest
from dicom_files import change, packaged, slice_in
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from src_models.errors import ImageError
from src_models.files.volumes.dicom.slices import NoSlice, Slice
from src_models.files.volumes.rescaling import Rescaling

STORED = np.arange(15, dtype="uint16").reshape(1, 3, 5)


@pytest.fixture
def path(tmp_path, write_series):
    (one,) = write_series(tmp_path / "scan", STORED, series="1.2.3", SeriesDescription="Lung")
    return one


def test_all_that_is_needed_is_read(path):
    one = slice_in(path)
    assert isinstance(one, Slice)
    assert (one.series, one.description, one.modality) == ("1.2.3", "Lung", "CT")
    assert (one.shape, one.spacing, one.thickness, one.step, one.pixels.samples) == ((3, 5), (0.75, 0.5), 3.0, 3.0, 1)
    assert (one.padding, one.localizer, one.remarks) == (None, False, ())
    assert one.position.tolist() == [-120.5, -90.25, 40]
    assert (one.across.tolist(), one.down.tolist(), one.normal.tolist()) == ([1, 0, 0], [0, 1, 0], [0, 0, 1])
    assert one.rescaling == Rescaling(1, -1024)
    assert (one.pixels.stored_type, one.pixels.size) == (np.dtype("uint16"), 30)


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm"])
def test_a_real_scanners_file_is_read_as_pydicom_reads_it(name):
    header = pydicom.dcmread(packaged(name))
    one = slice_in(packaged(name))
    assert one.shape == header.pixel_array.shape
    np.testing.assert_allclose(one.position, header.ImagePositionPatient)
    np.testing.assert_allclose(one.spacing, header.PixelSpacing)
    assert one.pixels.stored_type == header.pixel_array.dtype.newbyteorder("=")
    assert one.pixels.size >= len(header.PixelData)
    low, high = one.pixels.stored_limits
    assert low <= header.pixel_array.min() <= header.pixel_array.max() <= high


@settings(max_examples=20, deadline=None)
@given(angles=st.tuples(*[st.floats(-180, 180)] * 3), length=st.floats(0.999, 1.001))
def test_directions_that_were_rounded_have_the_length_1_and_a_normal(tmp_path_factory, write_series, angles, length):
    axes = Rotation.from_euler("xyz", angles, degrees=True).as_matrix()
    folder = tmp_path_factory.mktemp("slices")
    (path,) = write_series(folder, STORED, orientation=(*axes[0] * length, *axes[1] * length))
    one = slice_in(path)
    np.testing.assert_allclose([one.across, one.down, one.normal], axes, atol=1e-6)
    assert np.linalg.norm(one.across) == pytest.approx(1)


@pytest.mark.parametrize(
    ("bits", "signed", "limits"), [(12, 0, (0, 4095)), (16, 0, (0, 65535)), (12, 1, (-2048, 2047)), (8, 1, (-128, 127))]
)
def test_numbers_lie_within_the_bits_that_are_stored(path, bits, signed, limits):
    change(path, BitsStored=bits, PixelRepresentation=signed)
    one = slice_in(path)
    assert one.pixels.stored_limits == limits
    assert one.pixels.stored_type == np.dtype("i2" if signed else "u2")


def test_the_distance_of_slices_counts_before_their_thickness(path):
    change(path, SpacingBetweenSlices=-2)  # the sign says which way they were scanned
    assert (slice_in(path).step, slice_in(path).thickness) == (2, 3)
    change(path, SpacingBetweenSlices=None, SliceThickness=None)
    assert (slice_in(path).step, slice_in(path).thickness) == (1, None)


def test_without_a_slope_values_are_as_stored(path):
    change(path, RescaleSlope=None, RescaleIntercept=None)
    assert slice_in(path).rescaling == Rescaling()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("rtplan.dcm", r"is of another kind \(RTPLAN\)"),
        ("test-SR.dcm", r"is of another kind \(SR\)"),
        ("SC_rgb_rle_2frame.dcm", "holds many frames without saying where"),
    ],
)
def test_what_is_no_slice_says_what_it_is(name, reason):
    found = slice_in(packaged(name))
    assert isinstance(found, NoSlice)
    assert re.search(reason, found.reason)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ImagePositionPatient": None}, "lacks ImagePositionPatient"),
        ({"PixelSpacing": None, "ImageOrientationPatient": None}, "lacks ImageOrientationPatient, PixelSpacing"),
        ({"PixelSpacing": [0, 0.5]}, "the size of its pixels is no number that can be"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "no pair of directions at a right angle"),
        ({"ImageOrientationPatient": [0, 0, 0, 0, 1, 0]}, "no pair of directions at a right angle"),
    ],
)
def test_a_slice_that_does_not_say_where_it_is_is_refused_by_its_file(path, fields, words):
    change(path, **fields)
    with pytest.raises(ImageError, match=words) as told:
        slice_in(path)
    assert str(told.value).startswith(str(path))


@pytest.mark.parametrize("slope", [0, "0.0"])
def test_a_slope_of_zero_is_taken_for_one_and_remarked(path, slope):
    change(path, RescaleSlope=slope)
    one = slice_in(path)
    assert one.rescaling == Rescaling(1, -1024)
    assert [remark.partition(",")[0] for remark in one.remarks] == ["its RescaleSlope is 0"]


def test_a_slope_that_is_no_number_is_refused(path):
    change(path, RescaleSlope="1e400")
    with pytest.raises(ImageError, match="its RescaleSlope or RescaleIntercept is no number that can be"):
        slice_in(path)


@pytest.mark.parametrize(
    ("signed", "fields", "expected"),
    [
        pytest.param(0, {"PixelPaddingValue": 4000}, (4000, 4000), id="one value"),
        pytest.param(1, {"PixelPaddingValue": -2000}, (-2000, -2000), id="signed"),
        pytest.param(
            0, {"PixelPaddingValue": 4000, "PixelPaddingRangeLimit": 65535}, (4000, 65535), id="a range upwards"
        ),
        pytest.param(1, {"PixelPaddingValue": -1000, "PixelPaddingRangeLimit": -2000}, (-2000, -1000), id="downwards"),
        pytest.param(0, {"PixelPaddingRangeLimit": 3}, None, id="a limit alone says nothing"),
    ],
)
@pytest.mark.parametrize("syntax", ["ExplicitVRLittleEndian", "ImplicitVRLittleEndian"])
def test_padding_is_a_range_of_stored_numbers(path, signed, fields, expected, syntax):
    one = pydicom.dcmread(path)
    one.PixelRepresentation = signed
    for name, value in fields.items():
        one.add_new(name, "SS" if signed else "US", value)
    one.file_meta.TransferSyntaxUID = getattr(pydicom.uid, syntax)
    one.save_as(path, implicit_vr=syntax.startswith("Implicit"), little_endian=True)
    assert slice_in(path).padding == expected


def test_padding_of_the_other_sign_is_brought_to_that_of_the_pixels(path):
    one = pydicom.dcmread(path)
    one.PixelRepresentation = 1
    one.add_new("PixelPaddingValue", "US", 63536)
    one.save_as(path)
    assert slice_in(path).padding == (-2000, -2000)


def test_a_localizer_says_so(path):
    change(path, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    assert slice_in(path).localizer
    change(path, ImageType=["ORIGINAL", "PRIMARY", "AXIAL"])
    assert not slice_in(path).localizer


def test_a_directory_is_no_slice_that_anybody_misses():
    found = slice_in(packaged("dicomdirtests/DICOMDIR"))
    assert isinstance(found, NoSlice)
    assert found.expected
