"""An audit with every kind of figure, put together by hand."""

import pytest

from src_models.auditing.figures import (
    BlockInfluence,
    Curve,
    Gain,
    MapAudit,
    ObjectAttention,
    Order,
    Randomisation,
)
from src_models.auditing.results import Audit


@pytest.fixture
def made():
    """Return a function that makes an audit; its figures are in the tests."""
    return _made


def _order(name, deletion, gain=0.1):
    curve = Curve.through((0.0, 0.5, 1.0), (1.0, deletion, 0.0))
    return Order(name, curve, curve, Gain(gain, 0.03), Gain(-gain, 0.03))


def _made(deletion=0.25, final=0.5, pointing=None, gain=0.1, looks=True):
    one = MapAudit(
        "gate 2", "", "", _order("gate 2", deletion, gain), Randomisation(("out", "in"), (1.0, final)), pointing
    )
    return Audit(
        "a.png",
        "net",
        1,
        (0, 0, 64, 64),
        True,
        1.0,
        0.2,
        0.1,
        _order("random", 0.5, 0.0),
        (_order("input gradient", 0.3),),
        (one,),
        (ObjectAttention("global 2.1", 10, 0.031, 0.011, 0.262, 0.207),) if looks else (),
        (BlockInfluence("global 2.1", 4, 192, 0.33, 0.131, 0.142, 0.29),),
    )
