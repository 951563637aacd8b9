"""The squares of classes: sharp on a fine screen, and seen on any ground."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QSize
from qtpy.QtGui import QIcon

from napari_medt.classifying.panels.swatch import swatch
from napari_medt.controls.charts.contrast import FRAME


@pytest.mark.parametrize("ratio", [1.0, 2.0])
@pytest.mark.parametrize("mode", [QIcon.Mode.Normal, QIcon.Mode.Selected])
def test_a_square_has_a_pixel_for_each_of_the_screen_s_and_a_frame(qapp, ratio, mode):
    drawn = swatch("#f0e442").pixmap(QSize(12, 12), ratio, mode).toImage()
    side = int(12 * ratio)
    assert (drawn.width(), drawn.height(), drawn.devicePixelRatio()) == (side, side, ratio)
    assert drawn.pixelColor(side // 2, side // 2).name() == "#f0e442"
    frame = int(ratio)
    assert {drawn.pixelColor(side // 2, row).name() for row in range(frame)} == {FRAME}
    assert drawn.pixelColor(side // 2, frame).name() == "#f0e442"
