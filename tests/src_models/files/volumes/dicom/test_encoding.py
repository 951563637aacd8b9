"""Whether a file is DICOM, with a preamble or without, and how it is encoded."""

import io
import shutil

import numpy as np
import pydicom
import pytest
from dicom_files import packaged, slice_in
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from src_models.errors import ImageError
from src_models.files.volumes.dicom.encoding import is_dicom
from src_models.files.volumes.dicom_volume import read_dicom

STORED = np.arange(15, dtype="uint16").reshape(1, 3, 5)
PLAIN = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)


def encode(path, syntax, *, meta=True, preamble=True):
    """Encode a file anew, as a whole file or without what one begins with."""
    one = pydicom.dcmread(path)
    one.file_meta.TransferSyntaxUID = syntax
    if syntax == ExplicitVRBigEndian:
        one.PixelData = np.frombuffer(one.PixelData, "<u2").astype(">u2").tobytes()
        one["PixelData"].VR = "OW"
    order = {"implicit_vr": syntax == ImplicitVRLittleEndian, "little_endian": syntax != ExplicitVRBigEndian}
    if not meta:
        del one.file_meta
    if not preamble:
        one.preamble = None
    if not preamble and meta:
        content = io.BytesIO()
        pydicom.dcmwrite(content, one, enforce_file_format=True)
        path.write_bytes(content.getvalue()[132:])
    else:
        pydicom.dcmwrite(path, one, **order)


@pytest.fixture
def path(tmp_path, write_series):
    (one,) = write_series(tmp_path / "scan", STORED)
    return one


def test_dicom_is_known_by_its_content(path, tmp_path):
    assert is_dicom(shutil.copy(path, tmp_path / "scan.png"))
    (tmp_path / "text.dcm").write_text("DICM" + "." * 200)
    assert not is_dicom(tmp_path / "text.dcm")
    assert not is_dicom(tmp_path)
    assert not is_dicom(tmp_path / "none.dcm")


@pytest.mark.parametrize("syntax", PLAIN, ids=lambda syntax: syntax.name)
@pytest.mark.parametrize("meta", [True, False])
def test_a_file_without_preamble_is_read_as_one_with_it(path, syntax, meta):
    before = np.asarray(read_dicom(path).data)
    encode(path, syntax, meta=meta, preamble=False)
    assert path.read_bytes()[128:132] != b"DICM"
    assert is_dicom(path)
    np.testing.assert_array_equal(np.asarray(read_dicom(path).data), before)
    np.testing.assert_array_equal(before, STORED.astype(int) - 1024)


@pytest.mark.parametrize("name", ["ExplVR_BigEndNoMeta.dcm", "ExplVR_LitEndNoMeta.dcm"])
def test_files_of_other_makers_without_preamble_are_known(name):
    assert is_dicom(packaged(name))
    assert "RTPLAN" in slice_in(packaged(name)).reason


@given(content=st.binary(max_size=600))
def test_other_content_is_no_dicom(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("files") / "file.dcm"
    path.write_bytes(content)
    assert not is_dicom(path)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "BMP", "GIF"])
def test_pictures_are_no_dicom(tmp_path, kind):
    Image.fromarray(np.arange(256, dtype="uint8").reshape(16, 16)).save(tmp_path / "a.dcm", kind)
    assert not is_dicom(tmp_path / "a.dcm")


@pytest.mark.parametrize("begin", [b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100", b"\x08\x00", b"\x02\x00\x10\x00UI\xff\xff"])
def test_what_begins_like_an_element_and_goes_on_otherwise_is_no_dicom(tmp_path, begin):
    (tmp_path / "a").write_bytes(begin + b"and then a text, with words in it")
    assert not is_dicom(tmp_path / "a")


@pytest.mark.parametrize("syntax", PLAIN, ids=lambda syntax: syntax.name)
def test_what_a_file_does_not_say_of_its_encoding_is_told_by_its_bytes_and_remarked(path, syntax):
    encode(path, syntax, meta=False, preamble=False)
    one = slice_in(path)
    assert one.pixels.transfer_syntax == syntax
    assert f"was read as {syntax.name}" in one.remarks[0]
    volume = read_dicom(path.parent)
    np.testing.assert_array_equal(np.asarray(volume.data), STORED.astype(int) - 1024)
    assert volume.notes == (f"{path.name}: {one.remarks[0]}",)


def test_a_meta_header_without_the_syntax_is_read_too(path):
    one = pydicom.dcmread(path)
    del one.file_meta.TransferSyntaxUID
    one.save_as(path, enforce_file_format=False, implicit_vr=True, little_endian=True)
    np.testing.assert_array_equal(np.asarray(read_dicom(path).data), STORED.astype(int) - 1024)


def test_compressed_pixels_that_do_not_say_how_are_refused(path):
    one = pydicom.dcmread(packaged("MR_small_RLE.dcm"))
    del one.file_meta
    pydicom.dcmwrite(path, one, implicit_vr=False, little_endian=True)
    with pytest.raises(ImageError, match="its pixels are compressed, and it does not say how"):
        slice_in(path)


def test_a_file_that_is_deflated_as_a_whole_is_read(path):
    encode(path, DeflatedExplicitVRLittleEndian)
    assert slice_in(path).pixels.size == 2 * STORED.size
    volume = read_dicom(path.parent)
    np.testing.assert_array_equal(np.asarray(volume.data), STORED.astype(int) - 1024)
    assert volume.notes == ()


def test_a_deflated_file_that_is_cut_off_or_short_of_pixels_is_refused(path):
    one = pydicom.dcmread(path)
    one.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    one.PixelData = one.PixelData[:-4]
    one.save_as(path)
    with pytest.raises(ImageError, match=r"the file is cut off \(26 bytes of pixels, and its header asks for 30\)"):
        read_dicom(path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ImageError, match="cut off or damaged"):
        read_dicom(path)
