"""How large pixels are, in straight, oblique and sheared spaces."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.labels.measurements.space import PixelSpace


@given(st.integers(0, 2**32 - 1))
def test_a_voxel_has_the_volume_of_the_parallelepiped_of_its_steps(seed):
    random = np.random.default_rng(seed)
    steps = np.eye(3) + random.uniform(-0.3, 0.3, (3, 3))
    a, b, c = steps.T
    assert PixelSpace.of(steps, unit="mm").size == pytest.approx(abs(np.dot(a, np.cross(b, c))), rel=1e-9)


def test_a_shear_does_not_change_the_volume_though_neighbours_are_further_apart():
    straight, leaning = np.diag([5.0, 1.0, 1.0]), np.array([[5.0, 0, 0], [2.0, 1, 0], [0, 0, 1]])
    assert PixelSpace.of(leaning, unit="mm").size == pytest.approx(PixelSpace.of(straight, unit="mm").size)
    assert np.linalg.norm(leaning[:, 0]) > 5


def test_a_plane_in_a_world_of_three_dimensions_has_the_area_of_its_cross_product():
    steps = np.array([[0.3, 0.1], [0.5, -0.2], [0.1, 0.9]])
    assert PixelSpace.of(steps, unit="mm").size == pytest.approx(np.linalg.norm(np.cross(*steps.T)))


@pytest.mark.parametrize(
    ("spacing", "unit", "title", "amount"),
    [
        ((2.0, 0.5, 0.5), "mm", "volume (mL)", 0.5),
        ((0.2, 0.05, 0.05), "cm", "volume (mL)", 0.5),
        ((500.0, 100.0, 100.0), "nanometer", "volume (µm³)", 5.0),
        ((0.5, 0.5), "micron", "area (µm²)", 250.0),
        ((0.5, 0.5), "mm", "area (mm²)", 250.0),
        ((0.5, 0.5), None, "area (scaled px²)", 250.0),
        ((1.0, 1.0), None, "area (px²)", 1000.0),
    ],
)
def test_a_thousand_pixels_in_the_unit_that_people_use(spacing, unit, title, amount):
    space = PixelSpace.of_spacing(spacing, unit)
    assert space.amount_title == title
    assert space.amount(1000) == pytest.approx(amount)


def test_pixels_are_square_where_steps_are_alike_and_at_right_angles():
    turned = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]) * 0.7
    assert PixelSpace.of(turned, unit="mm").even_step == pytest.approx(0.7)
    assert PixelSpace.of_spacing((0.7, 0.8), "mm").even_step is None
    assert PixelSpace.of([[1.0, 0.6], [0.0, 0.8]], unit="mm").even_step is None


def test_pixels_without_a_size_are_refused():
    with pytest.raises(ValueError, match="no size"):
        PixelSpace.of([[1.0, 2.0], [1.0, 2.0]], unit="mm")
