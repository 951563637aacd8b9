"""Objects of frames: their places and sizes against scikit-image's."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest
from lineages import RADIUS, dividing_discs
from skimage.measure import regionprops

from src_models.tracking.objects import frame_objects


@pytest.mark.parametrize("lazy", [False, True])
def test_places_and_sizes_are_those_of_scikit_image(lazy):
    labels, *_ = dividing_discs()
    found = frame_objects(da.from_array(labels, chunks=(1, 40, 40)) if lazy else labels)
    told = [
        (frame, one.label, one.area, one.centroid) for frame, plane in enumerate(labels) for one in regionprops(plane)
    ]
    assert list(zip(found.frame, found.number, found.pixels, strict=True)) == [one[:3] for one in told]
    np.testing.assert_allclose(found.place, [one[3] for one in told])


def test_diameters_are_of_discs_and_balls():
    labels, *_ = dividing_discs()
    assert frame_objects(labels).diameter((1, 1)) == pytest.approx(2 * RADIUS, rel=0.05)
    assert frame_objects(labels).diameter((0.5, 0.5)) == pytest.approx(RADIUS, rel=0.05)
    z, y, x = np.mgrid[:20, :40, :40]
    ball = ((2 * (z - 10)) ** 2 + (y - 20) ** 2 + (x - 20) ** 2 < 15**2).astype(int)[None]
    assert frame_objects(ball).diameter((2, 1, 1)) == pytest.approx(30, rel=0.03)
