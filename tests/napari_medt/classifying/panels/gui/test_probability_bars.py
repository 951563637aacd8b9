"""Bars of what a model gives each class."""

from __future__ import annotations

import pytest

from napari_medt.classifying.panels.probability_bars import ProbabilityBars
from napari_medt.controls.charts.contrast import FRAME

COLOURS = ["#ff0000", "#00ff00", "#0000ff"]


@pytest.fixture
def bars(qtbot):
    made = ProbabilityBars()
    qtbot.addWidget(made)
    return made


def test_the_likeliest_come_first_and_what_is_nothing_has_no_bar(bars):
    bars.show_probabilities(("a", "b", "c"), (0.2, 0.8, 0.0001), COLOURS)
    assert bars.texts() == [("b", "80%"), ("a", "20%")]


def test_of_many_classes_the_rest_is_put_together(bars):
    shares = [0.3, 0.2, 0.1, 0.1, 0.1, 0.08, 0.07, 0.05]
    bars.show_probabilities([f"class {place}" for place in range(8)], shares, ["#808080"] * 8)
    assert bars.texts()[-1] == ("2 other classes", "12%")
    assert len(bars.texts()) == 7
    bars.show_probabilities(("a",), (1.0,), COLOURS)
    assert bars.texts() == [("a", "100%")]


def test_a_bar_is_as_long_as_its_share(bars):
    bars.show_probabilities(("a", "b", "c"), (0.75, 0.25, 0.0), COLOURS)
    bars.resize(400, 100)
    bars.show()
    picture = bars.grab().toImage()
    for (_, bar, _), share, colour in zip(bars._rows, (0.75, 0.25), ("#ff0000", "#00ff00"), strict=False):
        y = bar.y() + bar.height() // 2
        row = [picture.pixelColor(x, y).name() for x in range(bar.x(), bar.x() + bar.width())]
        painted = [pixel for pixel in row if pixel in (colour, FRAME)]
        assert len(painted) == pytest.approx(share * bar.width(), abs=1)
        assert (painted[0], painted[-1]) == (FRAME, FRAME), "a pale bar ends where its frame does"
        assert set(painted[1:-1]) == {colour}


def test_of_nothing_nothing_is_shown(bars):
    bars.show_probabilities((), (), ())
    assert bars.isHidden()
