"""The window of the demo: the map that it shows explains the objects, and the image is seen under it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_medt import demo
from napari_medt.viewer.layer_notes import notes_of

pytestmark = pytest.mark.usefixtures("plugin_registered")


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
    make_napari_viewer, monkeypatch
):
    monkeypatch.setattr("napari.Viewer", lambda **_: make_napari_viewer(show=True))
    segmented = demo.segment_sample("fluorescence")
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
