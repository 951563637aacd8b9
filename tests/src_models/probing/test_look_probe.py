"""Where a pixel lies in the grid of a tile."""

from hypothesis import given
from hypothesis import strategies as st

from src_models.prediction.tiling import Tiling
from src_models.probing.look_probe import cell_of


@given(st.integers(0, 149), st.integers(0, 199), st.sampled_from([2, 4, 8]))
def test_the_pixel_lies_in_its_cell(row, column, stride):
    tile = Tiling((150, 200), (96, 96), (16, 16), 32).tile_at((row, column))
    for pixel, start, cell in zip((row, column), tile.start, cell_of((row, column), tile, stride), strict=True):
        assert start + stride * cell <= pixel < start + stride * (cell + 1)
