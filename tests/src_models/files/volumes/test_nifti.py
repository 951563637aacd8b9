"""NIfTI files as other programs write them: every voxel keeps its value and its place in the patient."""

import gzip
from pathlib import Path

import dask.array as da
import nibabel as nib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from src_models.errors import ImageError
from src_models.files.volumes.nifti import read_nifti

SHAPE = (5, 4, 3)  # i, j, k
PLAIN = np.array([[-0.5, 0, 0, 90], [0, -0.75, 0, 60], [0, 0, 2.5, -100], [0, 0, 0, 1]])  # i to the left, j to the back


def numbered(shape=SHAPE, dtype="int16"):
    """Values that tell which voxel they are."""
    return np.arange(np.prod(shape), dtype=dtype).reshape(shape)


def save(path, data, affine=PLAIN, *, unit="mm", **fields):
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units(unit, "sec")
    for name, value in fields.items():
        image.header[name] = value
    nib.save(image, path)
    return path


def save_raw(path, data, header):
    """Write header and values as they are: nibabel would bring both into order."""
    header = header.copy()
    header.set_data_dtype(data.dtype)
    header["vox_offset"] = 352
    if not data.dtype.isnative:
        header = header.as_byteswapped()
    opened = gzip.open if path.name.endswith(".gz") else open
    with opened(path, "wb") as file:
        header.write_to(file)
        file.write(data.tobytes(order="F"))


def save_odd(path, **fields):
    """Write a scan whose header has fields that no affine gives."""
    header = nib.Nifti1Image(numbered(), PLAIN).header
    for name, value in fields.items():
        header[name] = value
    save_raw(path, numbered(), header)


def world_of(affine, voxel):
    """Superior, posterior and left of a voxel (i, j, k), by nibabel."""
    right, anterior, superior = nib.affines.apply_affine(affine, voxel)
    return np.array([superior, -anterior, -right])


def places(volume):
    """Every voxel's place by the geometry, keyed by its value."""
    data = np.asarray(volume.data)
    return {int(data[place]): (volume.geometry.affine @ [*place, 1])[:3] for place in np.ndindex(data.shape)}


# Place


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_a_scan_as_it_is_usually_stored_keeps_its_order_with_slices_first(tmp_path, name):
    volume = read_nifti(save(tmp_path / name, numbered()))
    np.testing.assert_array_equal(np.asarray(volume.data), numbered().T)
    assert volume.reading.describe() == "Z=3, Y=4, X=5, 1 channel, 2.5 x 0.75 x 0.5 mm"
    assert volume.geometry.spacing == (2.5, 0.75, 0.5)
    np.testing.assert_array_equal(volume.geometry.affine[:3, 3], [-100, -60, -90])
    assert (volume.modality, volume.labels) == (None, False)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    spacing=st.tuples(*[st.floats(0.2, 8)] * 3),
    mirrored=st.booleans(),
)
def test_every_voxel_lies_where_the_files_own_affine_puts_it(tmp_path_factory, seed, angles, spacing, mirrored):
    linear = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ np.diag(spacing)
    if mirrored:
        linear[:, 0] *= -1
    affine = nib.affines.from_matvec(linear, np.random.default_rng(seed).uniform(-500, 500, 3))
    path = save(tmp_path_factory.getbasetemp() / "turned.nii.gz", numbered(), affine)
    stored = nib.load(path).affine
    for value, place in places(read_nifti(path)).items():
        voxel = np.unravel_index(value, SHAPE)
        np.testing.assert_allclose(place, world_of(stored, voxel), atol=1e-6)


@pytest.mark.parametrize("columns", [(0, 1, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0), (0, 2, 1), (1, 0, 2)])
@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1)])
def test_axes_of_the_data_run_to_head_back_and_left_whatever_the_files_run_to(tmp_path, columns, signs):
    affine = np.eye(4)
    affine[:3, :3] = (np.diag([1.0, 2.0, 3.0]) * signs)[:, columns]
    volume = read_nifti(save(tmp_path / "a.nii", numbered(), affine))
    steps = volume.geometry.affine[:3, :3]
    np.testing.assert_array_equal(steps, np.diag([3.0, 2.0, 1.0]))


def test_the_sform_counts_and_else_the_qform(tmp_path):
    image = nib.Nifti1Image(numbered(), PLAIN)
    other = PLAIN.copy()
    other[2, 3] = 7
    image.set_sform(PLAIN, code=1)
    image.set_qform(other, code=1)
    nib.save(image, tmp_path / "both.nii")
    image.set_sform(PLAIN, code=0)
    nib.save(image, tmp_path / "qform.nii")
    assert read_nifti(tmp_path / "both.nii").geometry.affine[0, 3] == -100
    assert read_nifti(tmp_path / "qform.nii").geometry.affine[0, 3] == 7


def test_with_neither_form_the_size_of_the_voxels_is_kept(tmp_path):
    image = nib.Nifti1Image(numbered(), None)
    image.header["pixdim"][1:4] = (0.5, 0.75, 2.5)
    image.set_sform(None, code=0)
    image.set_qform(None, code=0)
    nib.save(image, tmp_path / "a.nii")
    assert read_nifti(tmp_path / "a.nii").geometry.spacing == (2.5, 0.75, 0.5)


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1), ("micron", 1e-3), ("meter", 1e3), ("unknown", 1)])
def test_lengths_come_in_millimetres(tmp_path, unit, factor):
    affine = PLAIN.copy()
    affine[:3] /= factor
    volume = read_nifti(save(tmp_path / "a.nii", numbered(), affine, unit=unit))
    np.testing.assert_allclose(volume.geometry.spacing, (2.5, 0.75, 0.5), rtol=1e-6)
    np.testing.assert_allclose(volume.geometry.affine[:3, 3], [-100, -60, -90], rtol=1e-6)
    assert volume.reading.unit == "mm"


# Values


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize(
    ("stored", "slope", "inter", "dtype"),
    [
        pytest.param("int16", 1, 0, "int16", id="as stored"),
        pytest.param("uint8", 1, -1000, "int16", id="whole numbers stay whole"),
        pytest.param("uint8", 2000, 0, "int32", id="too large for 16 bits"),
        pytest.param("int16", 0.1, 0, "float32", id="fractions"),
        pytest.param(">i2", 1, 0, "int16", id="big-endian"),
        pytest.param("float32", 1, 0, "float32", id="float"),
        pytest.param("int32", 0.5, 1, "float64", id="fractions of many digits"),
    ],
)
def test_values_are_rescaled_to_the_smallest_type_that_holds_them(tmp_path, name, stored, slope, inter, dtype):
    data = numbered(dtype=stored)
    data[0, 0, 0] = 255
    image = nib.Nifti1Image(data, PLAIN)
    image.header.set_slope_inter(slope, inter)
    save_raw(tmp_path / name, data, image.header)
    volume = read_nifti(tmp_path / name)
    assert volume.data.dtype == np.dtype(dtype)
    assert volume.data.dtype.isnative
    np.testing.assert_allclose(np.asarray(volume.data), np.asarray(nib.load(tmp_path / name).dataobj).T, rtol=1e-6)
    np.testing.assert_allclose(np.asarray(volume.data), data.T.astype(float) * slope + inter, rtol=1e-6)


def test_a_plain_file_is_read_plane_by_plane(tmp_path, monkeypatch):
    from nibabel.arrayproxy import ArrayProxy

    path = save(tmp_path / "a.nii", numbered((6, 5, 40)))
    asked = []
    read = ArrayProxy.__getitem__
    monkeypatch.setattr(ArrayProxy, "__getitem__", lambda self, place: asked.append(place) or read(self, place))
    volume = read_nifti(path)
    assert isinstance(volume.data, da.Array)
    assert asked == []
    np.testing.assert_array_equal(np.asarray(volume.data[7]), numbered((6, 5, 40))[:, :, 7].T)
    assert [np.arange(40)[place[2]] for place in asked] == [7]


def test_a_file_with_time_has_time_first_and_its_step(tmp_path):
    data = numbered((5, 4, 3, 2))
    path = save(tmp_path / "a.nii.gz", data)
    image = nib.load(path)
    image.header["pixdim"][4] = 1500
    image.header.set_xyzt_units("mm", "msec")
    nib.save(image, tmp_path / "b.nii.gz")
    volume = read_nifti(tmp_path / "b.nii.gz")
    assert volume.reading.axes == "TZYX"
    assert volume.frame_seconds == 1.5
    np.testing.assert_array_equal(np.asarray(volume.data), data.T)
    assert volume.geometry.spacing == (2.5, 0.75, 0.5)


@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 1), (5, 4, 1, 1, 1)])
def test_axes_of_length_one_beyond_space_are_left_out(tmp_path, shape):
    volume = read_nifti(save(tmp_path / "a.nii", numbered(shape)))
    np.testing.assert_array_equal(np.asarray(volume.data), numbered((5, 4, 1)).T)
    assert volume.reading.axes == "ZYX"


def test_axes_named_by_hand_win(tmp_path):
    assert read_nifti(save(tmp_path / "a.nii", numbered()), axes="TYX").reading.axes == "TYX"


def test_a_file_that_says_so_holds_labels(tmp_path):
    assert read_nifti(save(tmp_path / "a.nii", numbered(), intent_code=1002)).labels


def test_nifti_2_is_read(tmp_path):
    nib.save(nib.Nifti2Image(numbered(), PLAIN), tmp_path / "a.nii.gz")
    volume = read_nifti(tmp_path / "a.nii.gz")
    np.testing.assert_array_equal(np.asarray(volume.data), numbered().T)
    np.testing.assert_array_equal(volume.geometry.affine[:3, 3], [-100, -60, -90])


# Rare headers


@pytest.mark.parametrize("code", [4, 5, 6, 7, 5 + 8, 255])
def test_a_unit_that_there_is_not_means_mm_and_is_noted(tmp_path, code):
    save_odd(tmp_path / "a.nii", xyzt_units=code)
    volume = read_nifti(tmp_path / "a.nii")
    assert volume.geometry.spacing == (2.5, 0.75, 0.5)
    assert [f"has the code {code & 7}" in note for note in volume.geometry.notes] == [True]


def test_a_time_unit_that_there_is_not_leaves_the_time_unknown(tmp_path):
    save(tmp_path / "a.nii", numbered((5, 4, 3, 2)), pixdim=[1, 0.5, 0.75, 2.5, 3, 0, 0, 0], xyzt_units=2 + 48)
    assert read_nifti(tmp_path / "a.nii").frame_seconds == 1.0


@pytest.mark.parametrize(("moved", "words"), [(0.01, None), (12.0, "up to 12 mm apart")])
def test_where_sform_and_qform_disagree_the_sform_counts_and_it_is_noted(tmp_path, moved, words):
    image = nib.Nifti1Image(numbered(), PLAIN)
    elsewhere = PLAIN.copy()
    elsewhere[0, 3] += moved
    image.set_sform(PLAIN, 1)
    image.set_qform(elsewhere, 1)
    nib.save(image, tmp_path / "a.nii")
    geometry = read_nifti(tmp_path / "a.nii").geometry
    np.testing.assert_allclose(geometry.affine[:3, 3], [-100, -60, -90])
    assert [words in note for note in geometry.notes] == ([] if words is None else [True])


@pytest.mark.parametrize(("sform", "qform", "known"), [(0, 0, False), (1, 0, True), (0, 1, True), (99, 0, False)])
def test_a_place_is_known_where_a_code_says_so(tmp_path, sform, qform, known):
    save_odd(tmp_path / "a.nii", sform_code=sform, qform_code=qform, pixdim=[1, 0.5, 0.75, 2.5, 0, 0, 0, 0])
    geometry = read_nifti(tmp_path / "a.nii").geometry
    assert geometry.known == known
    assert geometry.spacing == (2.5, 0.75, 0.5)


def test_whole_slopes_that_no_integer_holds_give_floats(tmp_path):
    save_odd(tmp_path / "a.nii", scl_slope=2.0**70, scl_inter=0)
    np.testing.assert_array_equal(np.asarray(read_nifti(tmp_path / "a.nii").data), numbered().T * 2.0**70)


@given(st.sampled_from(sorted(set(nib.nifti1.header_dtype.names) - {"magic"})), st.binary(min_size=80, max_size=80))
@settings(max_examples=60, deadline=None)
def test_any_content_of_a_field_is_read_or_refused_with_a_sentence(tmp_path_factory, field, content):
    path = tmp_path_factory.mktemp("odd") / "a.nii"
    save(path, numbered())
    start, kind = nib.nifti1.header_dtype.fields[field][1], nib.nifti1.header_dtype.fields[field][0]
    whole = path.read_bytes()
    path.write_bytes(whole[:start] + content[: kind.itemsize] + whole[start + kind.itemsize :])
    refused = None
    try:
        np.asarray(read_nifti(path).data)
    except ImageError as error:
        refused = str(error)
    assert refused is None or refused.startswith(f"{path}: ")


# What is refused


def flat(path):
    save_odd(path, srow_x=(1, 0, 0, 0), srow_y=(2, 0, 0, 0), srow_z=(0, 0, 1, 0))


def zero(path):
    save_odd(path, sform_code=2, srow_x=0, srow_y=0, srow_z=0)


def not_a_number(path):
    save_odd(path, srow_z=np.nan)


def bad_quaternion(path):
    save_odd(path, sform_code=0, qform_code=1, quatern_b=3, quatern_c=3)


def five_axes(path):
    save(path, numbered((5, 4, 3, 2, 2)))


def complex_numbers(path):
    save(path, numbered().astype("complex64"))


def colours(path):
    data = np.zeros(SHAPE, [("R", "u1"), ("G", "u1"), ("B", "u1")])
    save(path, data)


def vectors(path):
    save(path, numbered((5, 4, 3, 1, 3)).astype("float32"), intent_code=1007)


def cifti(path):
    scalars, everywhere = nib.cifti2.ScalarAxis(["a"]), np.ones((2, 2, 2))
    brain = nib.cifti2.BrainModelAxis.from_mask(everywhere, affine=np.eye(4))
    named = path.with_name("a.dscalar.nii")  # nibabel goes by the name
    nib.save(nib.Cifti2Image(np.zeros((1, 8), "float32"), (scalars, brain)), named)
    content = named.read_bytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def half_of_a_pair(path):
    nib.save(nib.Nifti1Pair(numbered(), PLAIN), path.with_name("pair.hdr"))
    content = path.with_name("pair.hdr").read_bytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def analyze(path):
    nib.save(nib.AnalyzeImage(numbered(), PLAIN), path.with_name("old.hdr"))
    content = path.with_name("old.hdr").read_bytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def no_rows(path):
    save_odd(path, dim=[3, 5, -4, 3, 1, 1, 1, 1])


def cut_off(path):
    save(path, numbered((30, 30, 30)))
    path.write_bytes(path.read_bytes()[:-100])


def cut_in_the_header(path):
    save(path, numbered())
    path.write_bytes(path.read_bytes()[:300])


def empty(path):
    path.write_bytes(b"")


def text(path):
    path.write_text("a scan?\n" * 60)


def missing(path):
    pass


REFUSED = [
    pytest.param(flat, "its affine is flat", id="flat"),
    pytest.param(zero, "its affine is flat", id="zero"),
    pytest.param(not_a_number, "NaN or infinite", id="NaN"),
    pytest.param(bad_quaternion, "is cut off or damaged", id="quaternion"),
    pytest.param(five_axes, "it has 5 axes", id="five axes"),
    pytest.param(vectors, "it has 5 axes", id="vectors"),
    pytest.param(cifti, "it is CIFTI", id="CIFTI"),
    pytest.param(half_of_a_pair, "NIfTI in two files", id="a pair's header"),
    pytest.param(analyze, "is no NIfTI", id="Analyze"),
    pytest.param(no_rows, "it is empty", id="negative length"),
    pytest.param(complex_numbers, "complex numbers", id="complex"),
    pytest.param(colours, "its voxels are colours", id="colours"),
    pytest.param(cut_off, "is cut off", id="cut off"),
    pytest.param(empty, "is empty", id="empty"),
    pytest.param(text, "is no NIfTI", id="text"),
    pytest.param(missing, "there is no such file", id="missing"),
]


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
@pytest.mark.parametrize(("make", "words"), REFUSED)
def test_what_cannot_be_used_is_refused_with_a_sentence_about_the_file(tmp_path, name, make, words):
    path = tmp_path / name
    make(path)
    if make is text and name.endswith(".gz"):
        path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(ImageError, match=words) as refused:
        read_nifti(path).data[:].sum()
    assert str(refused.value).startswith(f"{path}: ")


def test_a_name_that_does_not_fit_the_content_is_refused_with_the_name_that_does(tmp_path):
    packed = save(tmp_path / "a.nii.gz", numbered()).rename(tmp_path / "b.nii")
    with pytest.raises(ImageError, match=r"rename it to b\.nii\.gz"):
        read_nifti(packed)
    plain = save(tmp_path / "c.nii", numbered()).rename(tmp_path / "d.nii.gz")
    with pytest.raises(ImageError, match=r"rename it to d\.nii$"):
        read_nifti(plain)


def test_a_plain_file_that_goes_away_later_is_an_error_about_the_file(tmp_path):
    path = save(tmp_path / "a.nii", numbered())
    volume = read_nifti(path)
    Path(path).unlink()
    with pytest.raises(ImageError, match=r"a\.nii: the NIfTI is cut off or damaged"):
        np.asarray(volume.data)
