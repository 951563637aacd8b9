"""Where a place of the world lies in what was run on, and in which order its maps are offered."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from napari.layers import Image

from napari_medt.attention.recorded_run import RecordedRun
from src_models.attention.placed_map import PlacedMap
from src_models.attention.words import SHARE
from src_models.images.region import Region
from src_models.models.architectures import attention_names, usual_attention
from src_models.models.header import read_header
from src_models.models.library import find_model

SHAPE = (6, 24, 40)


def recorded(region, maps=(), header=None, **placement):
    provenance = {"header": header or {}}
    segmentation = SimpleNamespace(attention=list(maps), provenance=provenance)
    outcome = SimpleNamespace(job=SimpleNamespace(region=region), segmentation=segmentation)
    return RecordedRun(Image(np.zeros(region.shape, np.uint8), **placement), outcome)


def part(plane):
    return Region("ZYX", (plane, slice(6, 18), slice(10, 30)), SHAPE, rgb=False)


@pytest.mark.parametrize(
    "placement", [{}, {"scale": (3, 0.5, 2), "translate": (7, 10, -4), "rotate": (20, 30, 40)}], ids=["plain", "placed"]
)
def test_a_place_is_told_in_pixels_of_the_part(placement):
    run = recorded(part(4), **placement)
    np.testing.assert_allclose(run.position(run.image.data_to_world((4, 9, 25))), (3, 15), atol=1e-9)
    for outside in ((4, 5, 25), (4, 18, 25), (4, 9, 30), (3, 9, 25)):
        assert run.position(run.image.data_to_world(outside)) is None


def test_the_border_pixels_belong_to_the_part_to_their_outer_edges():
    run = recorded(part(4))
    assert run.position((4, 5.6, 10)) == pytest.approx((-0.4, 0))
    assert run.position((4, 17.4, 29.4)) == pytest.approx((11.4, 19.4))
    assert run.position((4, 17.6, 29)) is None


def test_the_plane_that_sliders_show_is_told_wherever_they_are_within_it():
    run = recorded(Region("TZYX", (slice(1, 4), slice(2, 6), slice(5, 9), slice(0, 8)), (5, 6, 9, 8), rgb=False))
    assert run.plane((3, 4.3, 0, 0)) == (2, 2)  # rows and columns of the sliders say nothing
    assert run.plane((0, 4, 7, 7)) is None
    assert recorded(part(4)).plane((4, 0, 0)) == ()


def test_the_telling_maps_come_first_and_those_about_positions_last():
    header = read_header(find_model("nuclei-medt"))
    names = attention_names(header.architecture, header.config)
    telling = usual_attention(header.architecture, header.config)
    shares = names[:1]
    maps = [
        PlacedMap(name, SHARE if name in shares else "axial attention", "", 1, np.zeros((2, 2)), (1, 1), (0, 0))
        for name in names
    ]
    raw = {"architecture": header.architecture, "config": header.config}
    run = recorded(part(4), maps, raw)
    found = run.names()
    assert sorted(found) == sorted(names)
    assert set(found[: len(telling)]) == set(telling)
    rest = [name for name in found if name not in telling]
    untelling = [name for name in shares if name not in telling]
    assert rest[len(rest) - len(untelling) :] == untelling
    ordinary = [name for name in rest if name not in untelling]
    assert ordinary == [name for name in names if name in ordinary]  # fine to coarse, as they were recorded
    assert run.map(names[2]) is maps[2]
