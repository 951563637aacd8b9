"""Differences of maps, against linear functions, which linear interpolation gives exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from src_models.attention import difference as map_difference
from src_models.attention.difference import difference
from src_models.attention.placed_map import PlacedMap
from src_models.errors import UserError


def centres(shape, scale, translate):
    axes = [start + np.arange(size) * step for size, step, start in zip(shape, scale, translate, strict=True)]
    return np.meshgrid(*axes, indexing="ij")


def placed(data, scale, translate=None, *, name="gate 2", level=2):
    translate = tuple(step / 2 - 0.5 for step in scale) if translate is None else translate
    return PlacedMap(name, "attention gate", "what it means", level, data, tuple(scale), tuple(translate))


def linear(shape, scale, slopes, translate=None, **words):
    """A map with the value ``sum(slope * position)`` at every centre."""
    empty = placed(np.zeros(shape), scale, translate, **words)
    values = sum(slope * axis for slope, axis in zip(slopes, centres(shape, empty.scale, empty.translate), strict=True))
    return placed(values, scale, translate, **words)


def inside(fine, coarse):
    """Cells of the fine map between the outermost centres of the coarse one."""
    where = True
    for axis, positions in enumerate(centres(np.shape(fine.data), fine.scale, fine.translate)):
        low = coarse.translate[axis]
        where = where & (positions >= low) & (positions <= low + (coarse.data.shape[axis] - 1) * coarse.scale[axis])
    return where


@given(
    fine=st.integers(1, 4),
    factor=st.integers(1, 5),
    sizes=st.lists(st.integers(9, 40), min_size=2, max_size=3),
    seed=st.integers(0, 1000),
)
def test_linear_maps_differ_by_a_linear_map_on_the_finer_grid(fine, factor, sizes, seed):
    rng = np.random.default_rng(seed)
    of_first, of_second = rng.normal(size=(2, len(sizes)))
    grids = [tuple(-(-size // step) for size in sizes) for step in (fine, fine * factor)]
    first = linear(grids[0], [fine] * len(sizes), of_first)
    second = linear(grids[1], [fine * factor] * len(sizes), of_second)
    wanted = linear(grids[0], [fine] * len(sizes), of_first - of_second).data
    for one, other, sign in ((first, second, 1), (second, first, -1)):
        found = difference(one, other)
        assert (found.scale, found.translate, found.kind) == (first.scale, first.translate, "difference")
        where = inside(first, second)
        np.testing.assert_allclose(found.data[where], sign * wanted[where], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("shift", [-0.5, 0.25, 0.5, 1.75])
def test_the_offset_of_cells_counts(shift):
    first = linear((20, 24), (2, 2), (1, -3))
    second = linear((20, 24), (2, 2), (1, -3), translate=(0.5 + shift, 0.5))
    found = difference(first, second)
    np.testing.assert_allclose(found.data[1:-1], 0, atol=1e-5)  # as read by index, it would be `shift` everywhere
    at_index = np.asarray(first.data) - second.data
    np.testing.assert_allclose(at_index, -shift)


def test_cells_of_a_zoomed_run_are_compared_in_pixels_of_the_image():
    first = linear((27, 33), (100 / 27, 100 / 33), (0.5, 0.25))
    second = linear((50, 50), (2, 2), (0.5, 0.125))
    found = difference(first, second)
    assert found.scale == (2, 2)
    x = centres((50, 50), second.scale, second.translate)[1]
    where = inside(second, first)
    np.testing.assert_allclose(found.data[where], 0.125 * x[where], rtol=1e-5)


def test_beyond_the_outermost_centres_the_outermost_value_holds():
    first = placed(np.zeros((1, 8)), (1, 1))
    second = placed(np.array([[1.0, 3.0]]), (1, 4))
    np.testing.assert_allclose(difference(first, second).data, -np.array([[1, 1, 1.25, 1.75, 2.25, 2.75, 3, 3]]))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("scale", [(1.0, 7.3, 7.3), (1.0, 2.0, 2.0)])
def test_equal_grids_are_subtracted_exactly(dtype, scale):
    one, other = np.random.default_rng(0).random((2, 3, 50, 60)).astype(dtype)
    found = difference(placed(one, scale), placed(other, scale))
    wanted = (one.astype("float64") - other).astype("float32")
    np.testing.assert_array_equal(found.data, wanted)


def test_each_plane_of_a_stack_is_compared_with_its_own():
    first = np.arange(3.0)[:, None, None] * np.ones((3, 8, 8))
    second = placed(np.array([5.0, 7.0, 11.0])[:, None, None] * np.ones((3, 4, 4)), (1, 4, 4))
    found = difference(placed(first, (1, 2, 2)), second)
    np.testing.assert_array_equal(found.data[:, 0, 0], [-5, -6, -9])


def test_large_maps_are_computed_in_blocks_to_the_same_end(monkeypatch):
    rng = np.random.default_rng(1)
    first, second = placed(rng.random((3, 21, 30)), (1, 2, 2)), placed(rng.random((3, 11, 15)), (1, 4, 4))
    whole = difference(first, second).data
    monkeypatch.setattr(map_difference, "_BLOCK", 100)
    np.testing.assert_allclose(difference(first, second).data, whole, atol=1e-12)


def test_its_name_says_what_was_taken_from_what():
    gate, zoomed = placed(np.zeros((8, 8)), (2, 2)), placed(np.zeros((4, 4)), (4, 4))
    found = difference(gate, zoomed, models=("nuclei", "nuclei-unet"))
    assert found.name == "gate 2: nuclei - nuclei-unet"
    assert found.description == "gate 2 of nuclei less gate 2 of nuclei-unet, on cells of 2 x 2 px"
    assert difference(zoomed, gate).name == "gate 2 - gate 2"
    whole, only = (
        PlacedMap(f"{branch} 2.1 received", "attention received", "", 3, np.ones((8, 8)), (2, 2), (0.5, 0.5))
        for branch in ("global", "block")
    )
    found = difference(whole, only, models=("a", "b"))
    assert found.name == "a global 2.1 received - b block 2.1 received"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        pytest.param("gate 3", "attention gate", id="a gate of another level"),
        pytest.param("gate 2 map 1", "attention gate", id="one of several"),
        pytest.param("global 2.1 received", "attention received", id="attention received"),
        pytest.param("global 2.1 positions in output", "positional share", id="positions"),
        pytest.param("gate 2", "difference", id="a difference"),
    ],
)
def test_maps_that_do_not_mean_the_same_are_refused(name, kind):
    gate = placed(np.ones((8, 8)), (2, 2))
    other = PlacedMap(name, kind, "", 2, np.zeros((8, 8)), (2, 2), (0.5, 0.5))
    with pytest.raises(UserError, match=rf"'gate 2' .* '{name}' .* do not mean the same"):
        difference(gate, other)
    with pytest.raises(UserError, match="do not mean the same"):
        difference(other, gate)


@pytest.mark.parametrize(
    ("shape", "scale", "translate"),
    [
        pytest.param((3, 16, 16), (1, 4, 4), None, id="another width and height"),
        pytest.param((3, 8, 10), (1, 4, 4), None, id="another width"),
        pytest.param((2, 8, 8), (1, 4, 4), None, id="another number of planes"),
        pytest.param((8, 8), (4, 4), None, id="no planes"),
        pytest.param((3, 8, 8), (1, 4, 4), (0, 7.5, 1.5), id="another place"),
    ],
)
def test_maps_of_different_images_are_refused(shape, scale, translate):
    first = placed(np.zeros((3, 16, 16)), (1, 2, 2))
    assert difference(first, placed(np.zeros((3, 8, 8)), (1, 4, 4), (0, 1.5, 1.5))).data.shape == (3, 16, 16)
    with pytest.raises(UserError, match=r"'gate 2' .* 'gate 9' .* different images"):
        difference(first, placed(np.zeros(shape), scale, translate, name="gate 9"))
