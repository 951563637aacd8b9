"""The mean of many audits, of what each of them has."""

import pytest

from src_models.auditing.figures import (
    Pointing,
)
from src_models.auditing.report.averaging import average


def test_an_average_leaves_out_what_an_image_does_not_have(made):
    audits = [
        made(0.2, final=0.4, gain=0.1, pointing=Pointing(1.0, 0.2, 0.8, 0.2)),
        made(0.4, final=None, gain=0.3, looks=False),
        made(0.6, final=0.2, gain=0.2, pointing=Pointing(0.0, 0.4, 0.6, 0.4)),
    ]
    found = average(audits, "cells")
    (one,) = found.maps
    assert (found.images, found.name, found.region) == (3, "cells", None)
    assert one.order.deletion.scores == pytest.approx((1, 0.4, 0))
    assert one.order.deletion.area == pytest.approx(0.45)
    assert (one.order.deletion_gain.mean, one.order.deletion_gain.uncertainty) == pytest.approx((0.2, 0.1 / 3**0.5))
    assert one.randomisation.correlations == pytest.approx((1.0, 0.3))
    assert one.pointing == Pointing(0.5, pytest.approx(0.3), pytest.approx(0.7), pytest.approx(0.3))
    assert [(look.queries, look.same_object) for look in found.looks] == [(20, pytest.approx(0.031))]
    assert [influence.queries for influence in found.influences] == [12]
