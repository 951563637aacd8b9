"""Layers lie exactly over the image they came from, whatever transform that has."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_medt.viewer.placement import grid_of, placement

AFFINE = np.array([[0.9, 0.3, 5.0], [-0.2, 1.1, -3.0], [0.0, 0.0, 1.0]])

TRANSFORMS = [
    pytest.param({}, id="none"),
    pytest.param({"scale": (0.5, 2.0), "translate": (10, -4)}, id="anisotropic"),
    pytest.param({"scale": (0.5, 2.0), "rotate": 30, "translate": (1, 2)}, id="anisotropic and rotated"),
    pytest.param({"shear": (0.4,), "scale": (1.5, 0.7)}, id="sheared"),
    pytest.param({"shear": np.array([[1, 0], [0.3, 1]]), "scale": (1.5, 0.7)}, id="sheared the other way"),
    pytest.param({"affine": AFFINE}, id="affine"),
    pytest.param(
        {"scale": (-0.5, 2.0), "rotate": 70, "shear": (0.2,), "translate": (7, 8), "affine": AFFINE}, id="all of it"
    ),
]


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("stride", [1, 2, 8])
def test_a_map_covers_the_pixels_its_cells_came_from(transform, stride):
    image = Image(np.zeros((24, 40)), **transform)
    cells = np.zeros((24 // stride, 40 // stride))
    offset = (stride - 1) / 2
    layer = Image(cells, **placement(image, (stride, stride), (offset, offset)))

    for cell in [(0, 0), (2, 1), (23 // stride, 39 // stride)]:
        # the centre of a cell is the mean of the centres of the pixels it covers
        pixels = [(cell[0] * stride + i, cell[1] * stride + j) for i in range(stride) for j in range(stride)]
        expected = np.mean([image.data_to_world(pixel) for pixel in pixels], axis=0)
        np.testing.assert_allclose(layer.data_to_world(cell), expected, atol=1e-9)
    # the outer corner of the first cell is the outer corner of the first pixel, and so at the other end
    for corner in [(-0.5, -0.5), (-0.5, 39.5), (23.5, -0.5), (23.5, 39.5)]:
        own = [(c + 0.5) / stride - 0.5 for c in corner]
        np.testing.assert_allclose(layer.data_to_world(own), image.data_to_world(corner), atol=1e-9)


def test_the_world_position_is_the_composed_matrix():
    """Against napari's documented order, written out: affine @ (R H S x + t)."""
    angle, scale, shear = np.deg2rad(30), np.diag([0.5, 2.0]), np.array([[1, 0.4], [0, 1]])
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    image = Image(np.zeros((8, 8)), scale=(0.5, 2), rotate=30, shear=(0.4,), translate=(3, 4), affine=AFFINE)
    layer = Labels(np.zeros((2, 2), int), **placement(image, (4, 4), (1.5, 1.5)))

    cell = np.array([1.0, 0.0])
    physical = rotation @ shear @ scale @ (4 * cell + 1.5) + [3, 4]
    expected = AFFINE[:2, :2] @ physical + AFFINE[:2, 2]
    np.testing.assert_allclose(layer.data_to_world(cell), expected, atol=1e-12)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_grid_is_where_napari_puts_the_pixels(transform):
    image = Image(np.zeros((24, 40)), **transform)
    grid = grid_of(placement(image), image.data.shape)
    for pixel in ((0, 0), (23, 0), (5, 39)):
        np.testing.assert_allclose((grid.to_world @ [*pixel, 1])[:2], image.data_to_world(pixel), atol=1e-12)


def test_grids_of_different_units_are_compared_in_one():
    micrometres = Image(np.zeros((8, 8)), scale=(500, 250), translate=(1000, 0), units=("um", "um"))
    millimetres = Image(np.zeros((8, 8)), scale=(0.5, 0.25), translate=(1, 0), units=("mm", "mm"))
    one, other = (grid_of(placement(layer), (8, 8)).to_world for layer in (micrometres, millimetres))
    np.testing.assert_allclose(one, other)


def test_three_axes_with_a_rotation_in_space():
    image = Image(np.zeros((6, 8, 8)), scale=(3.0, 0.5, 0.25), rotate=(20, 30, 40), translate=(1, 2, 3))
    layer = Image(np.zeros((1, 4, 4)), **placement(image, (1, 2, 2), (5, 0.5, 0.5)))
    np.testing.assert_allclose(layer.data_to_world((0, 1, 2)), image.data_to_world((5, 2.5, 4.5)), atol=1e-9)


def test_units_and_axis_labels_go_along():
    image = Image(np.zeros((8, 8)), units=("um", "um"), axis_labels=("y", "x"))
    layer = Labels(np.zeros((8, 8), int), **placement(image))
    assert layer.units == image.units
    assert layer.axis_labels == ("y", "x")
