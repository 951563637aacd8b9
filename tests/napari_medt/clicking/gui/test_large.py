"""In large images, no more is drawn and handed to napari than the object that is clicked."""

from __future__ import annotations

import numpy as np
import pytest
from discs import IMAGE, disc, objects
from mouse import Mouse

SIZE, RADIUS = 3000, 40
OBJECT = np.pi * RADIUS**2


def open_large(clicking):
    """Return a viewer with the widget, and a large image of two discs, that is zoomed in to them."""
    image = np.zeros((SIZE, SIZE), np.float32)
    for at in (100, 300):
        image[at - 60 : at + 61, at - 60 : at + 61] = disc(60, 60, RADIUS, (121, 121))
    viewer, widget, _ = clicking(image)
    mouse = Mouse(viewer)
    viewer.scene.camera.center, viewer.scene.camera.zoom = (0, 200, 200), 1
    return viewer, widget, mouse


def test_what_a_click_draws_is_no_larger_than_the_object(clicking, do):
    viewer, widget, mouse = open_large(clicking)
    do(widget, mouse.click, (100, 100))
    do(widget, mouse.click, (110, 100))
    low, high = widget.layers.preview()._extent_data
    assert (low >= 100 - RADIUS - 1).all()
    assert (high <= 100 + RADIUS + 1).all()
    whole = [layer.name for layer in viewer.layers if getattr(layer.data, "size", 0) >= SIZE**2]
    assert whole == ["image", objects(viewer).name]


def test_accepting_hands_napari_the_pixels_of_the_object_alone(clicking, do):
    viewer, widget, mouse = open_large(clicking)
    do(widget, mouse.click, (100, 100))
    labels = objects(viewer)
    handed = []
    labels.events.labels_update.connect(lambda event: handed.append(event.data.size))
    labels.events.set_data.connect(lambda event: handed.append(labels.data.size))
    labels.events.reload.connect(lambda event: handed.append(labels.data.size))
    assert labels.contour == 0
    do(widget, mouse.click, (110, 100))
    do(widget, widget.undo)
    assert handed == []  # what is not accepted is not in the labels
    do(widget, widget.accept)
    do(widget, mouse.click, (100, 100))  # open again
    do(widget, mouse.click, (300, 300))
    do(widget, widget.accept)
    assert handed
    assert max(handed) < (300 - 100 + 2 * RADIUS + 4) ** 2
    assert (labels.data == 1).sum() == pytest.approx(2 * OBJECT, rel=0.05)


def test_napari_draws_the_numbers_of_objects_as_they_are(clicking, do):
    viewer, widget, mouse = open_large(clicking)
    do(widget, mouse.click, (100, 100))
    labels = objects(viewer)
    assert np.shares_memory(labels._slice.image.view, labels.data)  # else all would be converted at each change


def test_the_window_does_not_look_through_all_labels(clicking, do):
    import threading

    viewer, widget, mouse = open_large(clicking)
    do(widget, mouse.click, (100, 100))
    labels, looked = objects(viewer), []

    class Watched(np.ndarray):
        def __array_ufunc__(self, function, method, *inputs, **options):
            plain = [np.asarray(one) if isinstance(one, Watched) else one for one in inputs]
            if any(isinstance(one, Watched) and one.size >= SIZE**2 for one in inputs):
                looked.append(threading.current_thread() is threading.main_thread())
            return getattr(function, method)(*plain, **options)

    labels.data = labels.data.view(Watched)
    looked.clear()
    do(widget, widget.accept)
    assert (np.asarray(labels.data) == 1).sum() == pytest.approx(OBJECT, rel=0.05)
    assert looked
    assert not any(looked)


@pytest.mark.parametrize("scale", [(1, 1), (0.5, 2)], ids=["square", "anisotropic"])
def test_lines_are_as_wide_on_the_screen_at_every_zoom(clicking, do, scale):

    viewer, widget, image = clicking(IMAGE, scale=scale)
    mouse = Mouse(viewer)
    do(widget, mouse.click, image.data_to_world((30, 40)))
    do(widget, mouse.drag, image.data_to_world((20, 30)), image.data_to_world((42, 52)))
    for zoom in (0.05, 1, 7):
        viewer.scene.camera.zoom = zoom
        for layer in (widget.layers.preview(), widget.layers.drawing()):
            np.testing.assert_allclose(layer.scale, [layer.scale[0]] * 2)  # a line is as wide across as along
            assert layer.edge_width * abs(layer.scale[0]) * zoom == pytest.approx(3)
