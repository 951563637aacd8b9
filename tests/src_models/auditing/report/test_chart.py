"""Charts of an audit: curves lie where their points say."""

import numpy as np

from src_models.auditing.report.chart import COLOURS, GREY, Panel, curve_panels, draw_chart

LEFT, RIGHT, TOP, BOTTOM = 56, 420 - 16, 26 + 34, 26 + 260 - 48  # of the axes in the first panel


def near(picture, row, column, colour):
    """Whether there is a pixel of about this colour near a place."""
    part = picture[round(row) - 2 : round(row) + 3, round(column) - 2 : round(column) + 3].astype(int)
    return bool((np.abs(part - colour).sum(-1) < 60).any())


def test_lines_go_through_their_points():
    lines = {"random": ([0, 0.5, 1], [0.75, 0.75, 0.75]), "map": ([0, 0.25, 1], [0.2, 0.4, 0.1])}
    picture = draw_chart([Panel("title", "x", "y", lines)])
    for name, colour in (("random", GREY), ("map", COLOURS[0])):
        for x, y in zip(*lines[name], strict=True):
            inside = min(max(x, 0.01), 0.99)
            value = np.interp(inside, *lines[name])
            assert near(picture, BOTTOM - value * (BOTTOM - TOP), LEFT + inside * (RIGHT - LEFT), colour), (name, x, y)
    assert not near(picture, BOTTOM - 0.6 * (BOTTOM - TOP), LEFT + 0.6 * (RIGHT - LEFT), COLOURS[0])


def test_an_audit_has_a_panel_for_each_kind_of_curve(made):
    deletion, insertion, alike = curve_panels(made())
    assert deletion.lines.keys() == insertion.lines.keys() == {"random", "input gradient", "gate 2"}
    assert deletion.lines["gate 2"] == ((0.0, 0.5, 1.0), (1.0, 0.25, 0.0))
    assert alike.lines == {"gate 2": ([0.0, 0.5, 1.0], [1.0, 1.0, 0.5])}
