"""The pixels of DICOM slices: what is read whatever the encoding, and what is refused."""

import shutil

import numpy as np
import pytest
from dicom_files import packaged

from src_models.errors import ImageError
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
