"""The pointing game, on maps that were made to win, to lose, and to know nothing."""

import numpy as np
import pytest

from src_models.auditing.measures.cells import cell_means
from src_models.auditing.measures.pointing import pointing


def objects():
    """Two objects on 40 x 52 pixels; 52 is no multiple of 8."""
    inside = np.zeros((40, 52), bool)
    inside[8:24, 8:32] = True
    inside[30:40, 44:52] = True
    return inside


def play(cells, stride):
    return pointing(cells.astype(np.float32), stride, objects(), np.random.default_rng(0))


@pytest.mark.parametrize("stride", [1, 2, 8])
def test_a_map_of_the_objects_wins_and_its_inverse_loses(stride):
    cover = cell_means(objects(), stride)
    won, lost = play(cover, stride), play(-cover, stride)
    assert (won.strongest, won.top) == (1, 1)
    assert (lost.strongest, lost.top) == (0, 0)
    assert won.strongest_chance == lost.strongest_chance == pytest.approx((cover >= 0.5).mean())


def test_chance_is_the_share_that_objects_cover():
    assert play(np.zeros((20, 26)), 2).chance == pytest.approx((16 * 24 + 10 * 8) / (40 * 52))


def test_cells_that_tie_count_by_their_share():
    found = play(np.ones((20, 26)), 2)
    assert found.strongest == pytest.approx(found.strongest_chance)


def test_the_top_is_one_cell_in_a_hundred():
    cells = np.zeros((40, 52))
    cells[10, 10:20] = np.arange(10, 20)  # inside
    cells[0, :10] = np.arange(20, 30)  # outside, and stronger: of 2080 cells the top are 21
    assert play(cells, 1).top == pytest.approx(10 / 21, abs=1.01 / 21)
    assert play(cells, 1).strongest == 0
