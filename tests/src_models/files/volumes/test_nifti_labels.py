"""Labels written for a scan lie on its voxels, by the words of its own header."""

import dask.array as da
import nibabel as nib
import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from src_models.errors import OutputError
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.nifti import read_nifti
from src_models.files.volumes.nifti_labels import write_nifti_labels

SHAPE = (5, 4, 3)  # i, j, k
FORMS = ("sform_code", "qform_code", "srow_x", "srow_y", "srow_z", "quatern_b", "quatern_c", "quatern_d")
PLACE = (*FORMS, "qoffset_x", "qoffset_y", "qoffset_z", "pixdim", "xyzt_units", "descrip")


def scan(path, *, shape=SHAPE, kind=nib.Nifti1Image, columns=(0, 1, 2), signs=(-1, -1, 1)):
    """A scan whose sform and qform differ, with odd units and a description, and grey values that are rescaled."""
    affine = np.eye(4)
    affine[:3, :3] = (np.diag([500.0, 750.0, 2500.0]) * signs)[:, columns]
    affine[:3, 3] = (90, 60, -100)
    image = kind(np.random.default_rng(0).normal(0, 500, shape).astype("float32"), None)
    image.set_data_dtype("int16")
    image.set_qform(affine, code=1)
    affine[0, 3] = -3
    image.set_sform(affine, code=2)
    image.header.set_xyzt_units("micron", "msec")
    image.header["descrip"] = b"a phantom"
    image.header["cal_max"] = 300
    if len(shape) == 4:
        image.header["pixdim"][4] = 40
    nib.save(image, path)
    return path


def numbers(shape, largest, seed=1):
    labels = np.random.default_rng(seed).integers(0, largest, shape, endpoint=True)
    labels.flat[0] = largest
    return labels


@settings(max_examples=25)
@given(
    columns=st.permutations([0, 1, 2]),
    signs=st.tuples(*[st.sampled_from([-1, 1])] * 3),
    form=st.sampled_from(["numpy", "dask", "zarr"]),
    suffix=st.sampled_from([".nii", ".nii.gz"]),
    seed=st.integers(0, 1000),
)
def test_a_label_is_at_the_voxel_whose_grey_value_it_labels(tmp_path_factory, columns, signs, form, suffix, seed):
    folder = tmp_path_factory.mktemp("scans")
    source = scan(folder / "scan.nii.gz", columns=columns, signs=signs)
    volume = read_nifti(source)
    labels = np.zeros(volume.data.shape, np.int32)
    bright = np.unravel_index(np.argsort(np.asarray(volume.data), axis=None)[-3:], labels.shape)
    labels[bright] = (1, 2, seed + 3)
    given_as = {"numpy": labels, "dask": da.from_array(labels), "zarr": zarr.array(labels)}[form]
    path = write_nifti_labels(folder / f"labels{suffix}", given_as, volume.geometry)
    grey, written = nib.load(source).get_fdata(), np.asarray(nib.load(path).dataobj)
    assert written.shape == grey.shape
    assert np.count_nonzero(written) == 3
    np.testing.assert_array_equal(written.flat[np.argsort(grey, axis=None)[-3:]], (1, 2, seed + 3))


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_the_header_keeps_place_units_and_codes_and_loses_what_is_said_of_grey_values(tmp_path, kind):
    source = nib.load(scan(tmp_path / "scan.nii", kind=kind)).header
    labels = numbers(SHAPE[::-1], 7)
    path = write_nifti_labels(tmp_path / "a.nii.gz", labels, read_nifti(tmp_path / "scan.nii").geometry)
    image = nib.load(path)
    assert isinstance(image, kind)
    for field in PLACE:
        np.testing.assert_array_equal(image.header[field], source[field], err_msg=field)
    assert image.header.get_intent()[0] == "label"
    assert image.header["cal_max"] == 0
    assert image.header.get_slope_inter() in [(None, None), (1, 0)]


def test_the_header_of_a_big_endian_scan_is_kept(tmp_path):
    image = nib.Nifti1Image(np.zeros(SHAPE, "int16"), np.diag([-2.0, -3.0, 4.0, 1.0]))
    nib.Nifti1Image(np.zeros(SHAPE, ">i2"), image.affine, image.header.as_byteswapped(">")).to_filename(
        tmp_path / "scan.nii"
    )
    labels = numbers(SHAPE[::-1], 60_000)
    path = write_nifti_labels(tmp_path / "a.nii", labels, read_nifti(tmp_path / "scan.nii").geometry)
    np.testing.assert_array_equal(np.asarray(nib.load(path).dataobj), labels.T[::1])
    np.testing.assert_array_equal(nib.load(path).affine, image.affine)


@pytest.mark.parametrize(
    ("largest", "dtype"), [(0, "u1"), (255, "u1"), (256, "u2"), (65_535, "u2"), (65_536, "u4"), (2**32 - 1, "u4")]
)
def test_numbers_have_the_smallest_type_that_holds_them(tmp_path, largest, dtype):
    volume = read_nifti(scan(tmp_path / "scan.nii"))
    labels = numbers(volume.data.shape, largest)
    path = write_nifti_labels(tmp_path / "a.nii.gz", labels, volume.geometry)
    again = read_nifti(path)
    assert again.data.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(again.data, labels)
    assert again.labels


def test_labels_with_time_keep_their_step(tmp_path):
    volume = read_nifti(scan(tmp_path / "scan.nii.gz", shape=(*SHAPE, 2)))
    labels = numbers(volume.data.shape, 9)
    again = read_nifti(write_nifti_labels(tmp_path / "a.nii.gz", labels, volume.geometry))
    np.testing.assert_array_equal(again.data, labels)
    assert again.frame_seconds == pytest.approx(0.04)


def test_labels_of_a_scan_that_is_no_nifti_get_a_header(tmp_path):
    to_world = np.array([[2.5, 0, 0, -100], [0, 0.75, 0, -60], [0, 0, 0.5, -90], [0, 0, 0, 1]])
    geometry = VolumeGeometry.of_grid(to_world, SHAPE[::-1], path=tmp_path / "slices")
    labels = numbers(SHAPE[::-1], 9)
    image = nib.load(write_nifti_labels(tmp_path / "a.nii.gz", labels, geometry))
    expected = [[-0.5, 0, 0, 90], [0, -0.75, 0, 60], [0, 0, 2.5, -100], [0, 0, 0, 1]]
    np.testing.assert_array_equal(image.get_sform(coded=True)[0], expected)
    np.testing.assert_allclose(image.get_qform(coded=True)[0], expected, atol=1e-5)
    np.testing.assert_array_equal(image.header.get_zooms(), (0.5, 0.75, 2.5))
    assert image.header.get_xyzt_units() == ("mm", "sec")
    np.testing.assert_array_equal(np.asarray(image.dataobj), labels.T)


def test_a_sheared_scan_has_an_sform_alone(tmp_path):
    to_world = np.array([[2.5, 0.2, 0, -100], [0, 0.7, 0, -60], [0, 0, 0.5, -90], [0, 0, 0, 1]])
    geometry = VolumeGeometry.of_grid(to_world, SHAPE[::-1], path=tmp_path / "slices")
    path = write_nifti_labels(tmp_path / "a.nii", numbers(SHAPE[::-1], 9), geometry)
    assert nib.load(path).get_qform(coded=True) == (None, 0)
    np.testing.assert_allclose(read_nifti(path).geometry.affine, to_world, atol=1e-5)


def test_the_same_labels_give_the_same_file(tmp_path):
    geometry = read_nifti(scan(tmp_path / "scan.nii")).geometry
    labels = numbers(SHAPE[::-1], 9)
    paths = [write_nifti_labels(tmp_path / name, labels, geometry) for name in ("a.nii.gz", "b.nii.gz")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


# What is refused


def test_nothing_that_is_there_is_replaced_unless_told(tmp_path):
    geometry = read_nifti(scan(tmp_path / "scan.nii")).geometry
    (tmp_path / "a.nii").write_text("mine")
    with pytest.raises(OutputError, match=r"a\.nii exists already"):
        write_nifti_labels(tmp_path / "a.nii", numbers(SHAPE[::-1], 9), geometry)
    assert (tmp_path / "a.nii").read_text() == "mine"
    write_nifti_labels(tmp_path / "a.nii", numbers(SHAPE[::-1], 9), geometry, overwrite=True)
    assert nib.load(tmp_path / "a.nii").shape == SHAPE


def test_the_scan_itself_is_never_replaced(tmp_path):
    path = scan(tmp_path / "scan.nii")
    before = path.read_bytes()
    with pytest.raises(OutputError, match="is the scan itself"):
        write_nifti_labels(path, numbers(SHAPE[::-1], 9), read_nifti(path).geometry, overwrite=True)
    assert path.read_bytes() == before


def test_another_suffix_is_refused(tmp_path):
    geometry = read_nifti(scan(tmp_path / "scan.nii")).geometry
    with pytest.raises(OutputError, match=r"end the name with \.nii\.gz or \.nii"):
        write_nifti_labels(tmp_path / "a.tif", numbers(SHAPE[::-1], 9), geometry)


def test_what_are_no_labels_is_refused_and_leaves_nothing(tmp_path):
    geometry = read_nifti(scan(tmp_path / "scan.nii")).geometry
    for wrong in (np.full(SHAPE[::-1], -1), np.zeros(SHAPE[::-1]), np.zeros((4, 5), int), np.zeros(SHAPE, int)):
        with pytest.raises(ValueError, match="labels"):
            write_nifti_labels(tmp_path / "a.nii", wrong, geometry)
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nii"]
