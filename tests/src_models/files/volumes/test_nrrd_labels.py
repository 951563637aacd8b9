"""Labels written as NRRD lie on their scan's voxels, by the word of SimpleITK."""

import io
import itertools

import dask.array as da
import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
import zarr

from src_models.errors import OutputError
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.nifti import read_nifti
from src_models.files.volumes.nrrd import lps_to_world, read_nrrd
from src_models.files.volumes.nrrd_labels import write_nrrd, write_nrrd_labels, write_nrrd_to
from src_models.files.volumes.volume import Segment

SHAPE = (3, 4, 5)  # k, j, i
SHEAR = np.array([[1, 0, 0], [0, 1, np.sin(0.3)], [0, 0, np.cos(0.3)]])
OBLIQUE = np.array([[0.8, -0.6, 0], [0.6, 0.8, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, 0.6, 0.8], [0, -0.8, 0.6]])


def geometry(directions=OBLIQUE, signs=(1, 1, 1), **told):
    lps = np.eye(4)
    lps[:3] = np.column_stack([directions * signs * (0.5, 0.75, 2.5), (12.5, -90.25, 40.0)])
    return VolumeGeometry.of_grid(lps_to_world(lps), SHAPE, **told), lps


@pytest.mark.parametrize("directions", [np.eye(3), OBLIQUE, SHEAR, np.eye(3)[:, [2, 0, 1]]])
@pytest.mark.parametrize("signs", list(itertools.product((1, -1), repeat=3)))
@pytest.mark.parametrize("suffix", [".nrrd", ".seg.nrrd"])
def test_every_label_is_where_simpleitk_and_the_formula_have_it(tmp_path, directions, signs, suffix):
    place, lps = geometry(directions, signs)
    grid = np.arange(60).reshape(SHAPE)
    path = write_nrrd_labels(tmp_path / f"a{suffix}", place.to_data(grid), place)
    image = sitk.ReadImage(str(path))
    for index in itertools.product(range(5), range(4), range(3)):
        assert image[index] == grid[index[::-1]]
        np.testing.assert_allclose(image.TransformIndexToPhysicalPoint(index), (lps @ (*index, 1))[:3], atol=1e-9)
    back = read_nrrd(path)
    assert back.labels
    np.testing.assert_allclose(back.geometry.affine, place.affine, atol=1e-12)
    np.testing.assert_array_equal(back.data, place.to_data(grid))


@pytest.mark.parametrize("columns", list(itertools.permutations(range(3))))
def test_labels_of_a_nifti_scan_lie_on_it_in_either_format(tmp_path, columns):
    affine = np.eye(4)
    affine[:3] = np.column_stack([OBLIQUE[:, columns] * (0.5, -0.75, 2.5), (3, -4, 5)])
    nib.save(nib.Nifti1Image(np.arange(60, dtype="int16").reshape(5, 4, 3), affine), tmp_path / "a.nii.gz")
    volume = read_nifti(tmp_path / "a.nii.gz")
    path = write_nrrd_labels(tmp_path / "a.nrrd", np.asarray(volume.data), volume.geometry)
    scan, labels = sitk.ReadImage(str(tmp_path / "a.nii.gz")), sitk.ReadImage(str(path))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), sitk.GetArrayFromImage(scan))
    for told in ("GetOrigin", "GetSpacing", "GetDirection"):
        np.testing.assert_allclose(getattr(labels, told)(), getattr(scan, told)(), atol=1e-5)


@pytest.mark.parametrize("largest", [1, 255, 256, 70_000])
@pytest.mark.parametrize("form", [np.asarray, da.from_array, zarr.array])
def test_labels_of_any_size_and_kind_come_back(tmp_path, largest, form):
    place, _ = geometry()
    labels = np.random.default_rng(largest).integers(0, largest, place.shape, endpoint=True)
    labels.flat[0] = largest
    path = write_nrrd_labels(tmp_path / "a.nrrd", form(labels), place)
    image = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    assert image.dtype == np.min_scalar_type(largest)
    np.testing.assert_array_equal(place.to_data(image), labels)


def test_segments_keep_names_and_colours_also_of_what_is_absent(tmp_path):
    place, _ = geometry()
    labels = np.zeros(place.shape, bool)
    labels[0, 1] = True
    segments = [Segment(2, "Niere:=links\nunten\\", (1.0, 0.5, 0.0)), Segment(1, "Gefäß")]
    path = write_nrrd_labels(tmp_path / "a.seg.nrrd", labels, place, segments=segments)
    found = read_nrrd(path).segments
    assert [one[:2] for one in found] == [(2, "Niere:=links\nunten\\"), (1, "Gefäß")]
    assert found[0].colour == (1.0, 0.5, 0.0)
    assert path.read_bytes().startswith(b"NRRD0005\n")


def test_a_segmentation_has_a_segment_for_each_number_where_nobody_names_any(tmp_path):
    place, _ = geometry()
    labels = np.zeros(place.shape, np.uint8)
    labels[0, 0, 0], labels[1, 1] = 7, 3
    found = read_nrrd(write_nrrd_labels(tmp_path / "a.seg.nrrd", labels, place)).segments
    assert [one[:2] for one in found] == [(3, "Segment 3"), (7, "Segment 7")]


def test_time_and_its_step_come_back(tmp_path):
    place, _ = geometry()
    labels = np.arange(120).reshape(2, *place.shape)
    back = read_nrrd(write_nrrd_labels(tmp_path / "a.nrrd", labels, place, frame_seconds=2.5))
    np.testing.assert_array_equal(back.data, labels)
    assert back.frame_seconds == 2.5
    with pytest.raises(OutputError, match="has no time"):
        write_nrrd_labels(tmp_path / "a.seg.nrrd", labels, place)


def test_a_scan_without_a_place_gives_its_labels_none(tmp_path):
    place, _ = geometry(np.eye(3), known=False)
    back = read_nrrd(write_nrrd_labels(tmp_path / "a.nrrd", np.zeros(place.shape, int), place))
    assert not back.geometry.known
    np.testing.assert_allclose(back.geometry.affine, place.affine)


@pytest.mark.parametrize("dtype", ["int16", "float32", ">i4", "bool"])
def test_grey_values_are_written_as_they_are(tmp_path, dtype):
    place, _ = geometry()
    values = np.arange(-20, 40).reshape(place.shape).astype(dtype)
    path = write_nrrd(tmp_path / "a.nrrd", values, place)
    np.testing.assert_array_equal(place.to_data(sitk.GetArrayFromImage(sitk.ReadImage(str(path)))), values)
    assert not read_nrrd(path).labels
    beside = io.BytesIO()
    write_nrrd_to(beside, place.to_grid(values), place)
    assert beside.getvalue() == path.read_bytes()


def test_what_is_there_stays_unless_it_may_be_replaced_and_the_scan_always(tmp_path):
    place, _ = geometry(path=tmp_path / "scan.nrrd")
    labels = np.zeros(place.shape, int)
    with pytest.raises(OutputError, match="is the scan itself"):
        write_nrrd_labels(tmp_path / "scan.nrrd", labels, place, overwrite=True)
    with pytest.raises(OutputError, match=r"end the name with \.nrrd"):
        write_nrrd_labels(tmp_path / "a.nhdr", labels, place)
    (tmp_path / "a.nrrd").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        write_nrrd_labels(tmp_path / "a.nrrd", labels, place)
    with pytest.raises(ValueError, match="negative"):
        write_nrrd_labels(tmp_path / "b.nrrd", labels - 1, place)
    with pytest.raises(OutputError, match="10001 objects"):
        write_nrrd_labels(
            tmp_path / "b.seg.nrrd", labels, place, segments=[Segment(number, "a") for number in range(10_001)]
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.nrrd"]
    assert (tmp_path / "a.nrrd").read_text() == "mine"
