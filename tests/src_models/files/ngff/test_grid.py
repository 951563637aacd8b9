"""Axes, sizes and places as OME-Zarr and xarray write them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.errors import ImageError
from src_models.files.ngff.grid import coordinates_grid, letters_of, multiscale_grids

NUMBERS = st.floats(0.01, 100)


def axis(name, kind=None, unit=None):
    return {"name": name, **({"type": kind} if kind else {}), **({"unit": unit} if unit else {})}


def multiscale(axes, *transformations, whole=()):
    return {
        "axes": axes,
        "datasets": [{"path": "0", "coordinateTransformations": list(transformations)}],
        "coordinateTransformations": list(whole),
    }


def scale(*numbers):
    return {"type": "scale", "scale": list(numbers)}


def translation(*numbers):
    return {"type": "translation", "translation": list(numbers)}


@pytest.mark.parametrize(
    ("axes", "letters"),
    [
        pytest.param([axis("c"), axis("y"), axis("x")], "CYX", id="names alone"),
        pytest.param([axis("stain", "channel"), axis("y", "space"), axis("x", "space")], "CYX", id="type channel"),
        pytest.param([axis("z", "channel"), axis("y", "space"), axis("x", "space")], "CYX", id="type against name"),
        pytest.param([axis("z", "time"), axis("c", "channel"), axis("y"), axis("x")], "TCYX", id="time against name"),
        pytest.param([axis(a, "space") for a in ("k", "j", "i")], "ZYX", id="space without names"),
        pytest.param([axis(a, "space") for a in ("j", "i")], "YX", id="two of space"),
        pytest.param([axis("x", "space"), axis("y", "space"), axis("z", "space")], "XYZ", id="space in another order"),
        pytest.param([axis("slab", "space"), axis("y", "space"), axis("x", "space")], "ZYX", id="one without a name"),
        pytest.param([axis("angle", "rotation"), axis("y", "space"), axis("x", "space")], "QYX", id="another type"),
    ],
)
def test_types_are_believed_then_names_then_the_order(axes, letters):
    assert letters_of(axes) == letters


@given(scales=st.tuples(*[NUMBERS] * 4), shifts=st.tuples(*[st.floats(-50, 50)] * 4), place=st.tuples(*[NUMBERS] * 2))
def test_a_pixel_lies_where_its_transformations_take_it_one_after_the_other(scales, shifts, place):
    first, second = np.array(scales[:2]), np.array(scales[2:])
    near, far = np.array(shifts[:2]), np.array(shifts[2:])
    described = multiscale(
        [axis("y"), axis("x")], scale(*first), translation(*near), whole=[scale(*second), translation(*far)]
    )
    (grid,) = multiscale_grids(described, "a.zarr")
    expected = second * (first * np.array(place) + near) + far
    np.testing.assert_allclose(np.array(grid.steps) * place + grid.starts, expected, rtol=1e-9, atol=1e-9)


def test_units_that_differ_are_brought_to_that_of_x():
    axes = [
        axis("t", "time", "minute"), axis("c", "channel"), axis("z", "space", "nanometer"), axis("y", "space"),
        axis("x", "space", "micrometer"),
    ]  # fmt: skip
    (grid,) = multiscale_grids(multiscale(axes, scale(2, 1, 500, 0.25, 0.2), translation(1, 0, 3000, 7, -8)), "a.zarr")
    assert grid.known() == {
        "unit": "micrometer",
        "spacing": {"Z": 0.5, "Y": 0.25, "X": 0.2},
        "origin": {"Z": 3.0, "Y": 7.0, "X": -8.0, "T": 60.0},
        "frame_seconds": 120.0,
    }


def test_a_unit_that_is_no_length_keeps_its_numbers():
    axes = [axis("z", "space", "furlongs"), axis("y", "space", "mm"), axis("x", "space", "mm")]
    (grid,) = multiscale_grids(multiscale(axes, scale(3, 2, 1)), "a.zarr")
    assert grid.known()["spacing"] == {"Z": 3.0, "Y": 2.0, "X": 1.0}


def test_a_place_that_is_not_understood_is_refused_and_never_left_out():
    turned = {"type": "rotation", "rotation": [[0, 1], [-1, 0]]}
    elsewhere = {"type": "scale", "path": "sizes"}
    for transformation in (turned, elsewhere):
        with pytest.raises(ImageError, match=r"a\.zarr: it is placed by a transformation of the type"):
            multiscale_grids(multiscale([axis("y"), axis("x")], transformation), "a.zarr")
    (grid,) = multiscale_grids(multiscale([axis("y"), axis("x")], {"type": "identity"}), "a.zarr")
    assert (grid.steps, grid.starts) == ((1.0, 1.0), (0.0, 0.0))


def test_coordinates_give_sizes_and_places_where_they_lie_evenly():
    coordinates = {
        "time": (np.array([0, 30, 60]), "s"),
        "z": (np.array([0.0, 1.0, 4.0]), "um"),
        "y": (10 + 0.5 * np.arange(20), "um"),
        "x": (np.array([f"column {number}" for number in range(30)]), ""),
    }
    grid = coordinates_grid(["time", "z", "y", "x"], coordinates)
    assert grid.letters == "TZYX"
    assert grid.steps == (30.0, 1.0, 0.5, 1.0)
    assert grid.starts == (0.0, 0.0, 10.0, 0.0)
    assert coordinates_grid(["a", "b"], {}).letters is None
