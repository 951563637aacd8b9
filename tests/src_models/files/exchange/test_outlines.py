"""Outlines hold exactly the pixels of their objects, by other libraries' reading of polygons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import ndimage

from src_models.files.exchange.outlines import trace_outlines
from src_models.files.exchange.painting import filled

PLANES = arrays.arrays(
    np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 2), fill=st.nothing()
)


@settings(max_examples=150, deadline=None)
@given(PLANES)
def test_filled_outlines_are_the_objects_again(plane):
    again = np.zeros_like(plane)
    for outline in trace_outlines(plane):
        mask, part = filled(outline.rings, plane.shape)
        again[part][mask] = outline.number
        assert outline.area == np.count_nonzero(plane == outline.number)
        rows, columns = np.nonzero(plane == outline.number)
        assert outline.box == (rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
    np.testing.assert_array_equal(again, plane)


@settings(max_examples=150, deadline=None)
@given(PLANES)
def test_polygons_are_valid_and_one_for_each_connected_part(plane):
    geometry = pytest.importorskip("shapely.geometry")
    for outline in trace_outlines(plane):
        mask = plane == outline.number
        parts, count = ndimage.label(mask)  # by edges
        assert len(outline.polygons) == count
        polygons = [
            geometry.Polygon(one.exterior[:, ::-1], [hole[:, ::-1] for hole in one.holes]) for one in outline.polygons
        ]
        assert geometry.MultiPolygon(polygons).is_valid
        assert sorted(polygon.area for polygon in polygons) == sorted(np.bincount(parts.ravel())[1:])
        for polygon in polygons:
            assert polygon.exterior.is_simple
            assert polygon.exterior.is_ccw  # in RFC 7946's sense: with y upwards


def test_a_ring_in_a_ring_keeps_its_own_hole():
    plane = np.zeros((9, 9), np.uint16)
    plane[0:9, 0:9] = 3
    plane[1:8, 1:8] = 0
    plane[2:7, 2:7] = 3
    plane[4, 4] = 0
    (outline,) = trace_outlines(plane)
    sizes = {len(one.exterior): [hole.tolist() for hole in one.holes] for one in outline.polygons}
    assert len(outline.polygons) == 2
    inner, outer = outline.polygons
    assert inner.exterior.min() == 2
    assert inner.holes[0].min() == 4
    assert outer.holes[0].min() == 1
    assert sizes


def test_planes_are_read_some_rows_at_a_time():
    generator = np.random.default_rng(0)
    plane = np.kron(generator.integers(0, 5, (130, 6)), np.ones((20, 20), int))
    asked = []

    class Lazy:
        shape = plane.shape

        def __getitem__(self, where):
            asked.append(plane[where].shape[0])
            return plane[where]

    found = trace_outlines(Lazy())
    assert max(asked) <= 1026
    again = np.zeros_like(plane)
    for outline in found:
        mask, part = filled(outline.rings, plane.shape)
        again[part][mask] = outline.number
    np.testing.assert_array_equal(again, plane)


def test_nothing_has_no_outline():
    assert trace_outlines(np.zeros((4, 4), int)) == []
