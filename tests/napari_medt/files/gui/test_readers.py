"""Scans opened and saved in a real viewer: where their voxels are, how they are shown, and where labels go."""

import shutil

import nibabel as nib
import numpy as np
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from napari_medt.files import uneven_slices
from napari_medt.files.readers import scan_reader
from napari_medt.viewer.layer_notes import LayerNotes
from napari_medt.viewer.reading import read_layer
from src_models.errors import ImageError, OutputError
from src_models.files.volumes.nifti_labels import write_nifti_labels

PLUGIN = "napari-medt"
SHAPE = (6, 5, 4)  # i, j, k
# i runs to the patient's right, j to the front and k to the feet: all against napari's z, y, x.
AFFINE = np.array([[0.5, 0, 0, -30], [0, 0.75, 0, 20], [0, 0, -2.5, 100], [0, 0, 0, 1.0]])


def hounsfield(shape=SHAPE, low=-1000):
    return np.linspace(low, 900, int(np.prod(shape))).astype("int16").reshape(shape)


def save(path, data, affine=AFFINE, kind=nib.Nifti1Image):
    image = kind(data, affine)
    image.header.set_xyzt_units("mm", "sec")
    nib.save(image, path)
    return path


def world_of(affine, voxel):
    """Superior, posterior and left of a voxel (i, j, k), by nibabel."""
    right, anterior, superior = nib.affines.apply_affine(affine, voxel)
    return superior, -anterior, -right


@pytest.fixture
def viewer(plugin_registered):
    """A viewer without a window, which opens files like one with it."""
    from napari.components import ViewerModel

    return ViewerModel()


@pytest.fixture
def window(make_napari_viewer, plugin_registered):
    """A viewer with a window: the one that is current when a layer is saved."""
    return make_napari_viewer()


# Opening


def test_a_nifti_opens_at_its_place_in_millimetres_in_the_window_of_soft_tissue(window, tmp_path):
    data = hounsfield()
    (layer,) = window.open(save(tmp_path / "scan.nii.gz", data), plugin=PLUGIN)
    np.testing.assert_allclose(layer.scale, (2.5, 0.75, 0.5))
    assert [str(unit) for unit in layer.units] == ["millimeter"] * 3
    assert layer.axis_labels == ("z", "y", "x")
    assert layer.name == "scan"
    assert layer.contrast_limits == [-150, 250]
    for voxel in ((0, 0, 0), (5, 4, 3), (2, 1, 3)):
        place = layer.world_to_data(world_of(AFFINE, voxel))
        np.testing.assert_allclose(place, np.round(place), atol=1e-6)
        assert layer.data[tuple(np.round(place).astype(int))] == data[voxel]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    points=st.lists(st.tuples(*[st.floats(-50, 600)] * 3), min_size=1, max_size=5),
)
def test_a_layer_takes_any_point_where_the_files_affine_takes_it(tmp_path, angles, points):
    from napari.layers import Image

    linear = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ np.diag((0.7, 0.8, 2.5))
    path = save(
        tmp_path / "turned.nii.gz", np.arange(120, dtype="int16").reshape(SHAPE), nib.affines.from_matvec(linear)
    )
    stored = nib.load(path).affine
    data, options, kind = scan_reader(str(path))(str(path))[0]
    assert kind == "image"
    layer = Image(data, **options)
    corners = [np.unravel_index(layer.data[place], SHAPE) for place in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))]
    first, *steps = (np.array(corner, float) for corner in corners)
    for point in points:  # the same point in voxels of the file, also between and beyond voxels
        voxel = first + sum(number * (step - first) for number, step in zip(point, steps, strict=True))
        np.testing.assert_allclose(layer.data_to_world(point), world_of(stored, voxel), atol=1e-6)


@pytest.mark.parametrize("name", ["", "9.dcm", "7.dcm"])
def test_a_folder_of_slices_opens_as_one_volume_and_so_does_any_file_of_it(viewer, dicom_folder, name):
    (layer,) = viewer.open(dicom_folder / name, plugin=PLUGIN)
    source = pydicom.dcmread(dicom_folder / "9.dcm")
    assert layer.data.shape == (3, 128, 128)
    np.testing.assert_allclose(layer.data_to_world((2, 0, 0)), (-65, -179.035797, -158.135803))
    np.testing.assert_allclose(layer.data_to_world((0, 10, 20))[1:], (-179.035797 + 6.61468, -158.135803 + 13.22936))
    np.testing.assert_array_equal(np.asarray(layer.data[0]), source.pixel_array.astype(int) - 1024)
    assert layer.contrast_limits == [-150, 250]


def test_files_of_one_series_opened_as_a_stack_are_one_layer(viewer, dicom_folder):
    (layer,) = viewer.open(sorted(dicom_folder.iterdir()), stack=True, plugin=PLUGIN)
    assert layer.data.shape == (3, 128, 128)


def test_a_folder_of_several_series_opens_each_and_says_which_is_no_volume(viewer, dicom_folder, messages):
    for number, (description, uid) in enumerate([("Scout", "1.2.3"), ("Scout", "1.2.3"), ("Lung", "1.2.4")]):
        one = pydicom.dcmread(dicom_folder / "9.dcm")
        one.SeriesInstanceUID, one.SeriesDescription = uid, description
        one.save_as(dicom_folder / f"other{number}.dcm")
    layers = viewer.open(dicom_folder, plugin=PLUGIN)
    assert {(layer.name, layer.data.shape) for layer in layers} == {
        ("ct", (3, 128, 128)),
        ("ct - Lung", (1, 128, 128)),
    }
    assert len(messages) == 1
    assert "other0.dcm and other1.dcm are at the same place" in messages[0]


def test_dicom_and_nifti_of_one_scan_lie_on_each_other(viewer, dicom_folder, tmp_path):
    (dicom,) = viewer.open(dicom_folder, plugin=PLUGIN)
    spacing, position = 0.661468, (-158.135803, -179.035797, -75)
    affine = np.array(
        [[-spacing, 0, 0, -position[0]], [0, -spacing, 0, -position[1]], [0, 0, 5, position[2]], [0, 0, 0, 1]]
    )
    values = np.asarray(dicom.data).T.astype("int16")
    # NIfTI-2 has places in 64 bits; the 32 bits of NIfTI-1 hold these to 1e-5 mm.
    for name, kind, near in (("a.nii", nib.Nifti2Image, 1e-6), ("b.nii", nib.Nifti1Image, 1e-4)):
        (nifti,) = viewer.open(save(tmp_path / name, values, affine, kind), plugin=PLUGIN)
        np.testing.assert_array_equal(np.asarray(nifti.data), np.asarray(dicom.data))
        for place in ((0, 0, 0), (2, 127, 127), (1, 30, 99)):
            np.testing.assert_allclose(nifti.data_to_world(place), dicom.data_to_world(place), atol=near)


def test_a_series_of_volumes_has_time_in_seconds(viewer, tmp_path):
    image = nib.Nifti1Image(np.zeros((*SHAPE, 3), "int16"), AFFINE)
    image.header.set_xyzt_units("mm", "msec")
    image.header["pixdim"][4] = 500
    nib.save(image, tmp_path / "film.nii.gz")
    (layer,) = viewer.open(tmp_path / "film.nii.gz", plugin=PLUGIN)
    assert layer.axis_labels == ("t", "z", "y", "x")
    assert str(layer.units[0]) == "second"
    np.testing.assert_allclose(layer.data_to_world((2, 0, 0, 0)), (1, *world_of(AFFINE, (5, 4, 3))))


def test_values_that_are_no_ct_keep_napari_s_contrast(viewer, tmp_path):
    (layer,) = viewer.open(save(tmp_path / "mr.nii", hounsfield(low=0)), plugin=PLUGIN)
    assert layer.contrast_limits != [-150, 250]


def test_what_is_no_scan_is_left_to_other_readers(tmp_path, dicom_folder):
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.txt").write_text("no scan")
    (tmp_path / "cells.zarr").mkdir()
    (tmp_path / "cells.zarr" / ".zgroup").write_text("{}")
    shutil.copytree(dicom_folder, tmp_path / "cells.zarr" / "0")
    assert scan_reader(str(tmp_path / "pictures")) is None
    assert scan_reader(str(tmp_path / "cells.zarr")) is None
    assert scan_reader([str(dicom_folder), str(tmp_path / "pictures")]) is None
    assert scan_reader(str(dicom_folder)) is not None


def test_a_damaged_scan_is_a_sentence_and_no_layer(viewer, dicom_folder):
    (dicom_folder / "8.dcm").unlink()
    pydicom.dcmread(dicom_folder / "7.dcm").save_as(dicom_folder / "copy.dcm")
    with pytest.raises(ImageError, match=r"7\.dcm and copy\.dcm are at the same place"):
        viewer.open(dicom_folder, plugin=PLUGIN)
    assert len(viewer.layers) == 0


# What a file says, and how slices lie


def anew(folder, number, **fields):
    """Write a slice of the folder with other attributes."""
    one = pydicom.dcmread(folder / f"{number}.dcm")
    for name, value in fields.items():
        setattr(one, name, value)
    one.save_as(folder / f"{number}.dcm")


def test_the_file_s_word_wins_over_values_and_goes_with_the_layer(viewer, dicom_folder):
    for number in (7, 8, 9):
        anew(dicom_folder, number, Modality="MR")  # with the values of a CT
    (layer,) = viewer.open(dicom_folder, plugin=PLUGIN)
    assert layer.contrast_limits != [-150, 250]
    assert (read_layer(layer).modality, read_layer(layer).value_unit) == ("MR", "a.u.")
    assert read_layer(layer).describe().endswith("mm, values in a.u.")


def test_padding_goes_with_the_layer(viewer, dicom_folder):
    for number in (7, 8, 9):
        anew(dicom_folder, number, PixelPaddingValue=-2000)
    (layer,) = viewer.open(dicom_folder, plugin=PLUGIN)
    assert read_layer(layer).padding == ((-3024.0, -3024.0),)
    assert read_layer(layer).modality == "CT"


def test_what_was_left_out_is_said(viewer, dicom_folder, messages):
    anew(dicom_folder, 7, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    (layer,) = viewer.open(dicom_folder, plugin=PLUGIN)
    assert layer.data.shape == (2, 128, 128)
    assert messages == ["ct: left out: 7.dcm, which is a localizer"]


def test_folders_of_folders_open_the_scans_in_them(viewer, dicom_folder, tmp_path, messages):
    shutil.copytree(dicom_folder, tmp_path / "cd" / "DICOM" / "SE0")
    (layer,) = viewer.open(tmp_path / "cd", plugin=PLUGIN)
    assert (layer.name, layer.data.shape) == ("cd", (3, 128, 128))
    assert messages == ["cd: the slices are in DICOM/SE0"]
    shutil.copytree(dicom_folder, tmp_path / "cd" / "DICOM" / "SE1")
    for number in (7, 8, 9):
        anew(tmp_path / "cd" / "DICOM" / "SE1", number, SeriesInstanceUID="1.2.3")
    assert [layer.data.shape for layer in viewer.open(tmp_path / "cd", plugin=PLUGIN)] == [(3, 128, 128)] * 2


@pytest.mark.parametrize("name", ["", "9.dcm"])
@pytest.mark.parametrize("answer", [True, False])
def test_a_scan_of_uneven_slices_is_opened_as_a_person_answers(
    viewer, dicom_folder, messages, monkeypatch, name, answer
):
    asked = []
    monkeypatch.setattr(uneven_slices, "ask_to_resample", lambda error: asked.append(error.told) or answer)
    position = pydicom.dcmread(dicom_folder / "7.dcm").ImagePositionPatient
    anew(dicom_folder, 7, ImagePositionPatient=[*position[:2], -60])
    if answer:
        (layer,) = viewer.open(dicom_folder / name, plugin=PLUGIN)
        assert layer.data.shape == (4, 128, 128)
        values = np.asarray(layer.data)
        np.testing.assert_array_equal(values[2], np.rint((values[1].astype(float) + values[3]) / 2))
        assert "resampled from 3 slices, 5 to 10 mm apart, to 4 slices 5 mm apart" in messages[0]
    else:
        with pytest.raises(ImageError, match="1 slice is missing between 8"):
            viewer.open(dicom_folder / name, plugin=PLUGIN)
    assert len(asked) == 1
    assert "missing between 8.dcm" in asked[0]


# Saving


def labels_over(viewer, scan):
    """Labels made from a scan's layer, as a widget makes them."""
    from napari_medt.viewer.placement import placement

    data = np.arange(scan.data.size).reshape(scan.data.shape) % 5
    return viewer.add_labels(data, **placement(scan))


def test_labels_over_a_scan_are_saved_on_its_own_voxels_and_never_over_it(window, tmp_path):
    path = save(tmp_path / "scan.nii.gz", hounsfield())
    before = path.read_bytes()
    (scan,) = window.open(path, plugin=PLUGIN)
    labels = labels_over(window, scan)
    labels.save(str(tmp_path / "mine.nii.gz"))
    with pytest.raises(OutputError, match="is the scan itself"):
        labels.save(str(path))
    assert path.read_bytes() == before
    source, written = nib.load(path), nib.load(tmp_path / "mine.nii.gz")
    np.testing.assert_array_equal(written.affine, source.affine)
    np.testing.assert_array_equal(np.asarray(written.dataobj), labels.data[::-1, ::-1, ::-1].T)
    assert written.header["sform_code"] == source.header["sform_code"]


def test_saved_labels_open_as_labels_and_can_be_painted_and_saved_again(viewer, tmp_path):
    (scan,) = viewer.open(save(tmp_path / "scan.nii", hounsfield()), plugin=PLUGIN)
    expected = np.arange(120).reshape(scan.data.shape) % 5
    write_nifti_labels(tmp_path / "mine.nii", expected, scan.metadata["napari_medt"]["volume"])
    (labels,) = viewer.open(tmp_path / "mine.nii", plugin=PLUGIN)
    assert type(labels).__name__ == "Labels"
    np.testing.assert_array_equal(labels.data, expected)
    labels.data_setitem((np.array([1]), np.array([2]), np.array([3])), 4)
    labels.save(str(tmp_path / "mine.nii"))
    expected[1, 2, 3] = 4
    np.testing.assert_array_equal(np.asarray(nib.load(tmp_path / "mine.nii").dataobj), expected[::-1, ::-1, ::-1].T)


def test_labels_over_slices_of_dicom_are_saved_at_their_place(window, dicom_folder, tmp_path):
    (scan,) = window.open(dicom_folder, plugin=PLUGIN)
    labels = labels_over(window, scan)
    labels.save(str(tmp_path / "mine.nii.gz"))
    window.layers.clear()
    (again,) = window.open(tmp_path / "mine.nii.gz", plugin=PLUGIN)
    np.testing.assert_array_equal(again.data, labels.data)
    for place in ((0, 0, 0), (2, 127, 127)):
        np.testing.assert_allclose(again.data_to_world(place), labels.data_to_world(place), atol=1e-4)


def test_labels_over_slices_of_dicom_are_saved_as_a_segmentation_and_open_with_their_names(
    window, dicom_folder, tmp_path
):
    (scan,) = window.open(dicom_folder, plugin=PLUGIN)
    labels = labels_over(window, scan)
    labels.features = {"index": [1, 3], "name": ["Leber", "left kidney"]}
    labels.save(str(tmp_path / "mine.dcm"))
    content = pydicom.dcmread(tmp_path / "mine.dcm")
    assert [one.SegmentLabel for one in content.SegmentSequence] == ["Leber", "Segment 2", "left kidney", "Segment 4"]
    assert {one.SegmentAlgorithmType for one in content.SegmentSequence} == {"MANUAL"}
    (again,) = window.open(tmp_path / "mine.dcm", plugin=PLUGIN)
    assert type(again).__name__ == "Labels"
    np.testing.assert_array_equal(again.data, labels.data)
    np.testing.assert_allclose(again.data_to_world((2, 5, 7)), labels.data_to_world((2, 5, 7)))
    assert again.features["name"].dropna().tolist() == ["Leber", "Segment 2", "left kidney", "Segment 4"]
    again.save(str(tmp_path / "again.dcm"))
    np.testing.assert_array_equal(pydicom.dcmread(tmp_path / "again.dcm").pixel_array, content.pixel_array)


def test_a_segmentation_says_by_which_model_its_labels_were_made_and_whether_a_person_mended_them(window, dicom_folder):
    (scan,) = window.open(dicom_folder, plugin=PLUGIN)
    labels = labels_over(window, scan)
    for edited, kind in ((False, "AUTOMATIC"), (True, "SEMIAUTOMATIC")):
        notes = LayerNotes(model="organs", edited=edited, provenance={"model_sha256": "ab" * 32})
        labels.metadata = notes.metadata()
        labels.save(str(dicom_folder.parent / f"{kind}.dcm"))
        item = pydicom.dcmread(dicom_folder.parent / f"{kind}.dcm").SegmentSequence[0]
        assert (item.SegmentAlgorithmType, item.SegmentAlgorithmName) == (kind, "organs")
        version = item.SegmentationAlgorithmIdentificationSequence[0].AlgorithmVersion
        assert version == "SHA-256 abababababababab"


def test_labels_over_a_nifti_are_no_segmentation_of_dicom(window, tmp_path):
    (scan,) = window.open(save(tmp_path / "scan.nii.gz", hounsfield()), plugin=PLUGIN)
    with pytest.raises(OutputError, match=r"write NIfTI \(\.nii\.gz\) or NRRD"):
        labels_over(window, scan).save(str(tmp_path / "mine.dcm"))


@pytest.mark.parametrize("shape", [(7, 8), (3, 7, 8), (2, 3, 7, 8)])
def test_labels_over_no_scan_keep_the_place_of_their_layer(viewer, tmp_path, shape):
    data = np.random.default_rng(0).integers(0, 300, shape)
    scale, translate = ([0.5, 2500.0, 0.7, -0.8][-len(shape) :], [0.0, 12.0, 5.0, 9.0][-len(shape) :])
    units = ("s", "um", "mm", "mm")[-len(shape) :]
    layer = viewer.add_labels(data, scale=scale, translate=translate, rotate=None, units=units)
    layer.save(str(tmp_path / "mine.nii.gz"))
    image = nib.load(tmp_path / "mine.nii.gz")
    stored = np.asarray(image.dataobj)
    for place in [tuple(size - 1 for size in shape), (0,) * len(shape)]:
        world = np.array(layer.data_to_world(place))
        superior = world[-3] / 1000 if len(shape) > 2 else 0.0
        voxel = np.linalg.inv(image.affine) @ (-world[-1], -world[-2], superior, 1)
        inside = tuple(np.round(voxel[:3]).astype(int)) + place[:-3]
        np.testing.assert_allclose(voxel, np.round(voxel), atol=1e-4)
        assert stored[inside] == data[place]
    if len(shape) == 4:
        assert image.header.get_zooms()[3] == 0.5


def test_labels_of_too_many_axes_are_refused(viewer, tmp_path):
    layer = viewer.add_labels(np.zeros((2, 2, 2, 3, 3), int))
    with pytest.raises(OutputError, match="these have 5 axes; save them as TIFF"):
        layer.save(str(tmp_path / "mine.nii.gz"))


def test_a_real_scan_and_its_mask_lie_on_each_other(viewer, shared):
    folder = shared / "data" / "ct_totalseg"
    if not folder.is_dir():
        pytest.skip(f"needs the scans in {folder}")
    name = "torso_3mm.nii.gz"
    image, mask = (viewer.open(folder / kind / name, plugin=PLUGIN)[0] for kind in ("images", "masks"))
    np.testing.assert_array_equal(image.affine.affine_matrix, mask.affine.affine_matrix)
    assert image.contrast_limits == [-150, 250]
    organs, values = np.asarray(mask.data), np.asarray(image.data)
    lungs = (organs >= 10) & (organs <= 14)  # lobes of the lung
    assert lungs.sum() > 1000
    assert np.median(values[lungs]) < -600
