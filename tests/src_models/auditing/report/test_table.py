"""Figures of an audit as rows: each in its column, in the words that people read."""

from src_models.auditing.figures import Pointing
from src_models.auditing.report.table import (
    BLOCK_COLUMNS,
    COLUMNS,
    INFLUENCE_COLUMNS,
    block_rows,
    influence_rows,
    rows,
)


def test_each_order_has_a_row_with_its_areas_and_gains(made):
    """The areas by hand: of the curve through (0, 1), (0.5, d) and (1, 0) it is 1/4 + d/2."""
    chance, reference, map_ = rows(made(deletion=0.25, final=0.5, pointing=Pointing(1.0, 0.2, 0.83, 0.17)))
    assert {len(row) for row in (chance, reference, map_)} == {len(COLUMNS)}
    assert chance == ("random", "0.500", "", "0.500", "", "", "")
    assert reference == ("input gradient", "0.400", "+0.100 ± 0.030", "0.400", "-0.100 ± 0.030", "", "")
    gains = ("0.375", "+0.100 ± 0.030", "0.375", "-0.100 ± 0.030")
    assert map_ == ("gate 2", *gains, "0.50", "83% (chance 17%)")


def test_what_is_not_known_is_told_from_zero(made):
    map_ = rows(made(final=None, pointing=None))[-1]
    assert map_[-2:] == ("flat", "-")


def test_axial_blocks_have_rows_of_their_own(made):
    (look,) = block_rows(made())
    assert dict(zip(BLOCK_COLUMNS, look, strict=False))["block"] == "global 2.1"
    assert look[1:] == ("3.1%", "1.1%", "26.2%", "20.7%", "10")
    (influence,) = influence_rows(made())
    assert len(influence) == len(INFLUENCE_COLUMNS)
    assert influence == ("global 2.1", "0.33", "13.1%", "14.2%", "0.29", "4")
    assert block_rows(made(looks=False)) == []
