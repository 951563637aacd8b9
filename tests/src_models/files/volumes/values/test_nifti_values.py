"""Values on a grid of their own lie on their scan in other programs: nibabel and SimpleITK say where each cell is."""

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from src_models.errors import OutputError
from src_models.files.images import read_image
from src_models.files.volumes.values.nifti_values import write_nifti_values

SPACING = (0.7, 1.3, 3.1)


def oblique(columns=(0, 1, 2), signs=(1, 1, 1), seed=0):
    """A matrix from (i, j, k) to (right, anterior, superior) of a turned grid with voxels of three lengths."""
    turned = Rotation.from_euler("xyz", [20 + seed, -15, 10], degrees=True).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = turned[:, list(columns)] * np.asarray(SPACING) * signs
    affine[:3, 3] = (30, -50, 70)
    return affine


def ramp(affine, shape, weights):
    """A scan whose values tell where a voxel is: a weighted sum of its three coordinates, in mm."""
    grid = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1)
    return nib.affines.apply_affine(affine, grid) @ weights


def mean_of_cells(data, cells):
    """The mean over each whole cell: of a ramp, its value at the cell's centre."""
    lengths = [size // cell for size, cell in zip(data.shape, cells, strict=True)]
    whole = data[tuple(slice(0, length * cell) for length, cell in zip(lengths, cells, strict=True))]
    shape = [number for pair in zip(lengths, cells, strict=True) for number in pair]
    return whole.reshape(shape).mean(axis=(1, 3, 5))


def written(folder, scan, cells, **options):
    """Write the means over cells of a scan's values, which lie where the scan's data are; return the file."""
    data = np.asarray(scan.data, np.float64)
    return write_nifti_values(
        folder / "map.nii.gz",
        mean_of_cells(data, cells),
        scan.geometry,
        scale=cells,
        translate=[(cell - 1) / 2 for cell in cells],
        **options,
    )


@settings(max_examples=25)
@given(
    columns=st.permutations([0, 1, 2]),
    signs=st.tuples(*[st.sampled_from([-1, 1])] * 3),
    cells=st.tuples(*[st.sampled_from([1, 2, 4])] * 3),
    form=st.sampled_from(["sform", "qform", "both"]),
)
def test_nibabel_finds_each_cell_where_its_value_says_that_it_is(tmp_path_factory, columns, signs, cells, form):
    folder = tmp_path_factory.mktemp("scans")
    affine, weights = oblique(columns, signs), np.array([1.0, -2.0, 0.5])
    image = nib.Nifti1Image(ramp(affine, (13, 9, 6), weights), None)
    image.set_qform(affine, code=0 if form == "sform" else 1)
    image.set_sform(affine, code=0 if form == "qform" else 2)
    nib.save(image, folder / "scan.nii")
    path = written(folder, read_image(folder / "scan.nii"), cells)
    found = nib.load(path)
    assert found.get_data_dtype() == np.float32
    np.testing.assert_allclose(ramp(found.affine, found.shape, weights), found.get_fdata(), atol=1e-3)
    codes = [int(found.header[name]) for name in ("qform_code", "sform_code")]
    assert codes == [int(image.header[name]) for name in ("qform_code", "sform_code")]
    assert nib.aff2axcodes(found.affine) == nib.aff2axcodes(affine), "the scan's own order of voxels"
    lengths = np.linalg.norm(found.affine[:3, :3], axis=0)
    np.testing.assert_allclose(found.header.get_zooms(), lengths, rtol=1e-5)


@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd"])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1)], ids=str)
def test_simpleitk_finds_each_cell_where_its_value_says_that_it_is(tmp_path, suffix, signs):
    """The scan was written by SimpleITK, too, so that nothing but its own words tell where it is."""
    weights = np.array([-1.0, 3.0, 0.25])
    affine = oblique((1, 2, 0), signs)
    scan = sitk.GetImageFromArray(np.zeros((6, 9, 13), np.float32))
    scan.SetSpacing(np.linalg.norm(affine[:3, :3], axis=0).tolist())
    scan.SetDirection((affine[:3, :3] / scan.GetSpacing()).ravel().tolist())
    scan.SetOrigin(affine[:3, 3].tolist())

    def places(image):
        return np.array([image.TransformIndexToPhysicalPoint(at) for at in np.ndindex(image.GetSize())]) @ weights

    for at, value in zip(np.ndindex(scan.GetSize()), places(scan), strict=True):
        scan[at] = float(value)
    sitk.WriteImage(scan, str(tmp_path / f"scan{suffix}"))
    path = written(tmp_path, read_image(tmp_path / f"scan{suffix}"), (2, 4, 2))
    found = sitk.ReadImage(str(path))
    values = [found[at] for at in np.ndindex(found.GetSize())]
    np.testing.assert_allclose(places(found), values, atol=2e-3)


def test_where_sform_and_qform_differ_each_goes_with_the_scan_s(tmp_path):
    sform, qform = oblique(), oblique((1, 0, 2), (-1, 1, 1), seed=30)
    image = nib.Nifti1Image(np.random.default_rng(0).random((12, 8, 6)).astype("f4"), None)
    image.set_qform(qform, code=1)
    image.set_sform(sform, code=4)
    image.header.set_xyzt_units("micron")
    nib.save(image, tmp_path / "scan.nii.gz")
    found = nib.load(written(tmp_path, read_image(tmp_path / "scan.nii.gz"), (2, 2, 2)))
    to_scan = np.linalg.inv(sform) @ found.get_sform()
    np.testing.assert_allclose(np.diag(to_scan), [2, 2, 2, 1], atol=1e-4)
    np.testing.assert_allclose(found.get_qform(), qform @ to_scan, atol=1e-3)
    assert (int(found.header["qform_code"]), int(found.header["sform_code"])) == (1, 4)
    assert found.header.get_xyzt_units()[0] == "micron"


def test_a_scan_without_a_place_has_values_around_the_same_middle(tmp_path):
    image = nib.Nifti1Image(np.zeros((12, 8, 6), "f4"), None)
    image.header.set_zooms((1, 2, 3))
    nib.save(image, tmp_path / "scan.nii.gz")
    scan = nib.load(tmp_path / "scan.nii.gz")
    found = nib.load(written(tmp_path, read_image(tmp_path / "scan.nii.gz"), (2, 2, 2)))
    middles = [nib.affines.apply_affine(one.affine, (np.array(one.shape) - 1) / 2) for one in (scan, found)]
    np.testing.assert_allclose(*middles, atol=1e-5)


def test_the_header_says_what_it_is_and_the_scan_is_never_replaced(tmp_path):
    image = nib.Nifti1Image(np.zeros((4, 4, 4), "i2"), oblique())
    image.header["descrip"] = b"secret"
    nib.save(image, tmp_path / "map.nii.gz")
    scan = read_image(tmp_path / "map.nii.gz")
    with pytest.raises(OutputError, match="is the scan itself"):
        written(tmp_path, scan, (1, 1, 1), overwrite=True)
    (tmp_path / "out").mkdir()
    path = written(tmp_path / "out", scan, (1, 1, 1), name="gate 2 of a long name", description="a gate, µ")
    header = nib.load(path).header
    assert bytes(header["intent_name"].item()) == b"gate 2 of a lon"
    assert bytes(header["descrip"].item()) == b"a gate, ?"
    with pytest.raises(OutputError, match="exists already"):
        written(tmp_path / "out", scan, (1, 1, 1))
    with pytest.raises(OutputError, match=r"end the name with \.nii\.gz"):
        write_nifti_values(tmp_path / "m.tif", np.zeros((2, 2, 2)), scan.geometry, scale=(1,) * 3, translate=(0,) * 3)
    with pytest.raises(ValueError, match="do not lie on a scan"):
        write_nifti_values(tmp_path / "m.nii", np.zeros((2, 2)), scan.geometry, scale=(1,) * 3, translate=(0,) * 3)
