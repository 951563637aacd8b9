"""Why this class, in a real viewer: places that speak for it lie over the chosen object."""

from __future__ import annotations

import numpy as np
import pytest
from class_scene import PLACES, settle

pytestmark = pytest.mark.usefixtures("plugin_registered")


@pytest.fixture
def looked(qtbot):
    """Return a function that waits until what is shown is what is asked for."""

    def wait(widget):
        qtbot.waitUntil(lambda: not widget.explaining.busy, timeout=60_000)
        settle(qtbot, widget)

    return wait


def reason(viewer):
    found = [layer for layer in viewer.layers if " - speaks for " in layer.name]
    return found[0] if found and found[0].visible else None


def test_the_chosen_object_is_explained_and_the_next_one_in_its_place(classifying, classify, looked):
    viewer, widget, image, _ = classifying(scale=(0.5, 0.5))
    classify(widget)
    widget.giving.choose(20, go=False)
    looked(widget)
    assert reason(viewer) is None  # nobody asked
    widget.controls.why.on.click()
    looked(widget)
    layer = reason(viewer)
    assert layer.name == "discs - speaks for bright"
    corners = np.array(layer.extent.world)
    y, x, _ = PLACES[20]
    np.testing.assert_allclose(corners.mean(axis=0), image.data_to_world((y, x)), atol=0.6)
    np.testing.assert_allclose(np.ptp(corners, axis=0), 8, atol=0.6)  # 16 px of the model
    widget.giving.choose(5, go=False)
    looked(widget)
    assert reason(viewer).name == "discs - speaks for dark"
    y, x, _ = PLACES[5]
    corners = np.array(reason(viewer).extent.world)
    np.testing.assert_allclose(corners.mean(axis=0), image.data_to_world((y, x)), atol=0.6)
    widget.controls.why.asked.setCurrentIndex(widget.controls.why.asked.findData("bright"))
    widget.controls.why.asked.activated.emit(2)
    looked(widget)
    assert reason(viewer).name == "discs - speaks for bright"
    widget.giving.choose(None, go=False)
    assert reason(viewer) is None
    assert widget.controls.why.words.text() == "Choose an object to see it."
    widget.controls.why.on.click()
    assert widget.controls.why.words.text() == ""
    assert widget.controls.images.layer() is image


def test_of_a_class_that_the_model_does_not_know_what_it_had_found_is_explained(classifying, classify, looked):
    viewer, widget, _, _ = classifying()
    classify(widget)
    widget.controls.why.on.click()
    widget.giving.choose(20, go=False)
    widget.giving.give("ring")
    looked(widget)
    assert reason(viewer).name == "discs - speaks for bright"
