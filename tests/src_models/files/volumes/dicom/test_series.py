"""Which files of a folder are the slices of one scan, in order; and what is refused."""

import shutil

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file

from src_models.errors import ImageError
from src_models.files.volumes.dicom_volume import read_dicom

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
