"""Charts, pictures and pages of an audit: curves lie where their points say, and every figure is on the page."""

import numpy as np
import pytest
from imageio.v3 import imread

from src_models.auditing.figures import (
    BlockInfluence,
    Curve,
    Gain,
    MapAudit,
    ObjectAttention,
    Order,
    Pointing,
    Randomisation,
)
from src_models.auditing.measures.cells import to_pixels
from src_models.auditing.measures.correlation import rank_correlation
from src_models.auditing.recorded import record_maps
from src_models.auditing.report.averaging import average
from src_models.auditing.report.chart import COLOURS, GREY, Panel, curve_panels, draw_chart
from src_models.auditing.report.overlay import draw_maps
from src_models.auditing.report.page import FILES, write_page
from src_models.auditing.results import Audit
from src_models.auditing.view import view_of
from src_models.errors import OutputError

LEFT, RIGHT, TOP, BOTTOM = 56, 420 - 16, 26 + 34, 26 + 260 - 48  # of the axes in the first panel


def order(name, deletion, gain=0.1):
    curve = Curve.through((0.0, 0.5, 1.0), (1.0, deletion, 0.0))
    return Order(name, curve, curve, Gain(gain, 0.03), Gain(-gain, 0.03))


def made(deletion=0.25, final=0.5, pointing=None, gain=0.1, looks=True):
    one = MapAudit(
        "gate 2", "", "", order("gate 2", deletion, gain), Randomisation(("out", "in"), (1.0, final)), pointing
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
        order("random", 0.5, 0.0),
        (order("input gradient", 0.3),),
        (one,),
        (ObjectAttention("global 2.1", 10, 0.031, 0.011, 0.262, 0.207),) if looks else (),
        (BlockInfluence("global 2.1", 4, 192, 0.33, 0.131, 0.142, 0.29),),
    )


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


def test_an_audit_has_a_panel_for_each_kind_of_curve():
    deletion, insertion, alike = curve_panels(made())
    assert deletion.lines.keys() == insertion.lines.keys() == {"random", "input gradient", "gate 2"}
    assert deletion.lines["gate 2"] == ((0.0, 0.5, 1.0), (1.0, 0.25, 0.0))
    assert alike.lines == {"gate 2": ([0.0, 0.5, 1.0], [1.0, 1.0, 0.5])}


def test_a_map_is_drawn_in_place_over_the_image(make_model):
    model = make_model()
    image = np.zeros((60, 80), np.float32)
    image[:, 40:] = np.random.default_rng(0).random((60, 40))
    picture = draw_maps(image, model, ["gate 2"], device="cpu")
    assert picture.shape == (20 + 300, 3 * 320 + 2 * 8, 3)  # the part that is audited has 60 x 64 px
    panel = picture[20:, :320]
    assert panel[:, 170:].std() > 10 * max(panel[:, :150].std(), 0.1)
    view = view_of(image, model, device="cpu")
    (map_,) = record_maps(view.network, view.picture[None], ["gate 2"]).values()
    drawn = picture[22::5, 2 * 328 + 2 :: 5].sum(-1)  # the middle of each pixel in the third panel
    brightness = drawn[:, :32].astype(float)  # where the image is black, only the map is seen
    assert rank_correlation(to_pixels(map_.values, 2, (60, 64))[:, :32], brightness) > 0.95


def test_a_page_holds_every_figure_and_overwrites_nothing(tmp_path):
    audit = made(pointing=Pointing(1.0, 0.2, 0.83, 0.17))
    path = write_page(tmp_path / "page", audit, np.zeros((4, 5, 3), np.uint8))
    text = path.read_text()
    for figure in ("+0.100 ± 0.030", "-0.100 ± 0.030", "0.50", "83% (chance 17%)", "3.1%", "26.2%", "13.1%", "14.2%"):
        assert figure in text
    assert f"{audit.maps[0].order.deletion.area:.3f}" in text
    assert all(sentence in text for sentence in audit.summary)
    assert imread(tmp_path / "page" / FILES[2]).shape == (4, 5, 3)
    with pytest.raises(OutputError, match="exists already"):
        write_page(tmp_path / "page", audit, np.zeros((4, 5, 3), np.uint8))
    assert write_page(tmp_path / "page", audit, np.zeros((4, 5, 3), np.uint8), overwrite=True) == path


def test_an_average_leaves_out_what_an_image_does_not_have():
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
