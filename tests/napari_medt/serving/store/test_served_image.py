from __future__ import annotations

import itertools

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile
from served import affine, ball, write_nifti

from napari_medt.serving.answers import Refusal
from napari_medt.serving.store.served_image import open_image, right_handed
from src_models.errors import ImageError
from src_models.files.volumes.geometry import VolumeGeometry
from src_models.files.volumes.nrrd import read_nrrd
from src_models.files.volumes.nrrd_labels import write_nrrd

EVERY_GRID = [
    "".join(sides) for order in itertools.permutations(("RL", "AP", "SI")) for sides in itertools.product(*order)
]


def world_of(matrix, voxel):
    """Return where a voxel (i, j, k) is: superior, posterior, left (mm)."""
    right, anterior, superior = (matrix @ [*voxel, 1])[:3]
    return np.array([superior, -anterior, -right])


@pytest.mark.parametrize("axes", EVERY_GRID)
def test_voxels_of_a_client_are_the_same_places_in_the_patient(tmp_path, axes):
    """For all 48 ways in which a grid may lie: one that a client sent is its own, one of the folder right-handed."""
    values = np.arange(5 * 4 * 3, dtype=np.int16).reshape(5, 4, 3)
    matrix = affine(axes)
    path = write_nifti(tmp_path / "scan.nii.gz", values, matrix)
    for of_client in (True, False):
        image = open_image(path, "scan", of_client=of_client)
        reverse = not of_client and np.linalg.det(matrix[:3, :3]) < 0
        assert image.grid_shape == (3, 4, 5)
        assert np.linalg.det(image.geometry.grid_affine[:3, :3]) > 0 or of_client
        for voxel in itertools.product(range(5), range(4), range(3)):
            in_file = (*voxel[:2], 2 - voxel[2] if reverse else voxel[2])
            place = image.to_data(voxel)
            assert image.data[place] == values[in_file]
            k_j_i = [*voxel[::-1], 1]
            np.testing.assert_allclose((image.geometry.affine @ [*place, 1])[:3], world_of(matrix, in_file), atol=1e-4)
            np.testing.assert_allclose((image.geometry.grid_affine @ k_j_i)[:3], world_of(matrix, in_file), atol=1e-4)


@pytest.mark.parametrize("axes", ["RAS", "LAS", "LPS", "RSP", "ASL", "PIR"])
def test_results_come_back_on_the_client_s_grid(tmp_path, axes):
    path = write_nifti(tmp_path / "scan.nii.gz", ball(), affine(axes))
    image = open_image(path, "scan", of_client=True)
    np.testing.assert_array_equal(image.to_grid(np.asarray(image.data)).T, ball())


@pytest.mark.parametrize("axes", ["RAS", "LAS", "LPS", "RSP", "ASL", "PIR"])
def test_slices_of_a_client_are_planes_to_click_in(tmp_path, axes):
    values = np.arange(5 * 4 * 3, dtype=np.int16).reshape(5, 4, 3)
    view = open_image(write_nifti(tmp_path / "s.nii", values, affine(axes)), "s", of_client=True).slices()
    assert view.data.shape == view.reading.shape
    for voxel in itertools.product(range(5), range(4), range(3)):
        (plane,), row, column = view.place(voxel)
        assert view.data[plane, row, column] == values[voxel]
        labels = view.empty()
        labels[plane, row, column] = 1
        assert np.argwhere(view.to_grid(labels)).tolist() == [[*voxel[::-1]]]
    spacing = [view.reading.spacing[letter] for letter in "ZYX"]
    assert spacing[0] == pytest.approx(1.5), "from slice to slice of the client's"
    assert sorted(spacing[1:]) == pytest.approx([0.75, 2.0])


def test_what_is_handed_out_is_read_by_others_at_the_same_place(tmp_path):
    import SimpleITK as sitk
    from served import ras_of

    matrix = affine("LAS")
    image = open_image(write_nifti(tmp_path / "s.nii.gz", ball(), matrix), "s", of_client=False)
    write_nrrd(tmp_path / "copy.nrrd", image.grey(), image.geometry)
    copy = sitk.ReadImage(str(tmp_path / "copy.nrrd"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(copy).T, ball()[:, :, ::-1])
    found = ras_of(copy)
    assert np.linalg.det(found[:3, :3]) > 0
    np.testing.assert_allclose(found @ [3, 7, 0, 1], matrix @ [3, 7, 19, 1], atol=1e-4)
    again = read_nrrd(tmp_path / "copy.nrrd")
    np.testing.assert_allclose(again.geometry.affine, image.geometry.affine, atol=1e-4)


def test_a_right_handed_grid_stays_as_it_is():
    geometry = VolumeGeometry.of_grid(np.diag([3.0, 0.5, 0.5, 1.0]), (20, 30, 40))
    assert right_handed(geometry) is geometry


def test_a_leaning_grid_is_turned_without_being_bent():
    lean = np.array([[3.0, 0.4, 0, 5], [0, 0.7, 0, 6], [0, 0, -0.7, 7], [0, 0, 0, 1]])
    geometry = VolumeGeometry.of_grid(lean, (20, 30, 40))
    turned = right_handed(geometry)
    np.testing.assert_allclose(turned.affine, geometry.affine)
    np.testing.assert_allclose(turned.grid_affine @ [0, 4, 5, 1], lean @ [19, 4, 5, 1])


def test_a_picture_is_a_slice_of_grey(tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8)
    iio.imwrite(tmp_path / "cells.png", colours)
    image = open_image(tmp_path / "cells.png", "cells.png", of_client=False)
    assert image.grid_shape == (1, 6, 9)
    assert image.to_data((7, 2, 0)) == (0, 2, 7)
    wanted = np.rint(colours @ [0.2126, 0.7152, 0.0722])
    np.testing.assert_array_equal(image.grey(), wanted[None])
    assert image.data.shape == (6, 9, 3), "models see the colours"
    view = image.slices()
    assert view.place((7, 2, 0)) == ((), 2, 7)


def test_a_picture_has_the_size_of_its_pixels_in_mm(tmp_path):
    stack = np.zeros((4, 6, 9), np.uint8)
    metadata = {"axes": "ZYX", "spacing": 2.5, "unit": "um"}
    tifffile.imwrite(tmp_path / "s.tif", stack, imagej=True, resolution=(4, 4), metadata=metadata)
    image = open_image(tmp_path / "s.tif", "s.tif", of_client=False)
    assert image.geometry.spacing == pytest.approx((2.5e-3, 0.25e-3, 0.25e-3))
    assert image.grid_shape == (4, 6, 9)


@pytest.mark.parametrize("voxel", [(-1, 0, 0), (0, -1, 0), (0, 0, -1), (48, 0, 0), (0, 40, 0), (0, 0, 20)])
def test_points_outside_are_told_with_the_size_of_the_volume(tmp_path, voxel):
    image = open_image(write_nifti(tmp_path / "s.nii.gz", ball(), affine()), "s", of_client=True)
    image.check((47, 39, 19))
    with pytest.raises(Refusal, match="48 x 40 x 20 voxels"):
        image.check(voxel)


@pytest.mark.parametrize(("axes", "shape"), [("TYX", (3, 8, 9)), ("CYX", (4, 8, 9)), ("TZYX", (2, 3, 8, 9))])
def test_films_and_dyes_are_no_volumes(tmp_path, axes, shape):
    metadata = {"axes": axes}
    tifffile.imwrite(tmp_path / "s.ome.tif", np.zeros(shape, np.uint8), ome=True, metadata=metadata)
    with pytest.raises(ImageError, match=r"save the .* as a file of its own"):
        open_image(tmp_path / "s.ome.tif", "s", of_client=False)


def test_one_point_in_time_is_a_volume(tmp_path):
    values = ball()[..., None]
    image = open_image(write_nifti(tmp_path / "s.nii.gz", values, affine()), "s", of_client=True)
    np.testing.assert_array_equal(image.to_grid(np.asarray(image.data)).T, ball())


def test_an_image_that_is_gone_or_damaged_is_told_by_the_client_s_name_of_it(tmp_path):
    folder = tmp_path / "store-of-anna"
    folder.mkdir()
    with pytest.raises(Refusal, match="'my scan' is no longer"):
        open_image(folder / "image.nii.gz", "my scan", of_client=True)
    (folder / "image.nii.gz").write_bytes(b"\x1f\x8b damaged")
    with pytest.raises(ImageError, match="my scan") as error:
        open_image(folder / "image.nii.gz", "my scan", of_client=True)
    assert "anna" not in str(error.value)
    assert "image.nii.gz" not in str(error.value)
