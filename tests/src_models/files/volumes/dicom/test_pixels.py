"""The pixels of DICOM slices: what is read whatever the encoding, and what is refused."""

import shutil

import numpy as np
import pydicom
import pytest
from dicom_files import packaged
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.uid import RLELossless

from src_models.errors import ImageError
from src_models.files.volumes.dicom.header import read_header
from src_models.files.volumes.dicom.pixels import check_pixels, read_frame
from src_models.files.volumes.dicom.reading import read_slices
from src_models.files.volumes.dicom_volume import read_dicom


@pytest.mark.parametrize("name", ["MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm"])
def test_other_encodings_give_the_same_values(tmp_path, name):
    for source, folder in (("MR_small.dcm", "plain"), (name, "other")):
        (tmp_path / folder).mkdir()
        shutil.copy(packaged(source), tmp_path / folder)
    plain, other = (np.asarray(read_dicom(tmp_path / folder).data) for folder in ("plain", "other"))
    np.testing.assert_array_equal(other, plain)
    assert np.ptp(plain) > 100


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


@pytest.mark.parametrize("table", ["basic", "none", "extended"])
def test_a_compressed_frame_is_found_by_any_table_of_offsets(tmp_path, write_frames, table):
    values = np.random.default_rng(0).integers(0, 4000, (5, 6, 7)).astype("uint16")
    frames = [{"position": (0, 0, z)} for z in range(5)]
    path = write_frames(tmp_path / "a.dcm", values, frames, syntax=RLELossless)
    one = pydicom.dcmread(path)
    encoded = list(generate_frames(one.PixelData, number_of_frames=5))
    if table == "extended":
        one.PixelData, one.ExtendedOffsetTable, one.ExtendedOffsetTableLengths = encapsulate_extended(encoded)
    else:
        one.PixelData = encapsulate(encoded, has_bot=table == "basic")
    one.save_as(path)
    slices = read_slices(path)
    assert (slices[0].pixels.offsets is not None) == (table == "extended")
    for number in (3, 0, 4):
        np.testing.assert_array_equal(read_frame(slices[number].pixels, number), values[number])


@pytest.mark.parametrize(
    "name",
    ["CT_small.dcm", "MR_small.dcm", "MR_small_implicit.dcm", "MR_small_bigendian.dcm", "MR_small_RLE.dcm",
     "rtdose_rle.dcm", "rtdose_expb.dcm", "liver_1frame.dcm", "image_dfl.dcm", "MR_small_padded.dcm"],
)  # fmt: skip
def test_frames_are_those_of_pydicom(name):
    header = read_header(packaged(name))
    pixels = header.pixels()
    if pixels.bits_allocated == 1:
        with pytest.raises(ImageError, match="have 1 of 1 bits, which is not read"):
            check_pixels(pixels)
        return
    stored = pydicom.dcmread(packaged(name)).pixel_array.reshape(pixels.frames, *pixels.shape)
    check_pixels(pixels)
    for number in range(pixels.frames):
        np.testing.assert_array_equal(read_frame(pixels, number), stored[number])


def test_pixels_of_fractions_are_refused(tmp_path, write_series):
    path = write_series(tmp_path, np.zeros((2, 3, 5), "uint16"))[0]
    one = pydicom.dcmread(path)
    del one.PixelData
    one.BitsAllocated, one.FloatPixelData = 32, np.zeros((3, 5), "<f4").tobytes()
    one.save_as(path)
    with pytest.raises(ImageError, match="its pixels are fractions, which is not read"):
        read_dicom(tmp_path)
