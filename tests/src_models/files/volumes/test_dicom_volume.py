"""Scans of DICOM slices: order, place and values by what the files say; and what is refused."""

import shutil

import dask.array as da
import nibabel as nib
import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
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


def packaged(name):
    path = get_testdata_file(name, download=False)
    if path is None:
        pytest.skip(f"this pydicom comes without its test file {name}")
    return path


def change(path, **fields):
    """Change attributes of a file; None removes one."""
    one = pydicom.dcmread(path)
    for name, value in fields.items():
        if value is None:
            delattr(one, name)
        else:
            setattr(one, name, value)
    one.save_as(path)


def shift(path, *offset):
    position = pydicom.dcmread(path).ImagePositionPatient
    change(path, ImagePositionPatient=[p + o for p, o in zip(position, offset, strict=True)])


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
    assert volume.reading.describe() == "Z=4, Y=3, X=5, 1 channel, 2.5 x 0.75 x 0.5 mm"
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


def test_places_that_a_scanner_rounded_are_even(tmp_path, write_series, stored):
    paths = write_series(tmp_path / "scan", stored, step=(0, 0, 0.7))
    shift(paths[1], 0, 0, 0.05)
    assert read_dicom(tmp_path / "scan").geometry.spacing[0] == pytest.approx(0.7)


def test_files_that_are_no_slices_are_left_out(tmp_path, write_series, stored):
    folder = tmp_path / "scan"
    write_series(folder, stored)
    (folder / "README.txt").write_text("a scan")
    (folder / ".hidden").write_bytes(b"\0" * 200)
    (folder / "empty.dcm").touch()
    (folder / "more").mkdir()
    shutil.copy(packaged("rtplan.dcm"), folder / "plan.dcm")
    shutil.copy(packaged("test-SR.dcm"), folder / "report.dcm")
    shutil.copy(packaged("SC_rgb_rle_2frame.dcm"), folder / "screenshots.dcm")
    shutil.copy(packaged("dicomdirtests/DICOMDIR"), folder / "DICOMDIR")
    np.testing.assert_array_equal(np.asarray(read_dicom(folder).data), stored.astype(int) - 1024)


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


@pytest.mark.parametrize("name", ["MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm"])
def test_other_encodings_give_the_same_values(tmp_path, name):
    for source, folder in (("MR_small.dcm", "plain"), (name, "other")):
        (tmp_path / folder).mkdir()
        shutil.copy(packaged(source), tmp_path / folder)
    plain, other = (np.asarray(read_dicom(tmp_path / folder).data) for folder in ("plain", "other"))
    np.testing.assert_array_equal(other, plain)
    assert np.ptp(plain) > 100


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


# What is refused


def test_several_series_are_listed_and_one_is_opened_by_a_file_of_it(tmp_path, write_series, stored):
    folder = tmp_path / "scans"
    write_series(folder, stored, series="1.2.3", SeriesDescription="Lung")
    write_series(folder, stored[:2] + 100, series="1.2.4", prefix="B", SeriesDescription="Scout", Modality="CT")
    with pytest.raises(ImageError) as refused:
        read_dicom(folder)
    message = str(refused.value)
    assert message.startswith(f"{folder}: it holds 2 series; open one file of the series you want")
    assert "IM0000.dcm is of 'Lung' (CT, 4 slices, UID 1.2.3)" in message
    assert "B0000.dcm is of 'Scout' (CT, 2 slices, UID 1.2.4)" in message
    np.testing.assert_array_equal(np.asarray(read_dicom(folder / "B0001.dcm").data), stored[:2].astype(int) - 924)
    assert read_dicom(folder / "IM0002.dcm").data.shape == SHAPE


def slice_missing(folder, paths):
    paths[2].unlink()
    return r"1 slice is missing between IM0001.dcm \(42.50 mm\) and IM0003.dcm \(47.50 mm\): they are 5 mm apart"


def two_missing(folder, paths):
    paths[3].unlink()
    paths[4].unlink()
    return r"2 slices are missing between IM0002.dcm .* they are 7.5 mm apart, others 2.5 mm"


def uneven(folder, paths):
    shift(paths[-1], 0, 0, 0.6)
    return "slices are uneven between IM0004.dcm .* they are 3.1 mm apart, others 2.5 mm"


def copied(folder, paths):
    shutil.copy(paths[2], folder / "IM0002 (1).dcm")
    return r"IM0002 \(1\).dcm and IM0002.dcm are at the same place \(45.00 mm\); remove the copies"


def repeated(folder, paths):
    for path in paths:
        shutil.copy(path, folder / f"again_{path.name}")
    return "are at the same place .*, and so are 5 more; .* repeated scans into folders of their own"


def sideways(folder, paths):
    shift(paths[2], 3, 0, 0)
    return "IM0002.dcm is shifted sideways by 3 mm"


def other_size(folder, paths):
    change(paths[3], Rows=5, Columns=3)
    return r"IM0000.dcm and IM0003.dcm are .* different sizes \(3 x 5 and 5 x 3 pixels\)"


def other_orientation(folder, paths):
    change(paths[0], ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    return "different orientations; a localizer may be among the slices"


def other_pixel_size(folder, paths):
    change(paths[3], PixelSpacing=[0.75, 0.6])
    return r"different pixel sizes \(\(0.75, 0.5\) and \(0.75, 0.6\) mm\)"


def other_modality(folder, paths):
    change(paths[3], Modality="PT")
    return r"different modalities \(CT and PT\)"


def colours(folder, paths):
    change(paths[3], SamplesPerPixel=3, PhotometricInterpretation="RGB")
    return "IM0003.dcm: its pixels are colours"


def odd_bits(folder, paths):
    change(paths[3], BitsStored=20)
    return "IM0003.dcm: its pixels have 20 of 16 bits"


def skewed(folder, paths):
    change(paths[3], ImageOrientationPatient=[1, 0, 0, 0.5, 1, 0])
    return r"IM0003.dcm: its ImageOrientationPatient .* is no pair of directions at a right angle"


def no_pixel_size(folder, paths):
    change(paths[3], PixelSpacing=[0, 0.5])
    return "IM0003.dcm: its place or the size of its pixels"


def anonymous(folder, paths):
    change(paths[3], ImagePositionPatient=None)
    return "IM0003.dcm: it is a slice of a scan that lacks ImagePositionPatient; .* anonymous"


def cut_off(folder, paths):
    paths[3].write_bytes(paths[3].read_bytes()[:-6])
    return r"IM0003.dcm: the file is cut off \(\d+ bytes of pixels, and its header asks for 30\)"


def cut_off_without_types(folder, paths):
    one = pydicom.dcmread(paths[3])
    one.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    one.save_as(paths[3])
    return cut_off(folder, paths)


def cut_in_the_header(folder, paths):
    paths[3].write_bytes(paths[3].read_bytes()[:600])
    return "IM0003.dcm: .* cut off"


def no_number(folder, paths):
    content = paths[3].read_bytes()
    assert content.count(b"-120.5") == 1
    paths[3].write_bytes(content.replace(b"-120.5", b"-12x.5"))
    return "IM0003.dcm: the DICOM file is cut off or damaged"


def unreadable_compression(folder, paths):
    one = pydicom.dcmread(paths[3])
    one.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"  # MPEG2
    one.PixelData = pydicom.encaps.encapsulate([b"\0" * 30])
    one["PixelData"].VR = "OB"
    one.save_as(paths[3])
    return "IM0003.dcm: its pixels are compressed as MPEG2 .*, which is not read; convert the scan to NIfTI"


REFUSED = [
    slice_missing, two_missing, uneven, copied, repeated, sideways, other_size, other_orientation, other_pixel_size,
    other_modality, colours, odd_bits, skewed, no_pixel_size, anonymous, cut_off, cut_off_without_types,
    cut_in_the_header, no_number,
    unreadable_compression,
]  # fmt: skip


@pytest.mark.parametrize("damage", REFUSED, ids=lambda damage: damage.__name__.replace("_", " "))
def test_what_would_be_a_wrong_volume_is_refused_with_the_file_it_is_about(tmp_path, write_series, damage):
    stored = np.zeros((6, 3, 5), "uint16")
    paths = write_series(tmp_path / "scan", stored)
    words = damage(tmp_path / "scan", paths)
    with pytest.raises(ImageError, match=words) as refused:
        read_dicom(tmp_path / "scan")
    assert str(refused.value).startswith(str(tmp_path / "scan"))


@pytest.mark.parametrize(
    ("name", "package"),
    [("MR_small_jpeg_ls_lossless.dcm", "pylibjpeg-libjpeg"), ("MR_small_jp2klossless.dcm", "pylibjpeg-openjpeg")],
)
def test_compressed_pixels_without_a_decoder_say_what_to_install(tmp_path, monkeypatch, name, package):
    from pydicom.pixels.decoders.base import Decoder

    monkeypatch.setattr(Decoder, "is_available", property(lambda self: False))
    shutil.copy(packaged(name), tmp_path / "a.dcm")
    with pytest.raises(ImageError, match=rf"a\.dcm: .* compressed as JPEG.*\(pip install pylibjpeg {package}\)"):
        read_dicom(tmp_path)


def test_compressed_pixels_that_are_damaged_are_an_error_about_the_file(tmp_path):
    path = shutil.copy(packaged("MR_small_RLE.dcm"), tmp_path / "a.dcm")
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(ImageError, match=r"a\.dcm: .* cut off or damaged"):
        np.asarray(read_dicom(tmp_path).data)


def test_a_folder_without_slices_is_refused_with_what_is_there(tmp_path):
    with pytest.raises(ImageError, match="there is no such file or folder"):
        read_dicom(tmp_path / "none")
    with pytest.raises(ImageError, match="it holds no DICOM files; name the folder of a scan"):
        read_dicom(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    plan = shutil.copy(packaged("rtplan.dcm"), tmp_path / "b" / "plan.dcm")
    with pytest.raises(ImageError, match=r"folders in it do: name one of them, such as .*b$"):
        read_dicom(tmp_path)
    with pytest.raises(ImageError, match=r"none of its 1 DICOM files is a slice of a scan \(plan\.dcm is of another"):
        read_dicom(tmp_path / "b")
    with pytest.raises(ImageError, match=r"plan\.dcm: it is no slice of a scan: it is of another kind \(RTPLAN\)"):
        read_dicom(plan)
    (tmp_path / "text.dcm").write_text("text")
    with pytest.raises(ImageError, match="its content is no DICOM"):
        read_dicom(tmp_path / "text.dcm")
