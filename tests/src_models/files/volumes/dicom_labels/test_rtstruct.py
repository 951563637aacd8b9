"""Contours of structures on an oblique scan: each voxel by its own place, against the contours that were written."""

import numpy as np
import pydicom
import pytest

from src_models.errors import ImageError
from src_models.files.images import read_image, read_label_file
from src_models.files.pairs import pair
from src_models.files.volumes.dicom_labels.rtstruct import read_rtstruct
from src_models.files.volumes.opening import read_volume

OUTER = np.array([[0.6, 0.7], [0.6, 4.4], [5.6, 4.4], [5.6, 0.7]])  # row, column
HOLE = np.array([[1.6, 1.7], [1.6, 3.3], [3.6, 3.3], [3.6, 1.7]])


@pytest.fixture
def on_slice(study):
    """Return a function that puts points (row, column) into a slice: their places (mm; left, posterior, superior)."""

    def place(points, number):
        grid = np.column_stack([np.full(len(points), float(number)), points, np.ones(len(points))])
        return (grid @ study.geometry.grid_affine.T)[:, 2::-1]

    return place


def told(study):
    header = pydicom.dcmread(study.geometry.files[0])
    return {"series": header.SeriesInstanceUID, "reference": header.FrameOfReferenceUID}


def test_voxels_inside_of_contours_are_labelled(study, write_structures, on_slice):
    keyhole = np.concatenate([OUTER, OUTER[:1], HOLE, HOLE[:1], OUTER[:1]])
    contours = {"Leber": [on_slice(OUTER, 4), on_slice(HOLE, 4)], "Milz": [on_slice(keyhole, 1)]}
    volume = read_volume(write_structures(contours, **told(study)))
    wanted = np.zeros((6, 7, 5), int)
    for number, label in ((4, 1), (1, 2)):
        wanted[number, 1:6, 1:5] = label
        wanted[number, 2:4, 2:4] = 0
    np.testing.assert_array_equal(volume.data, study.geometry.to_data(wanted))
    np.testing.assert_allclose(volume.geometry.affine, study.geometry.affine)
    assert [one[:2] for one in volume.segments] == [(1, "Leber"), (2, "Milz")]
    assert volume.notes == ()
    assert volume.labels


def test_contours_between_slices_are_left_out_and_said(study, write_structures, on_slice):
    contours = {"a": [on_slice(OUTER, 2), on_slice(OUTER, 2.4), on_slice(OUTER, 9)], "b": [on_slice(HOLE, 2.06)]}
    volume = read_rtstruct(write_structures(contours, **told(study)))
    assert volume.notes[0] == "2 contours lie in no slice of the scan and were left out, of a"
    marked = study.geometry.to_grid(volume.data)
    assert np.unique(np.nonzero(marked)[0]).tolist() == [2]
    assert (marked == 2).sum() == 4
    assert volume.notes[1].startswith("4 voxels are of more than one segment")


def test_contours_that_all_lie_elsewhere_are_refused(study, write_structures, on_slice):
    path = write_structures({"a": [on_slice(OUTER, 0.5), on_slice(OUTER, -3)]}, **told(study))
    with pytest.raises(ImageError, match="none of its 2 contours lies in a slice"):
        read_rtstruct(path)


def test_contours_across_slices_are_left_out(study, write_structures, on_slice):
    across = on_slice(OUTER, 2)
    across[0] = on_slice(OUTER, 3)[0]
    volume = read_rtstruct(write_structures({"a": [across], "b": [on_slice(OUTER, 0)]}, **told(study)))
    assert np.unique(volume.data).tolist() == [0, 2]
    assert volume.notes[0].startswith("1 contour lies in no slice of the scan and was left out")


def test_points_and_structures_without_contours_are_said(study, write_structures, on_slice):
    contours = {"isocentre": [on_slice(OUTER[:1], 0)], "empty": [], "a": [on_slice(OUTER, 0)]}
    volume = read_rtstruct(write_structures(contours, kinds={"isocentre": "POINT"}, **told(study)))
    assert volume.notes == ("points and open lines were left out, of isocentre", "without contours: isocentre, empty")


def test_a_scan_must_be_given_or_lie_beside_it(tmp_path, study, write_structures, on_slice):
    (tmp_path / "far" / "away").mkdir(parents=True)
    path = write_structures({"a": [on_slice(OUTER, 3)]}, folder=tmp_path / "far" / "away", **told(study))
    with pytest.raises(ImageError, match="not beside it"):
        read_rtstruct(path)
    image = read_image(tmp_path / "scan")
    paired = pair(image, read_label_file(path, like=image.reading, scan=image.geometry))
    wanted = np.zeros((6, 7, 5), int)
    wanted[3, 1:6, 1:5] = 1
    np.testing.assert_array_equal(paired.labels, study.geometry.to_data(wanted))
    assert paired.note is None


def test_another_frame_of_reference_is_refused(study, write_structures, on_slice):
    path = write_structures({"a": [on_slice(OUTER, 3)]}, series=told(study)["series"], reference="1.2.3")
    with pytest.raises(ImageError, match="another frame of reference"):
        read_rtstruct(path, scan=study.geometry)
