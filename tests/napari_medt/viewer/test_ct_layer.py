"""A network is given the window of the Hounsfield scale that a person looks through."""

from __future__ import annotations

import numpy as np
import pytest
from napari.layers import Image

from napari_medt.viewer.ct_layer import shown_window


@pytest.mark.parametrize("limits", [(-160, 240), (-1350.5, 150)])
def test_contrast_limits_are_the_window(limits):
    layer = Image(np.zeros((8, 8), np.int16), contrast_limits=limits)
    window = shown_window(layer)
    assert (window.kind, window.low, window.high) == ("window", *limits)
