"""The chart of gates: what is drawn is what the network holds."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medt.attention.panels.gates_chart import GatesChart
from src_models.attention.gates import GateValues

GATES = [
    GateValues("global 1.1 height", 0.1, 0.2, 0.3, 0.4),
    GateValues("global 1.1 width", 1.1, 1.2, 1.3, -1.4),
    GateValues("global 2.1 height", 2.1, 2.2, 2.3, 2.4),
    GateValues("global 2.1 width", 3.1, 3.2, 3.3, 3.4),
]


@pytest.fixture
def chart(qtbot):
    chart = GatesChart()
    qtbot.addWidget(chart)
    chart.show()
    return chart


def test_a_network_without_gates_is_said_to_have_none_and_no_chart_is_made(chart):
    chart.set_gates(())
    assert "no gates" in chart.note.text()
    assert chart._plot is None


def test_each_gate_is_a_curve_over_the_layers(chart):
    chart.set_gates(GATES)
    curves = {curve.name(): curve.getData() for curve in chart.plot().listDataItems()}
    assert set(curves) == {"G_Q", "G_K", "G_V1", "G_V2"}
    for name, values in (("G_Q", (0.1, 1.1, 2.1, 3.1)), ("G_V2", (0.4, -1.4, 2.4, 3.4))):
        places, drawn = curves[name]
        np.testing.assert_allclose(drawn, values)
        assert places.tolist() == [0, 1, 2, 3]


def test_each_stage_is_named_once_between_its_two_directions(chart):
    chart.set_gates(GATES)
    ticks = chart.plot().getAxis("bottom")._tickLevels[0]
    assert ticks == [(0.5, "1.1"), (2.5, "2.1")]


def test_another_network_takes_the_place_of_the_one_before(chart):
    chart.set_gates(GATES)
    chart.set_gates(GATES[:2])
    assert [len(curve.getData()[0]) for curve in chart.plot().listDataItems()] == [2] * 4
    chart.set_gates(())
    assert not chart.plot().isVisible()
    chart.set_gates(GATES)
    assert chart.plot().isVisible()
