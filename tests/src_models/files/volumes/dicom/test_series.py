"""Which files of a folder are the slices of one scan, in order; and what is refused."""

import shutil

import numpy as np
import pydicom
import pytest
from dicom_files import change, packaged, shift

from src_models.errors import ImageError
from src_models.files.volumes.dicom_volume import read_dicom

SHAPE = (4, 3, 5)  # slices, rows, columns


@pytest.fixture
def stored():
    """Stored numbers that tell which voxel they are."""
    return np.arange(60, dtype="uint16").reshape(SHAPE)


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


# Were the slice simply left out, the others would be taken for a whole scan.
LEFT_OUT = "1 slice is missing between IM0002.dcm .*; left out: IM0003.dcm, which "


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


def halves(folder, paths):
    for path in paths[3:]:
        change(path, ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    return "IM0000.dcm and IM0003.dcm are of one series but of different orientations, and most slices are like neither"


def other_size(folder, paths):
    change(paths[3], Rows=5, Columns=3)
    return LEFT_OUT + r"is of another size \(5 x 3 pixels\)$"


def other_orientation(folder, paths):
    change(paths[3], ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    return LEFT_OUT + "is of another orientation$"


def other_pixel_size(folder, paths):
    change(paths[3], PixelSpacing=[0.75, 0.6])
    return LEFT_OUT + r"has pixels of another size \(0.75 x 0.6 mm\)$"


def other_modality(folder, paths):
    change(paths[3], Modality="PT")
    return LEFT_OUT + r"is of another modality \(PT\)$"


def colours(folder, paths):
    change(paths[3], SamplesPerPixel=3, PhotometricInterpretation="RGB")
    return LEFT_OUT + "is in colour$"


def odd_bits(folder, paths):
    change(paths[3], BitsStored=20)
    return "IM0003.dcm: its pixels have 20 of 16 bits"


def skewed(folder, paths):
    change(paths[3], ImageOrientationPatient=[1, 0, 0, 0.5, 1, 0])
    return LEFT_OUT + "cannot be read: its ImageOrientationPatient .* is no pair of directions at a right angle"


def no_pixel_size(folder, paths):
    change(paths[3], PixelSpacing=[0, 0.5])
    return LEFT_OUT + "cannot be read: its place or the size of its pixels"


def anonymous(folder, paths):
    change(paths[3], ImagePositionPatient=None)
    return LEFT_OUT + "cannot be read: it is a slice of a scan that lacks ImagePositionPatient; .* anonymous"


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
    return LEFT_OUT + "cannot be read: .* cut off"


def no_number(folder, paths):
    content = paths[3].read_bytes()
    assert content.count(b"-120.5") == 1
    paths[3].write_bytes(content.replace(b"-120.5", b"-12x.5"))
    return LEFT_OUT + "cannot be read: the DICOM file is cut off or damaged"


def unreadable_compression(folder, paths):
    one = pydicom.dcmread(paths[3])
    one.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"  # MPEG2
    one.PixelData = pydicom.encaps.encapsulate([b"\0" * 30])
    one["PixelData"].VR = "OB"
    one.save_as(paths[3])
    return "IM0003.dcm: its pixels are compressed as MPEG2 .*, which is not read; convert the scan to NIfTI"


REFUSED = [
    slice_missing, two_missing, uneven, copied, repeated, sideways, halves, other_size, other_orientation,
    other_pixel_size, other_modality, colours, odd_bits, skewed, no_pixel_size, anonymous, cut_off,
    cut_off_without_types, cut_in_the_header, no_number,
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
    with pytest.raises(ImageError, match="it holds no DICOM slices; name the folder of a scan"):
        read_dicom(tmp_path)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    plan = shutil.copy(packaged("rtplan.dcm"), tmp_path / "b" / "plan.dcm")
    with pytest.raises(ImageError, match="it holds no DICOM slices; name the folder of a scan"):
        read_dicom(tmp_path)
    with pytest.raises(ImageError, match=r"none of its 1 DICOM files is a slice of a scan \(plan\.dcm is of another"):
        read_dicom(tmp_path / "b")
    with pytest.raises(ImageError, match=r"plan\.dcm: it is no slice of a scan: it is of another kind \(RTPLAN\)"):
        read_dicom(plan)
    (tmp_path / "text.dcm").write_text("text")
    with pytest.raises(ImageError, match="its content is no DICOM"):
        read_dicom(tmp_path / "text.dcm")


# What is beside the slices, and in folders further in


def without_preamble(path):
    path.write_bytes(path.read_bytes()[132:])


def test_a_slice_without_preamble_among_others_is_part_of_the_scan(tmp_path, write_series, stored):
    paths = write_series(tmp_path / "scan", stored)
    without_preamble(paths[3])  # the last: its loss would leave no gap
    volume = read_dicom(tmp_path / "scan")
    np.testing.assert_array_equal(np.asarray(volume.data), stored.astype(int) - 1024)
    assert volume.notes == ()


def test_what_could_be_a_slice_and_is_not_read_is_said(tmp_path, write_series, stored):
    folder = tmp_path / "scan"
    paths = write_series(folder, np.concatenate([stored, stored]))
    paths[7].write_bytes(paths[7].read_bytes()[:600])
    paths[6].write_bytes(b"")
    paths[5].write_bytes(b"\0" * 900)
    (folder / "README.txt").write_text("a scan")
    (folder / ".hidden.dcm").touch()
    for number in range(5):
        shutil.copy(packaged("rtplan.dcm"), folder / f"plan{number}.dcm")
    shutil.copy(packaged("dicomdirtests/DICOMDIR"), folder / "DICOMDIR")
    volume = read_dicom(folder)
    assert volume.data.shape == (5, 3, 5)
    (note,) = volume.notes
    assert note.startswith("left out: ")
    assert "IM0005.dcm, which is no DICOM" in note
    assert "IM0006.dcm, which is empty (0 bytes)" in note
    assert "IM0007.dcm, which cannot be read: it is a slice of a scan that lacks" in note
    assert "plan0.dcm, plan1.dcm, plan2.dcm and 2 more, each of which is of another kind (RTPLAN)" in note
    assert "README" not in note
    assert "hidden" not in note
    assert "DICOMDIR" not in note


@pytest.mark.parametrize("listing", [False, True])
def test_the_only_scan_in_folders_of_folders_is_opened_and_its_place_said(tmp_path, write_series, stored, listing):
    write_series(tmp_path / "DICOM" / "PAT0" / "ST0" / "SE0", stored)
    if listing:
        shutil.copy(packaged("dicomdirtests/DICOMDIR"), tmp_path / "DICOMDIR")
    volume = read_dicom(tmp_path)
    np.testing.assert_array_equal(np.asarray(volume.data), stored.astype(int) - 1024)
    assert volume.notes == ("the slices are in DICOM/PAT0/ST0/SE0",)
    assert volume.path == tmp_path


def test_scans_in_several_folders_are_named(tmp_path, write_series, stored):
    write_series(tmp_path / "a" / "b" / "SE0", stored, SeriesDescription="Lung")
    write_series(tmp_path / "a" / "SE1", stored, Modality="MR", SeriesDescription="T1")
    for number in range(9):
        write_series(tmp_path / "c" / f"SE{number}", stored[:1])
    with pytest.raises(ImageError) as refused:
        read_dicom(tmp_path)
    message = str(refused.value)
    assert message.startswith(f"{tmp_path}: it holds no slices, but 11 folders in it do: name one of them, such as ")
    assert f"{tmp_path / 'a' / 'b' / 'SE0'} (CT, 'Lung')" in message
    assert f"{tmp_path / 'a' / 'SE1'} (MR, 'T1')" in message
    assert message.endswith("and 3 more")


def test_a_series_whose_slices_are_in_several_folders_is_one(tmp_path, write_series, stored):
    for number, plane in enumerate(stored):
        write_series(tmp_path / f"part{number}", plane[None], first=(0, 0, 2.5 * number), series="1.2.3")
    volume = read_dicom(tmp_path)
    np.testing.assert_array_equal(np.asarray(volume.data), stored.astype(int) - 1024)
    assert volume.notes == ("the slices are in part0, part1, part2 and 1 more",)
