"""Tiles: everywhere, aligned, weighed so that they sum to one, and blended in bounded memory."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from src_models.errors import UserError
from src_models.prediction.tiling import IGNORED, Band, Tiling


@st.composite
def tilings(draw, dimensions=(1, 2, 3)):
    """Any image size with any tile, overlap and stride that go together."""
    count = draw(st.sampled_from(dimensions))
    stride = draw(st.sampled_from([1, 2, 4, 8]))
    largest = {1: 200, 2: 64, 3: 20}[count]
    shape = draw(st.tuples(*[st.integers(1, largest)] * count))
    tile = draw(st.tuples(*[st.integers(largest // 6, largest // 2)] * count))
    overlap = draw(st.tuples(*[st.integers(0, largest // 8)] * count))
    up = [(-(-t // stride) * stride, -(-o // stride) * stride) for t, o in zip(tile, overlap, strict=True)]
    assume(all(2 * o < t for t, o in up))
    return Tiling(shape, tile, overlap, stride)


def tiles_of(tiling):
    return [tile for row in tiling.rows() for tile in row]


def whole_sum(tiling, stride, value):
    """Blend the obvious way: one array of the whole image."""
    total = np.zeros([-(-size // stride) for size in tiling.shape])
    for tile in tiles_of(tiling):
        weights = tiling.weights(tile, stride)
        place = tuple(slice(a // stride, a // stride + n) for a, n in zip(tile.start, weights.shape, strict=True))
        total[place] += weights * value[place]
    return total


@examples(max_examples=40)
@given(tiling=tilings())
def test_tiles_cover_the_image_and_nothing_else(tiling):
    seen = np.zeros(tiling.shape, int)
    for tile in tiles_of(tiling):
        assert all(0 < n <= largest for n, largest in zip(tile.shape, tiling.tile, strict=True))
        assert all(a + n <= size for a, n, size in zip(tile.start, tile.shape, tiling.shape, strict=True))
        seen[tile.region] += 1
    assert seen.min() >= 1
    assert len(tiling) == len(tiles_of(tiling))


@examples(max_examples=40)
@given(tiling=tilings())
def test_tiles_start_at_multiples_of_the_stride(tiling):
    for tile in tiles_of(tiling):
        assert all(start % tiling.stride == 0 for start in tile.start)


@examples(max_examples=40)
@given(tiling=tilings())
def test_tiles_that_do_not_end_with_the_image_are_of_full_size(tiling):
    for tile in tiles_of(tiling):
        for a, n, size, largest in zip(tile.start, tile.shape, tiling.shape, tiling.tile, strict=True):
            assert n == largest or a + n == size


@examples(max_examples=40)
@given(tiling=tilings())
def test_neighbours_overlap_at_least_as_wished(tiling):
    for axis, size in enumerate(tiling.shape):
        spans = sorted({(tile.start[axis], tile.shape[axis]) for tile in tiles_of(tiling)})
        for (first, length), (second, _) in itertools.pairwise(spans):
            assert first + length - second >= tiling.overlap[axis]
        assert spans[-1][0] + spans[-1][1] == size


@examples(max_examples=40)
@given(tiling=tilings())
def test_weights_sum_to_one_at_every_pixel(tiling):
    for tile in tiles_of(tiling):
        assert tiling.weights(tile).min() >= 0
    np.testing.assert_allclose(whole_sum(tiling, 1, np.ones(tiling.shape)), 1, atol=1e-6)


@examples(max_examples=40)
@given(tiling=tilings(), power=st.integers(0, 3))
def test_weights_sum_to_one_at_every_cell_of_a_map(tiling, power):
    stride = min(2**power, tiling.stride)
    cells = [-(-size // stride) for size in tiling.shape]
    np.testing.assert_allclose(whole_sum(tiling, stride, np.ones(cells)), 1, atol=1e-6)


@examples(max_examples=40)
@given(tiling=tilings(dimensions=(1,)))
def test_a_cells_weight_is_the_mean_of_its_pixels(tiling):
    for tile in tiles_of(tiling):
        pixels, cells = tiling.weights(tile), tiling.weights(tile, tiling.stride)
        for index in np.ndindex(cells.shape):
            block = tuple(slice(i * tiling.stride, (i + 1) * tiling.stride) for i in index)
            assert cells[index] == pytest.approx(pixels[block].mean(), abs=1e-6)


@examples(max_examples=40)
@given(tiling=tilings(dimensions=(1, 2)))
def test_the_border_of_a_tile_inside_the_image_has_no_weight(tiling):
    """What a tile sees with too little context: the outer 3/8 of each overlap."""
    for tile in tiles_of(tiling):
        weights = tiling.weights(tile)
        for axis in range(weights.ndim):
            ignored = int(IGNORED * tiling.overlap[axis])
            line = np.moveaxis(weights, axis, 0)
            if tile.start[axis] > 0:
                assert not line[:ignored].any()
            if tile.start[axis] + tile.shape[axis] < tiling.shape[axis]:
                assert not line[len(line) - ignored :].any()


@examples(max_examples=40)
@given(tiling=tilings(), data=st.data())
def test_bands_blend_row_by_row_what_a_whole_sum_would(tiling, data):
    stride = data.draw(st.sampled_from([s for s in (1, 2, 4, 8) if s <= tiling.stride]))
    cells = [-(-size // stride) for size in tiling.shape]
    # A function of the place alone, which every tile sees alike, must come out as it is.
    known = np.add.outer(np.zeros(()), sum(np.ix_(*[np.sin(1 + axis + np.arange(n)) for axis, n in enumerate(cells)])))
    found, handed = np.full((2, *cells), np.nan, np.float32), []

    def sink(first, rows):
        handed.append((first, rows.shape[1]))
        found[:, first : first + rows.shape[1]] = rows

    band = Band(tiling, 2, stride, sink)
    for number, row in enumerate(tiling.rows()):
        for tile in row:
            shape = [-(-n // stride) for n in tile.shape]
            place = tuple(slice(a // stride, a // stride + n) for a, n in zip(tile.start, shape, strict=True))
            band.add(tile, np.stack([known[place], np.full(shape, 7)]).astype(np.float32))
        band.finish_row(number)
    np.testing.assert_allclose(found[0], known, atol=2e-6)
    np.testing.assert_allclose(found[1], 7, atol=1e-5)
    # Handed on once each, in order, without gaps.
    assert [first for first, _ in handed] == [0, *np.cumsum([count for _, count in handed])[:-1]]
    assert sum(count for _, count in handed) == cells[0]


def test_tiles_that_disagree_are_blended_by_their_weights():
    tiling = Tiling((40, 60), (24, 24), (8, 8), 4)
    rng = np.random.default_rng(0)
    values = {tile.index: rng.random(tile.shape) for tile in tiles_of(tiling)}
    expected = np.zeros(tiling.shape)
    for tile in tiles_of(tiling):
        expected[tile.region] += tiling.weights(tile) * values[tile.index]
    found = np.zeros(tiling.shape)
    band = Band(tiling, 1, 1, lambda first, rows: found.__setitem__(slice(first, first + rows.shape[1]), rows[0]))
    for number, row in enumerate(tiling.rows()):
        for tile in row:
            band.add(tile, values[tile.index][None].astype(np.float32))
        band.finish_row(number)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_blend_is_smooth():
    """From one tile to the next the weight rises without a jump over the middle quarter of the overlap."""
    tiling = Tiling((302,), (201,), (100,), 1)
    left, right = (tiling.weights(tile) for tile in tiles_of(tiling))
    assert (left[: 101 + 37] == 1).all()
    assert (left[101 + 63 :] == 0).all()
    np.testing.assert_allclose(left[101:] + right[:100], 1, atol=1e-6)
    assert np.abs(np.diff(left)).max() < 1.6 / 25, "a cubic ramp over 25 px is at most 1.5 times as steep as a line"


def test_the_buffer_is_one_row_of_tiles_high_whatever_the_image():
    kept = []
    for height in (128, 128 * 50):
        tiling = Tiling((height, 256), (64, 64), (16, 16), 8)
        band = Band(tiling, 3, 1, lambda first, rows: None)
        kept.append(band._sum.nbytes)
    assert kept == [3 * 64 * 256 * 4] * 2


def test_sizes_are_rounded_up_to_the_stride():
    tiling = Tiling((1000,), (100,), (17,), 16)
    assert (tiling.tile, tiling.overlap) == ((112,), (32,))


def test_a_tile_too_small_for_its_overlap_is_refused_with_a_size_that_works():
    with pytest.raises(UserError, match="a tile of 64 px is too small for an overlap of 40; use 112 px or more"):
        Tiling((500, 500), (64, 64), (40, 40), 16)
    Tiling((500, 500), (112, 112), (40, 40), 16)


def blended(tiling, seen, origin=(0, 0)):
    """Blend what tiles see; `seen` tells by where a tile starts in the image."""
    out = np.zeros((1, *tiling.shape), np.float32)

    def store(first, rows):
        out[:, first : first + rows.shape[1]] = rows

    band = Band(tiling, 1, 1, store)
    for number, row in enumerate(tiling.rows()):
        for tile in row:
            start = tuple(a + b for a, b in zip(tile.start, origin, strict=True))
            band.add(tile, seen(start, tile.shape))
        band.finish_row(number)
    return out[0]


@pytest.mark.parametrize(
    "region",
    [
        pytest.param((slice(64, 128), slice(0, 96)), id="at an edge"),
        pytest.param((slice(101, 102), slice(77, 190)), id="a row within"),
        pytest.param((slice(0, 207), slice(0, 190)), id="all of it"),
        pytest.param((slice(200, 207), slice(185, 190)), id="the last corner"),
    ],
)
def test_the_tiles_around_a_region_blend_there_as_all_do(region):
    """To the last bit, though each tile sees something else; and those that do not count there are left out."""
    whole = Tiling((207, 190), (64, 64), (16, 16), 8)

    def seen(start, shape):
        return np.random.default_rng(start).normal(size=(1, *shape)).astype(np.float32)

    part, box = whole.around(region)
    inside = tuple(slice(r.start - b.start, r.stop - b.start) for r, b in zip(region, box, strict=True))
    found = blended(part, seen, [side.start for side in box])
    np.testing.assert_array_equal(found[inside], blended(whole, seen)[region])
    counting = 0
    for row in whole.rows():
        for tile in row:
            weights = np.zeros(whole.shape)
            weights[tile.region] = whole.weights(tile)
            counting += weights[region].any()
    assert len(part) == counting
