"""The button that shows a volume in 3D: there where an image has a depth, and the way back once it is pressed."""

from __future__ import annotations

import numpy as np

from napari_medt.controls.ct.in_3d_button import In3dButton
from napari_medt.controls.layer_combo import ImageLayerCombo


def test_it_shows_a_volume_and_the_slice_again(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    images = ImageLayerCombo(viewer)
    button = In3dButton(viewer, images)
    for widget in (images, button):
        qtbot.addWidget(widget)
    assert button.isHidden()
    viewer.add_image(np.zeros((12, 13)))
    assert button.isHidden()
    viewer.add_image(np.zeros((4, 12, 13)))
    assert not button.isHidden()
    assert button.text() == "Show in 3D"
    button.click()
    assert (viewer.dims.ndisplay, button.text()) == (3, "Back to the slice")
    button.click()
    assert (viewer.dims.ndisplay, button.text()) == (2, "Show in 3D")
    images.disconnect_viewer()
    button.leave()
    viewer.dims.ndisplay = 3
    assert button.text() == "Show in 3D"
