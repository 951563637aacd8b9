"""Labels of a time series become a Tracks layer that lies over them."""

from __future__ import annotations

import numpy as np
import pytest
from lineages import dividing_discs
from napari.layers import Labels, Layer

from napari_medt.measuring.linking_command import link_objects
from src_models.errors import UserError

pytest.importorskip("laptrack")
pytestmark = pytest.mark.usefixtures("qapp")


def test_tracks_lie_over_the_labels_and_know_the_division():
    labels, *_ = dividing_discs()
    layer = Labels(labels, name="cells", scale=(2, 0.5, 0.5), translate=(0, 3, 4))
    tracks = Layer.create(*link_objects(layer).result(60))
    assert tracks.name == "cells - tracks"
    assert len(np.unique(tracks.data[:, 0])) == 5
    assert len(tracks.graph) == 2
    np.testing.assert_allclose(tracks.data_to_world((1, 2, 3)), layer.data_to_world((1, 2, 3)))


def test_a_plane_has_no_time():
    with pytest.raises(UserError, match="choose labels of a time series"):
        link_objects(Labels(np.ones((4, 4), int), name="flat"))
