"""The window of the demo: the map that it shows explains the objects, and the image is seen under it."""

from __future__ import annotations

import imageio.v3 as iio
import numpy as np
import pytest
from napari import current_viewer
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication

from napari_medt import demo
from napari_medt.viewer.layer_notes import notes_of

pytestmark = pytest.mark.usefixtures("plugin_registered")


@pytest.fixture(scope="module")
def segmented():
    return demo.segment_sample("fluorescence")


def on_and_off(layer, truth):
    """Means of a map's cells in and beside objects that people drew."""
    step = int(layer.scale[0])
    objects = truth[step // 2 :: step, step // 2 :: step][: layer.data.shape[0], : layer.data.shape[1]] > 0
    cells = np.asarray(layer.data)[: objects.shape[0], : objects.shape[1]]
    return cells[objects].mean(), cells[~objects].mean()


def drawn(viewer):
    viewer.fit_to_view()
    return viewer.screenshot(canvas_only=True, flash=False)[..., :3].mean(-1)


def test_a_map_that_sets_nuclei_apart_is_seen_with_a_colour_bar_and_the_image_through_it(
    make_napari_viewer, monkeypatch, segmented
):
    monkeypatch.setattr("napari.Viewer", lambda **_: make_napari_viewer(show=True))
    viewer = demo.show(segmented)
    maps = [layer for layer in viewer.layers if notes_of(layer).role == "attention"]
    (shown,) = (layer for layer in maps if layer.visible)
    on, off = on_and_off(shown, segmented.truth[0])
    assert abs(on - off) > 0.2
    assert shown.colorbar.visible
    assert shown.name.startswith("Fine detail let through")
    for layer in viewer.layers:
        layer.visible = layer is shown or layer == shown or layer == segmented.image
    with_map = drawn(viewer)
    shown.visible = False
    image = drawn(viewer)
    inside = image > 10  # where the image is drawn
    assert np.corrcoef(with_map[inside], image[inside])[0, 1] > 0.5


@pytest.mark.parametrize("by", ["a picture", "a person"])
def test_nothing_of_a_closed_window_is_left_for_the_end_of_python(
    by, make_napari_viewer, monkeypatch, segmented, tmp_path
):
    """What is left for it is taken apart in any order, which can end the process with a segmentation fault."""
    monkeypatch.setattr("napari.Viewer", lambda **_: make_napari_viewer(show=True))
    widgets = set(QApplication.allWidgets())
    if by == "a picture":
        demo.picture(segmented, tmp_path / "demo.png")
        assert iio.imread(tmp_path / "demo.png").shape[:2] == (950, 1500)
    else:
        QTimer.singleShot(0, lambda: current_viewer().close())
        demo.watch(segmented)
    assert [widget for widget in QApplication.allWidgets() if widget not in widgets] == []
