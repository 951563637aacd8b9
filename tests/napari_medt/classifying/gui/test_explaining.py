"""Why this class, in a real viewer: places that speak for it lie over the chosen object."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from class_scene import IMAGE, PLACES, settle

from src_models.attention.recording import record_attention
from src_models.models.checkpoint import load

pytestmark = pytest.mark.usefixtures("plugin_registered")


@pytest.fixture
def looked(qtbot):
    """Return a function that waits until what is shown is what is asked for."""

    def wait(widget):
        qtbot.waitUntil(lambda: not widget.explaining.busy, timeout=60_000)
        settle(qtbot, widget)

    return wait


def choose(combo, data):
    """Choose as a person does."""
    combo.setCurrentIndex(combo.findData(data))
    combo.activated.emit(combo.currentIndex())


def shown(viewer, title):
    found = [layer for layer in viewer.layers if layer.name == f"discs - {title}"]
    return found[0] if found and found[0].visible else None


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
    choose(widget.controls.why.classes, "bright")
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


LOOKS = "Stage 1.1, large windows: where it looks from here"


def test_a_person_clicks_on_a_place_and_sees_where_the_network_looks_from_it(
    classifying, classify, looked, attending_model_path
):
    viewer, widget, image, _ = classifying(model=attending_model_path, scale=(0.5, 0.5), translate=(3, 7))
    classify(widget)
    why = widget.controls.why
    widget.giving.choose(5, go=False)
    choose(why.what, "look")
    assert why.views.currentText() == LOOKS
    assert not any(layer.visible for layer in viewer.layers if LOOKS in layer.name)
    why.point.click()  # also shows it
    assert why.on.isChecked()
    looked(widget)
    layer, mark = shown(viewer, LOOKS), shown(viewer, "place looked from")
    y, x, _ = PLACES[5]
    np.testing.assert_allclose(mark.data_to_world(mark.data[0]), image.data_to_world((y, x)), atol=1.01)  # of 2 a cell
    assert why.words.text() == "Bright: where it looks most from the cross."
    assert layer.colorbar.visible
    # The model sees 32 x 32 px around (30, 45): what is at (18, 57) lies in the row 4, column 27 of these.
    widget.explaining.mouse.clicked.emit(image.data_to_world((18, 57)), True)
    looked(widget)
    network = load(attending_model_path).network.eval()
    with torch.inference_mode(), record_attention(network) as attention:
        network(torch.from_numpy(IMAGE[None, None, 14:46, 30:62]))
    weights = attention["large window 1.1 matrix"].tensor[0, 1].mean(0)[1 * 4 + 2].reshape(4, 4)  # of the cell (1, 6)
    for row in range(4):
        for column in range(4):  # the window begins with the fifth cell, at column 46
            world = image.data_to_world((14 + row * 4 + 1, 46 + column * 4 + 1))
            assert layer.get_value(world, world=True) == pytest.approx(float(weights[row, column]), abs=1e-5)
    assert layer.get_value(image.data_to_world((15, 40)), world=True) == 0  # in another window
    np.testing.assert_allclose(mark.data_to_world(mark.data[0]), image.data_to_world((19.5, 55.5)))
    widget.explaining.mouse.clicked.emit(image.data_to_world((50, 57)), True)  # beside what it saw
    looked(widget)
    np.testing.assert_allclose(mark.data_to_world(mark.data[0]), image.data_to_world((19.5, 55.5)))
    widget.giving.choose(3, go=False)
    looked(widget)
    y, x, _ = PLACES[3]  # the middle of another object, again
    np.testing.assert_allclose(mark.data_to_world(mark.data[0]), image.data_to_world((y, x)), atol=1.01)


def test_one_head_is_seen_alone_and_their_mean_again(classifying, classify, looked, attending_model_path):
    viewer, widget, image, _ = classifying(model=attending_model_path)
    classify(widget)
    why = widget.controls.why
    widget.giving.choose(5, go=False)
    why.on.click()
    choose(why.what, "look")
    widget.explaining.mouse.clicked.emit(image.data_to_world((18, 57)), True)
    looked(widget)
    network = load(attending_model_path).network.eval()
    with torch.inference_mode(), record_attention(network) as attention:
        network(torch.from_numpy(IMAGE[None, None, 14:46, 30:62]))
    rows = attention["large window 1.1 matrix"].tensor[0, 1][:, 1 * 4 + 2]  # heads, places of the window
    for head, row in ((1, rows[1]), (0, rows[0]), (-1, rows.mean(0))):
        choose(why.heads, head)
        looked(widget)
        layer = shown(viewer, LOOKS if head < 0 else f"{LOOKS} (way {head + 1})")
        found = [layer.get_value((14 + y * 4 + 1, 46 + x * 4 + 1), world=True) for y in range(4) for x in range(4)]
        np.testing.assert_allclose(found, row.numpy(), atol=1e-5)


def test_what_stages_take_is_shown_and_no_place_marked(classifying, classify, looked, attending_model_path):
    viewer, widget, _, _ = classifying(model=attending_model_path)
    classify(widget)
    why = widget.controls.why
    widget.giving.choose(20, go=False)
    why.on.click()
    choose(why.what, "look")
    looked(widget)
    choose(why.what, "recorded")
    choose(why.maps, "fusion 2 earlier")
    looked(widget)
    title = "Stage 2: taken of the stage before"
    layer = shown(viewer, title)
    assert 0 < layer.data.min() <= layer.data.max() < 1
    assert shown(viewer, "place looked from") is None
    assert why.words.text().startswith("How much is taken here of what the stage before saw")
    why.on.click()
    assert shown(viewer, title) is None


def test_the_mouse_is_one_tool_s_at_a_time(classifying, classify, looked, attending_model_path):
    _, widget, _, _ = classifying(model=attending_model_path)
    classify(widget)
    why, correct = widget.controls.why, widget.controls.correct
    correct.on.click()
    choose(why.what, "look")
    why.point.click()
    assert why.point.isChecked()
    assert not correct.on.isChecked()
    correct.on.click()
    assert not why.point.isChecked()
    why.point.click()
    choose(why.what, "class relevance")
    assert not why.point.isChecked()


def test_where_nothing_speaks_for_a_class_the_panel_says_so(classifying, classify, looked):
    viewer, widget, _, _ = classifying(image=np.zeros_like(IMAGE))
    classify(widget)
    why = widget.controls.why
    assert not why.no_attention.isHidden()
    why.on.click()
    for name in ("bright", "dark"):
        choose(why.classes, name)
        widget.giving.choose(20, go=False)
        looked(widget)
        said = f"Nothing in this picture speaks for {name}."
        assert (why.words.text() == said) == (not reason(viewer).data.any())
