"""Which paths are scans, and that each is opened by what reads it."""

import nibabel as nib
import numpy as np
import pytest
import tifffile
import zarr

from src_models.errors import ImageError
from src_models.files.volumes.opening import is_volume, read_volume

VALUES = np.arange(60, dtype="int16").reshape(4, 3, 5)


@pytest.fixture
def nifti(tmp_path):
    path = tmp_path / "scan.nii.gz"
    # Columns to the left, rows to the back, slices to the head: the order of our data.
    nib.save(nib.Nifti1Image(VALUES.T, np.diag([-1.0, -1.0, 2.0, 1.0])), path)
    return path


@pytest.fixture
def series(tmp_path, write_series):
    return write_series(
        tmp_path / "series", VALUES.astype("uint16"), rescaling=((1, 0),), spacing=(1, 1), step=(0, 0, 2)
    )


def test_both_formats_give_the_same_scan(nifti, series):
    for path in (nifti, series[0].parent, series[2]):
        assert is_volume(path)
        volume = read_volume(path)
        np.testing.assert_array_equal(np.asarray(volume.data), VALUES)
        unit = "" if path == nifti else ", values in HU"
        assert volume.reading.describe() == f"Z=4, Y=3, X=5, 1 channel, 2 x 1 x 1 mm{unit}"
        assert volume.path == path


def test_what_only_a_file_of_its_kind_says_is_kept(nifti, series):
    dicom, other = read_volume(series[0]), read_volume(nifti)
    assert (dicom.modality, other.modality) == ("CT", None)
    assert (dicom.labels, other.labels, other.frame_seconds) == (False, False, 1.0)


def test_axes_by_hand_win_in_both(nifti, series):
    assert [read_volume(path, axes="TYX").reading.axes for path in (nifti, series[0])] == ["TYX", "TYX"]


def test_a_folder_of_folders_counts_and_opens_the_only_scan_or_says_which_there_are(series, tmp_path, write_series):
    assert is_volume(tmp_path)
    np.testing.assert_array_equal(np.asarray(read_volume(tmp_path).data), VALUES)
    write_series(tmp_path / "more" / "second", VALUES.astype("uint16"))
    with pytest.raises(ImageError, match=r"name one of them, such as .*more/second .*; .*series "):
        read_volume(tmp_path)


def test_uneven_slices_are_resampled_when_asked(tmp_path, write_series):
    write_series(tmp_path / "scan", VALUES.astype("uint16"), places=(0, 2, 4, 8), rescaling=((1, 0),))
    with pytest.raises(ImageError, match="1 slice is missing"):
        read_volume(tmp_path / "scan")
    volume = read_volume(tmp_path / "scan", uneven="resample")
    np.testing.assert_array_equal(np.asarray(volume.data)[[0, 1, 2, 4]], VALUES)


def test_pictures_zarr_text_and_nothing_are_no_scans(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", VALUES, photometric="minisblack")
    (tmp_path / "a.txt").write_text("a scan")
    (tmp_path / "empty").mkdir()
    group = zarr.open_group(tmp_path / "a.zarr", mode="w")
    group.create_array("0", shape=(3, 4), dtype="uint8")
    for name in ("a.tif", "a.txt", "empty", "a.zarr", "none"):
        assert not is_volume(tmp_path / name), name
