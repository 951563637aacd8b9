"""The way from a file's grid to the patient's axes, and back."""

from pathlib import Path

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from src_models.errors import ImageError
from src_models.files.volumes.geometry import VolumeGeometry

PATH = Path("scan")


def turned(angles, spacing, shear=0.0):
    """A matrix from a grid to the world."""
    matrix = np.eye(4)
    lean = np.eye(3)
    lean[1, 0] = shear
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ lean @ np.diag(spacing)
    matrix[:3, 3] = (11, -7, 300)
    return matrix


@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    spacing=st.tuples(*[st.floats(0.2, 8)] * 3),
    shear=st.floats(-0.5, 0.5),
)
def test_grid_and_data_are_two_views_of_the_same_voxels(angles, spacing, shear):
    to_world = turned(angles, spacing, shear)
    grid = np.arange(60).reshape(3, 4, 5)
    geometry = VolumeGeometry.of_grid(to_world, grid.shape, path=PATH)
    data = geometry.to_data(grid)
    assert np.shares_memory(data, grid)
    np.testing.assert_array_equal(geometry.to_grid(data), grid)
    for place in np.ndindex(data.shape):
        stored = np.unravel_index(data[place], grid.shape)
        np.testing.assert_allclose(geometry.affine @ [*place, 1], to_world @ [*stored, 1], atol=1e-9)
    np.testing.assert_allclose(geometry.grid_affine, to_world, atol=1e-9)


@given(angles=st.tuples(*[st.floats(-30, 30)] * 3), spacing=st.tuples(*[st.floats(0.2, 8)] * 3))
def test_a_scan_that_is_turned_a_little_keeps_its_order(angles, spacing):
    geometry = VolumeGeometry.of_grid(turned(angles, spacing), (3, 4, 5), path=PATH)
    assert (geometry.order, geometry.flipped) == ((0, 1, 2), (False, False, False))
    np.testing.assert_allclose(geometry.spacing, spacing)


def test_directions_and_spacing_together_are_the_affine():
    geometry = VolumeGeometry.of_grid(turned((10, 20, 5), (2.5, 0.7, 0.6), 0.3), (3, 4, 5), path=PATH)
    np.testing.assert_allclose(geometry.directions @ np.diag([*geometry.spacing, 1]), geometry.affine)
    np.testing.assert_allclose(np.linalg.norm(geometry.directions[:3, :3], axis=0), 1)


def test_time_in_front_stays_in_front_also_of_lazy_arrays():
    geometry = VolumeGeometry.of_grid(np.diag([1.0, -1, 2, 1])[[2, 1, 0, 3]], (3, 4, 5), path=PATH)
    grid = np.arange(120).reshape(2, 3, 4, 5)
    data = geometry.to_data(da.from_array(grid, chunks=1))
    assert data.shape == (2, 5, 4, 3)
    np.testing.assert_array_equal(data, np.moveaxis(grid[:, :, ::-1], (1, 2, 3), (3, 2, 1)))
    np.testing.assert_array_equal(geometry.to_grid(data), grid)


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        pytest.param(np.full((4, 4), np.nan), "NaN or infinite", id="NaN"),
        pytest.param(np.zeros((4, 4)), "flat", id="zero"),
        pytest.param(np.diag([1, 1, 0, 1.0]), "flat", id="a voxel without height"),
        pytest.param(np.array([[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]), "flat", id="two alike"),
    ],
)
def test_a_matrix_without_a_place_for_every_voxel_is_refused(matrix, words):
    with pytest.raises(ImageError, match=f"scan: .*{words}"):
        VolumeGeometry.of_grid(matrix, (3, 4, 5), path=PATH)
