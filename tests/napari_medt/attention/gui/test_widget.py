"""The Attention widget in a real viewer, driven by the mouse: what a person points at is what the network says."""

from __future__ import annotations

import csv
import re

import numpy as np
import pytest
import tifffile
import torch
from mouse import Mouse
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QMessageBox

from napari_medt.viewer.layer_notes import notes_of
from src_models.attention.difference import difference
from src_models.attention.gates import gate_values
from src_models.models.architectures import attention_names, create
from src_models.models.checkpoint import Model, load, save
from src_models.models.header import ModelHeader
from src_models.prediction.segment import segment
from src_models.probing.axial_probe import AxialProbe

pytestmark = pytest.mark.usefixtures("plugin_registered")

ZYX = ("z", "y", "x")
TURNED = {"scale": (0.5, 2.0), "rotate": 30, "translate": (4, -3)}


@pytest.fixture
def open_attention(make_napari_viewer, medt_path):
    """Return a function that opens a viewer with the widget and a model chosen."""

    def open_(model=medt_path):
        viewer = make_napari_viewer(show=True)
        _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Attention")
        widget.open_model(model)
        widget.probe.follow.setChecked(True)
        return viewer, widget

    return open_


@pytest.fixture
def look(qtbot):
    """Return a function that presses Look and waits until the pointer is followed."""

    def press(widget):
        with qtbot.waitSignal(widget.follower.opened, timeout=60_000):
            widget.look.click()

    return press


@pytest.fixture
def pointed(qtbot):
    """Return a function that does something with the mouse and returns what is then shown at the pointer."""

    def do(widget, action, *arguments):
        with qtbot.waitSignal(widget.follower.answered, timeout=30_000):
            action(*arguments)
        return widget.follower.layers.map(), widget.follower.layers.mark()

    return do


def choose_view(widget, name):
    widget.probe.view.setCurrentIndex(widget.probe.view.findData(name))


def values_in_panel(widget):
    table = widget.probe.values
    names = [table.item(row, 0).data(Qt.ItemDataRole.UserRole) for row in range(table.rowCount())]
    return {name: float(table.item(row, 1).text()) for row, name in enumerate(names)}


def list_items(widget):
    return [widget.maps.list.item(row) for row in range(widget.maps.list.count())]


def tick(widget, name, on=True):
    (item,) = (item for item in list_items(widget) if item.data(Qt.ItemDataRole.UserRole) == name)
    item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)


@pytest.mark.parametrize("place", [{}, TURNED], ids=["plain", "anisotropic and rotated"])
@pytest.mark.parametrize("view", ["global 2.1", "local 4.1", "global"])
def test_the_map_at_the_pointer_is_where_the_network_looks_from_there(
    open_attention, look, pointed, medt_path, noise, view, place
):
    viewer, widget = open_attention()
    image = viewer.add_image(noise, **place)
    look(widget)
    choose_view(widget, view)
    mouse = Mouse(viewer)
    probe = AxialProbe(noise, load(medt_path), device="cpu")
    for pixel in ((20, 31), (40, 60)):
        layer, mark = pointed(widget, mouse.move, image.data_to_world(pixel))
        ask = probe.rollout if view == "global" else probe.look
        wanted = ask(pixel, view)
        np.testing.assert_allclose(layer.data, wanted.weights, atol=1e-6)
        for cell in ((0, 0), (5, 9)):
            centre = [c * s + t for c, s, t in zip(cell, wanted.scale, wanted.translate, strict=True)]
            np.testing.assert_allclose(layer.data_to_world(cell), image.data_to_world(centre), atol=1e-9)
        np.testing.assert_allclose(mark.data_to_world(mark.data[0]), image.data_to_world(wanted.query), atol=1e-9)
    assert viewer.layers.selection.active is image or viewer.layers.selection.active == image


@pytest.mark.usefixtures("either_precision")
def test_one_head_of_an_axis_can_be_followed(open_attention, look, pointed, medt_path, noise):
    viewer, widget = open_attention()
    image = viewer.add_image(noise)
    look(widget)
    choose_view(widget, "global 1.1")
    widget.probe.head_of_width.setCurrentIndex(widget.probe.head_of_width.findData(3))
    layer, _ = pointed(widget, Mouse(viewer).move, image.data_to_world((20, 31)))
    wanted = AxialProbe(noise, load(medt_path), device="cpu").look((20, 31), "global 1.1", heads=(None, 3))
    np.testing.assert_allclose(layer.data, wanted.weights, atol=1e-6)


@pytest.mark.usefixtures("either_precision")
def test_the_values_of_every_gate_are_told_at_the_pointer(open_attention, look, pointed, blob_model_path, noise):
    viewer, widget = open_attention(blob_model_path)
    image = viewer.add_image(noise)
    look(widget)
    found = segment(noise, load(blob_model_path), attention=True, device="cpu").attention
    layer, _ = pointed(widget, Mouse(viewer).move, image.data_to_world((21, 50)))
    np.testing.assert_allclose(layer.data, found[0].data, atol=1e-6)
    wanted = {placed.name: placed.data[21 // int(placed.scale[0]), 50 // int(placed.scale[1])] for placed in found}
    assert values_in_panel(widget) == pytest.approx(wanted, abs=6e-4)
    assert "pixel 21, 50" in widget.probe.place.text()


def firing_network():
    """An Attention U-Net whose gates are open where its input is bright, and shut elsewhere, at every level."""
    network = create(
        "attention-unet", in_channels=1, classes=2, widths=(2, 2, 2), gate="skip", upsampling="conv"
    ).eval()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.weight.zero_()
                if module.bias is not None:
                    module.bias.zero_()
                middle = (slice(None), slice(0, 1), *(size // 2 for size in module.kernel_size))
                module.weight[middle] = 1  # every channel hands on the first
        for name, module in network.named_modules():
            if name.endswith("w_g"):
                module.conv.weight.zero_()
            if name.endswith("psi"):
                module.conv.weight.fill_(40)
                module.conv.bias.fill_(-20)
    return network


@pytest.fixture
def firing_path(tmp_path):
    """The like as a model file that takes grey values as they are."""
    from src_models.models.header import Intensity

    config = {"in_channels": 1, "classes": 2, "widths": (2, 2, 2), "gate": "skip", "upsampling": "conv"}
    header = ModelHeader(
        name="firing",
        purpose="Fires at bright pixels",
        architecture="attention-unet",
        config=config,
        classes=("background", "bright"),
        channels=("grey",),
        intensity=Intensity(kind="window", low=0.0, high=1.0),
        tile=(32, 32),
        overlap=(8, 8),
    )
    return save(Model(firing_network(), header), tmp_path / "firing.safetensors")


@pytest.mark.parametrize("where", [(13, 50), (0, 0), (37, 70), (31, 32)])
def test_a_gate_that_fires_at_one_pixel_lights_that_pixels_area(open_attention, look, firing_path, where):
    """Odd sizes, several tiles, and a layer that is rotated, anisotropic and sheared by an affine."""
    viewer, widget = open_attention(firing_path)
    data = np.zeros((39, 71), np.float32)
    data[where] = 1
    affine = np.array([[0.9, 0.3, 5.0], [-0.2, 1.1, -3.0], [0.0, 0.0, 1.0]])
    image = viewer.add_image(data, affine=affine, **TURNED)
    look(widget)
    assert len(list_items(widget)) == 2
    for name, stride in (("gate 1", 1), ("gate 2", 2)):
        tick(widget, name)
        (layer,) = (each for each in viewer.layers if notes_of(each).map == name)
        (lit,) = np.argwhere(layer.data > 0.5)
        first = stride * (np.array(where) // stride)  # the cell covers these pixels, and no others
        for corner in ((-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5)):
            edge = first + (stride - 1) / 2 + stride * np.array(corner)
            np.testing.assert_allclose(layer.data_to_world(lit + corner), image.data_to_world(edge), atol=1e-9)


def test_a_click_pins_a_place_until_it_is_let_go(open_attention, look, pointed, qtbot, noise):
    viewer, widget = open_attention()
    image = viewer.add_image(noise)
    look(widget)
    mouse = Mouse(viewer)
    _, mark = pointed(widget, mouse.click, image.data_to_world((10, 12)))
    place = mark.data.copy()
    assert widget.probe.release.isEnabled()
    mouse.move(image.data_to_world((40, 60)))
    qtbot.wait(100)
    np.testing.assert_array_equal(widget.follower.layers.mark().data, place)
    widget.probe.release.click()
    _, mark = pointed(widget, mouse.move, image.data_to_world((40, 60)))
    assert np.abs(mark.data - (40, 60)).max() <= 2
    assert not widget.probe.release.isEnabled()


def test_a_drag_and_a_brush_stroke_pin_nothing(open_attention, look, noise):
    viewer, widget = open_attention()
    image = viewer.add_image(noise)
    look(widget)
    mouse = Mouse(viewer)
    mouse.drag(image.data_to_world((10, 10)), image.data_to_world((30, 40)))
    assert not widget.probe.release.isEnabled()
    assert widget.follower.pinned() is None
    labels = viewer.add_labels(np.zeros(noise.shape, np.uint8))
    labels.mode = "paint"
    viewer.fit_to_view()
    mouse.click(labels.data_to_world((20, 20)))
    assert labels.data[20, 20] == 1  # the stroke is painted
    assert not widget.probe.release.isEnabled()


def test_the_pointer_is_left_alone_once_it_is_not_followed(open_attention, look, pointed, qtbot, noise):
    viewer, widget = open_attention()
    image = viewer.add_image(noise)
    look(widget)
    mouse = Mouse(viewer)
    pointed(widget, mouse.move, image.data_to_world((20, 31)))
    widget.probe.follow.setChecked(False)
    assert [layer.name for layer in viewer.layers if layer.visible] == [image.name]
    mouse.move(image.data_to_world((30, 31)))
    qtbot.wait(100)
    assert [layer.name for layer in viewer.layers if layer.visible] == [image.name]
    widget.probe.follow.setChecked(True)
    pointed(widget, mouse.move, image.data_to_world((20, 31)))
    assert all(layer.visible for layer in viewer.layers)


def test_outside_of_the_image_nothing_is_asked(open_attention, look, pointed, qtbot, noise, messages):
    viewer, widget = open_attention()
    image = viewer.add_image(noise)
    look(widget)
    mouse = Mouse(viewer)
    _, mark = pointed(widget, mouse.move, image.data_to_world((20, 31)))
    before = mark.data.copy()
    mouse.move((-8.0, 20.0))
    qtbot.wait(100)
    np.testing.assert_array_equal(mark.data, before)
    assert messages == []


def test_every_map_is_listed_with_a_picture_and_its_meaning(open_attention, look, medt_path, noise):
    viewer, widget = open_attention()
    viewer.add_image(noise)
    look(widget)
    items = list_items(widget)
    names = {item.data(Qt.ItemDataRole.UserRole) for item in items}
    assert names == set(attention_names("medt", {}))
    for item in items:
        assert not item.icon().isNull()
        assert "Tick it" in item.toolTip()
    texts = {item.data(Qt.ItemDataRole.UserRole): item.text() for item in items}
    assert texts["global 1.1 received"] == "Stage 1.1, whole view: looked-at places\ncells of 2 px"
    assert widget.maps.names() == []


def test_what_the_chosen_map_means_and_shows_of_this_image_stands_below_the_list(
    open_attention, look, blob_model_path, noise
):
    viewer, widget = open_attention(blob_model_path)
    viewer.add_image(noise)
    look(widget)
    found = segment(noise, load(blob_model_path), attention=True, device="cpu")
    for row, placed in enumerate(found.attention):
        widget.maps.list.setCurrentRow(row)
        step = int(placed.scale[0])
        objects = found.labels[step // 2 :: step, step // 2 :: step] > 0
        inside, outside = placed.data[objects].mean(), placed.data[~objects].mean()
        said = widget.maps.meaning.text()
        assert "1 lets it through, 0 holds it back" in said
        numbers = re.search(r"Here: (0\.\d+) inside the objects found, (0\.\d+) elsewhere", said)
        assert [float(number) for number in numbers.groups()] == pytest.approx([inside, outside], abs=0.03)


def test_the_maps_of_a_model_go_when_another_is_chosen_and_those_of_the_segment_widget_are_hidden(
    open_attention, look, run_to_end, qtbot, blob_model_path, medt_path, noise
):
    viewer, widget = open_attention(blob_model_path)
    image = viewer.add_image(noise)
    _, segmenting = viewer.window.add_plugin_dock_widget("napari-medt", "Segment")
    segmenting.open_model(blob_model_path)
    run_to_end(segmenting)
    made = [layer for layer in viewer.layers if notes_of(layer).role == "attention"]
    look(widget)
    for name in ("gate 2", "gate 3"):
        tick(widget, name)
    shown = [layer for layer in viewer.layers if notes_of(layer).role == "attention" and layer.visible]
    assert len(shown) == 2
    widget.open_model(medt_path)
    assert not any(layer.visible for layer in viewer.layers if notes_of(layer).role == "attention")
    assert [layer for layer in made if layer in viewer.layers] == made
    look(widget)
    tick(widget, "global 2.1 received")
    tick(widget, "global 2.1 received", on=False)
    widget.open_model(blob_model_path)
    qtbot.waitUntil(lambda: not any(notes_of(layer).map == "global 2.1 received" for layer in viewer.layers))
    assert image in viewer.layers


def test_with_the_dock_its_layers_go_and_what_was_kept_or_segmented_stays(
    open_attention, look, pointed, qtbot, blob_model_path, noise
):
    viewer, widget = open_attention(blob_model_path)
    image = viewer.add_image(noise, name="cells")
    look(widget)
    pointed(widget, widget.follower.pin, tuple(image.data_to_world((20, 30))))
    tick(widget, "gate 3")
    widget.saving.keep.click()
    kept = [layer for layer in viewer.layers if notes_of(layer).role == "kept"]
    assert sorted(layer.name for layer in kept) == [
        "Fine detail let through - at the pointer (kept)",
        "Medium detail let through - cells (kept, blobs)",
    ]
    data = [layer.data.copy() for layer in kept]
    tick(widget, "gate 2")
    pointed(widget, widget.follower.pin, tuple(image.data_to_world((40, 10))))
    assert len(viewer.layers) == 1 + 2 + 1 + 2
    dock = next(dock for dock in viewer.window.dock_widgets if dock == "Attention (MedT)" or "Attention" in dock)
    viewer.window.remove_dock_widget(viewer.window.dock_widgets[dock])
    qtbot.waitUntil(lambda: set(viewer.layers) == {image, *kept}, timeout=10_000)
    for layer, before in zip(kept, data, strict=True):
        np.testing.assert_array_equal(layer.data, before)
        assert layer.visible
    assert not viewer.canvas.overlays["attention at pointer"].visible


def test_side_by_side_each_view_has_its_name_and_a_map_its_colour_bar(
    open_attention, look, qtbot, blob_model_path, noise
):
    viewer, widget = open_attention(blob_model_path)
    image = viewer.add_image(noise)
    look(widget)
    for name in ("gate 2", "gate 3"):
        tick(widget, name)
    widget.maps.grid.click()
    seen = [layer for layer in viewer.layers if layer.visible]
    qtbot.waitUntil(lambda: all(layer.name_overlay.visible for layer in seen), timeout=10_000)
    assert [layer.colorbar.visible for layer in seen] == [False, True, True]
    widget.maps.overlay.click()
    assert not image.name_overlay.visible


def test_values_at_the_pointer_are_read_for_a_person(open_attention, look, pointed, firing_path):
    viewer, widget = open_attention(firing_path)
    data = np.zeros((40, 64), np.float32)
    data[:20] = 1  # where the gates open
    image = viewer.add_image(data)
    look(widget)
    mouse = Mouse(viewer)
    for row, reading in ((8, "mostly let through"), (32, "mostly held back")):
        pointed(widget, mouse.move, image.data_to_world((row, 30)))
        table = widget.probe.values
        assert [table.item(number, 2).text() for number in range(2)] == [reading] * 2
        assert [table.item(number, 0).text() for number in range(2)] == [
            "Finest detail let through",
            "Fine detail let through",
        ]
        line = viewer.canvas.overlays["attention at pointer"]
        assert line.visible
        assert line.text == widget.probe.meaning.text()
        assert line.text.endswith(f": {reading}.")


def test_ticking_shows_and_hides_the_layer_and_the_layer_ticks(open_attention, look, blob_model_path, noise):
    viewer, widget = open_attention(blob_model_path)
    viewer.add_image(noise)
    look(widget)
    tick(widget, "gate 3")
    (layer,) = (each for each in viewer.layers if notes_of(each).map == "gate 3")
    wanted = segment(noise, load(blob_model_path), attention=["gate 3"], device="cpu").attention[0]
    np.testing.assert_allclose(layer.data, wanted.data, atol=1e-6)
    assert layer.visible
    layer.visible = False
    assert widget.maps.names() == []
    layer.visible = True
    assert widget.maps.names() == ["gate 3"]
    viewer.layers.remove(layer)
    assert widget.maps.names() == []


def test_maps_are_laid_out_over_beside_and_one_after_the_other(open_attention, look, blob_model_path, noise, qtbot):
    viewer, widget = open_attention(blob_model_path)
    viewer.add_image(noise)
    look(widget)
    widget.maps.animate.click()  # nothing is ticked, so all are shown in turn
    maps = [layer for layer in viewer.layers if notes_of(layer).role == "attention"]
    assert len(maps) == 2
    seen = set()
    for _ in range(2):
        (shown,) = (layer.name for layer in maps if layer.visible)
        seen.add(shown)
        qtbot.waitUntil(lambda shown=shown: [m.name for m in maps if m.visible] != [shown], timeout=5_000)
    assert seen == {layer.name for layer in maps}
    widget.maps.animate.click()
    assert all(layer.visible for layer in maps)
    widget.maps.grid.click()
    assert viewer.canvas.grid.enabled
    widget.maps.overlay.click()
    assert not viewer.canvas.grid.enabled


def test_the_last_run_of_the_segment_widget_is_looked_at_without_another(
    open_attention, look, run_to_end, blob_model_path, noise, monkeypatch
):
    viewer, widget = open_attention(blob_model_path)
    viewer.add_image(noise)
    _, segmenting = viewer.window.add_plugin_dock_widget("napari-medt", "Segment")
    segmenting.open_model(blob_model_path)
    run_to_end(segmenting)
    monkeypatch.setattr(widget.run, "start", None)  # another run would raise
    look(widget)
    assert len(list_items(widget)) == 2


def test_attention_follows_the_slice(open_attention, look, pointed, qtbot, blob_model_path, noise):
    viewer, widget = open_attention(blob_model_path)
    stack = np.stack([noise, noise[::-1], 255 - noise])
    image = viewer.add_image(stack, scale=(3, 1, 1), axis_labels=ZYX)
    viewer.dims.set_current_step(0, 0)
    look(widget)
    assert widget.region.currentText() == "this plane"
    tick(widget, "gate 2")
    pointed(widget, widget.follower.pin, tuple(image.data_to_world((0, 20, 30))))
    (layer,) = (each for each in viewer.layers if notes_of(each).map == "gate 2")
    for plane in (1, 2, 0, 1, 0):  # there and back: planes that were looked at before are recalled
        with qtbot.waitSignal(widget.follower.answered, timeout=30_000):
            viewer.dims.set_current_step(0, plane)
        wanted = segment(stack[plane], load(blob_model_path), attention=True, device="cpu").attention[0]
        np.testing.assert_allclose(layer.data[0], wanted.data, atol=1e-6)
        np.testing.assert_allclose(layer.data_to_world((0, 0, 0))[0], 3 * plane)
        np.testing.assert_allclose(widget.follower.layers.map().data[0], wanted.data, atol=1e-6)
        assert widget.follower.layers.mark().data[0, 0] == plane


def test_a_slider_that_moves_on_while_the_network_runs_is_followed(open_attention, look, qtbot, noise, held_run):
    viewer, widget = open_attention()
    viewer.add_image(np.stack([noise, noise[::-1], 255 - noise]), axis_labels=ZYX)
    viewer.dims.set_current_step(0, 0)
    held_run.set()
    look(widget)
    held_run.clear()
    viewer.dims.set_current_step(0, 1)
    qtbot.waitUntil(lambda: widget.run.running, timeout=10_000)
    viewer.dims.set_current_step(0, 2)
    qtbot.wait(400)  # longer than a slider must rest
    with qtbot.waitSignals([widget.follower.opened] * 2, timeout=60_000):
        held_run.set()
    tick(widget, "global 2.1 received")
    assert viewer.layers[-1].data_to_world((0, 0, 0))[0] == 2


def test_a_model_that_is_chosen_while_another_runs_is_not_shown_the_others_maps(
    open_attention, qtbot, noise, held_run, blob_model_path
):
    viewer, widget = open_attention()
    viewer.add_image(noise)
    widget.look.click()
    widget.open_model(blob_model_path)
    with qtbot.waitSignal(widget.run.ended, timeout=60_000):
        held_run.set()
    assert "press Look" in widget.run_bar.status.text()
    assert list_items(widget) == []
    assert widget.look.isEnabled()


def test_planes_of_a_stack_that_was_looked_at_whole_need_no_other_run(
    open_attention, look, pointed, qtbot, medt_path, noise, monkeypatch
):
    viewer, widget = open_attention()
    stack = np.stack([noise, noise[::-1]])
    image = viewer.add_image(stack, axis_labels=ZYX)
    viewer.dims.set_current_step(0, 0)
    widget.region.setCurrentIndex(widget.region.findData("all"))
    look(widget)
    choose_view(widget, "global 2.1")
    pointed(widget, widget.follower.pin, tuple(image.data_to_world((0, 20, 30))))
    monkeypatch.setattr(widget.run, "start", None)
    with qtbot.waitSignal(widget.follower.answered, timeout=30_000):
        viewer.dims.set_current_step(0, 1)
    wanted = AxialProbe(stack, load(medt_path), axes="ZYX", device="cpu").look((20, 30), "global 2.1", plane=(1,))
    np.testing.assert_allclose(widget.follower.layers.map().data[0], wanted.weights, atol=1e-6)


def test_a_volume_has_map_layers_of_three_dimensions(open_attention, look, tmp_path):
    torch.manual_seed(0)
    config = {"in_channels": 1, "classes": 2, "widths": (4, 8, 8), "dimensions": 3}
    header = ModelHeader(
        name="volume",
        purpose="Tests",
        architecture="attention-unet",
        config=config,
        classes=("background", "blob"),
        channels=("grey",),
        dimensions=3,
        tile=(16, 32, 32),
        overlap=(4, 8, 8),
    )
    path = save(Model(create("attention-unet", **config).eval(), header), tmp_path / "volume.safetensors")
    viewer, widget = open_attention(path)
    data = np.random.default_rng(0).random((10, 22, 30), np.float32)
    image = viewer.add_image(data, scale=(2, 1, 1))
    look(widget)
    tick(widget, "gate 2")
    (layer,) = (each for each in viewer.layers if notes_of(each).map == "gate 2")
    wanted = segment(data, load(path), attention=True, device="cpu").attention[0]
    assert layer.data.shape == (5, 11, 15)
    np.testing.assert_allclose(layer.data, wanted.data, atol=1e-6)
    np.testing.assert_allclose(layer.data_to_world((0, 0, 0)), image.data_to_world((0.5, 0.5, 0.5)))


def other_weights(path, folder):
    """The same network with other gates: a fine-tuned one, say."""
    model = load(path)
    torch.manual_seed(9)
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return save(model, folder / "tuned.safetensors")


def test_the_difference_of_two_models_is_shown_in_colours_around_zero(
    open_attention, look, qtbot, blob_model_path, noise, tmp_path
):
    viewer, widget = open_attention(blob_model_path)
    image = viewer.add_image(noise)
    look(widget)
    tuned = other_weights(blob_model_path, tmp_path)
    widget.comparison.models.open_file(tuned)
    with qtbot.waitSignal(widget.run.ended, timeout=60_000):
        widget.comparison.show_difference.click()
    maps = [segment(noise, load(path), attention=True, device="cpu").attention for path in (blob_model_path, tuned)]
    for row, name in enumerate(("gate 2", "gate 3")):
        widget.comparison.pairs.setCurrentIndex(row)
        assert widget.comparison.pairs.currentData() == (name, name)
        wanted = difference(maps[0][row], maps[1][row])
        layer = viewer.layers[-1]
        np.testing.assert_allclose(layer.data, wanted.data, atol=1e-6)
        assert notes_of(layer).role == "difference"
        low, high = layer.contrast_limits
        assert low == -high
        assert high == pytest.approx(np.abs(wanted.data).max(), rel=1e-4)
        np.testing.assert_allclose(layer.data_to_world((0, 0)), image.data_to_world(wanted.translate))


def test_models_without_maps_that_mean_the_same_are_not_subtracted_and_that_is_said(
    open_attention, look, blob_model_path, medt_path, noise
):
    viewer, widget = open_attention(blob_model_path)
    viewer.add_image(noise)
    look(widget)
    widget.comparison.models.open_file(medt_path)
    assert widget.comparison.pairs.count() == 0
    assert not widget.comparison.show_difference.isEnabled()
    assert widget.comparison.none.text().startswith("No map of blobs means the same as one of medt")
    widget.comparison.show_difference.click()
    assert not any(notes_of(layer).role == "difference" for layer in viewer.layers)
    widget.comparison.models.open_file(blob_model_path)
    assert widget.comparison.pairs.count() == 2
    assert widget.comparison.none.text() == ""
    assert widget.comparison.show_difference.isEnabled()


def test_the_gates_of_the_network_are_drawn(open_attention, look, medt_path, blob_model_path, noise):
    viewer, widget = open_attention()
    viewer.add_image(noise)
    look(widget)
    gates = gate_values(load(medt_path).network)
    drawn = {tuple(np.round(item.getData()[1], 5)) for item in widget.gates.plot().listDataItems()}
    assert drawn == {
        tuple(np.round([getattr(gate, name) for gate in gates], 5)) for name in ("g_q", "g_k", "g_v1", "g_v2")
    }
    ticks = widget.gates.plot().getAxis("bottom")._tickLevels[0]
    assert [text for _, text in ticks] == ["1.1", "2.1", "2.2"]
    assert [place for place, _ in ticks] == [0.5, 2.5, 4.5]
    widget.open_model(blob_model_path)
    assert "no gated axial attention" in widget.gates.note.text()


def test_maps_tables_and_pictures_are_saved(
    open_attention, look, pointed, qtbot, blob_model_path, noise, tmp_path, monkeypatch
):
    viewer, widget = open_attention(blob_model_path)
    image = viewer.add_image(noise, name="cells")
    look(widget)
    pointed(widget, widget.follower.pin, tuple(image.data_to_world((20, 30))))
    tick(widget, "gate 3")
    wanted = segment(noise, load(blob_model_path), attention=True, device="cpu").attention
    widget.saving.save_maps(tmp_path, widget.maps.names())
    (file,) = tmp_path.glob("*.tif")
    np.testing.assert_allclose(tifffile.imread(file), wanted[1].data, atol=1e-6)

    answers = iter((QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes))
    monkeypatch.setattr(QMessageBox, "question", lambda *_: next(answers))
    file.write_bytes(b"mine")
    widget.saving.save_maps(tmp_path, widget.maps.names())
    assert file.read_bytes() == b"mine"
    widget.saving.save_maps(tmp_path, widget.maps.names())
    np.testing.assert_allclose(tifffile.imread(file), wanted[1].data, atol=1e-6)

    widget.saving.save_table(tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="") as table:
        rows = {row["map"]: row for row in csv.DictReader(table)}
    assert float(rows["gate 2"]["value"]) == pytest.approx(wanted[0].data[10, 15], abs=1e-6)

    from imageio.v3 import imread

    layer = widget.follower.layers.map()  # the uppermost
    for seen in (True, False):  # a colour bar that a person has put away is drawn for the picture alone
        layer.colorbar.visible = seen
        qtbot.wait(300)  # names and bars are put into their places
        before = viewer.screenshot(canvas_only=True, flash=False)
        widget.saving.save_picture(tmp_path / "view.png")
        picture = imread(tmp_path / "view.png")
        assert picture.shape == before.shape
        assert layer.colorbar.visible == seen
        changed = np.argwhere((picture.astype(int) - before.astype(int)).any(-1))
        assert (len(changed) == 0) == seen


def test_the_maps_are_checked_and_the_findings_are_sentences(
    open_attention, look, qtbot, blob_model_path, noise, messages
):
    from src_models.auditing.auditor import audit

    viewer, widget = open_attention(blob_model_path)
    viewer.add_image(noise, name="cells")
    truth = np.zeros(noise.shape, np.uint8)
    truth[10:20, 20:40] = 1
    viewer.add_labels(truth, name="drawn")
    viewer.add_labels(np.zeros((5, 5), np.uint8), name="of something else")
    look(widget)
    assert [widget.audit.truth.itemText(i) for i in range(widget.audit.truth.count())] == ["no ground truth", "drawn"]
    tick(widget, "gate 3")
    with qtbot.waitSignal(widget.audit.run.ended, timeout=120_000):
        widget.audit.check.click()
    wanted = audit(noise, load(blob_model_path), labels=truth, maps=["gate 3"], device="cpu", name="layer 'cells'")
    for sentence in wanted.summary:
        assert sentence in widget.audit.findings.toPlainText()
    assert messages == []


def test_what_was_chosen_comes_back_when_napari_is_started_again(open_attention, look, medt_path, noise):
    from napari import settings

    viewer, widget = open_attention()
    viewer.add_image(noise)
    look(widget)
    choose_view(widget, "local 2.1")
    widget.memory.setValue(64)
    widget.probe.follow.setChecked(False)
    viewer.window.remove_dock_widget(widget)
    settings._clear_plugin_settings_cache()  # as in a napari that was started again
    _, again = viewer.window.add_plugin_dock_widget("napari-medt", "Attention")
    assert again is not widget
    assert again.memory.value() == 64
    assert not again.probe.follow.isChecked()
    again.open_model(medt_path)
    look(again)
    assert again.probe.chosen() == "local 2.1"


def test_memory_for_following_is_bounded_and_told(open_attention, look, pointed, qtbot):
    viewer, widget = open_attention()
    image = viewer.add_image(np.random.default_rng(0).random((200, 220), np.float32))
    widget.memory.setValue(16)
    look(widget)
    mouse = Mouse(viewer)
    for pixel in ((5, 5), (190, 5), (190, 210), (5, 210), (100, 100)):
        pointed(widget, mouse.move, image.data_to_world(pixel))
        assert 0 < widget.follower.kept_bytes <= 16 * 2**20
        assert widget.memory_used.text() == f"{widget.follower.kept_bytes / 2**20:.0f} MB used"


def test_the_layer_goes_and_the_widget_goes_on(open_attention, look, pointed, noise, messages):
    viewer, widget = open_attention()
    image = viewer.add_image(noise)
    look(widget)
    pointed(widget, widget.follower.pin, tuple(image.data_to_world((20, 30))))
    viewer.layers.remove(image)
    assert not any(layer.visible for layer in viewer.layers)
    assert list_items(widget) == []
    image = viewer.add_image(noise[::-1].copy())
    look(widget)
    pointed(widget, widget.follower.pin, tuple(image.data_to_world((20, 30))))
    assert messages == []


def test_what_keeps_it_from_looking_is_said(open_attention, tmp_path, noise, messages):
    viewer, widget = open_attention()
    widget.start()
    assert "no image" in messages[-1]
    header = ModelHeader(
        name="plain",
        purpose="Tests",
        architecture="unet",
        config={"in_channels": 1, "classes": 2, "widths": (4, 8)},
        classes=("background", "blob"),
        channels=("grey",),
        tile=(32, 32),
        overlap=(8, 8),
    )
    path = save(Model(create("unet", **header.config), header), tmp_path / "plain.safetensors")
    viewer.add_image(noise)
    widget.open_model(path)
    widget.start()
    assert "'plain' has no attention to look at" in messages[-1]
    widget.compare()
    assert "Press Look first" in messages[-1]


def test_everything_that_can_be_pressed_says_what_it_does(open_attention):
    from qtpy.QtWidgets import QAbstractButton, QComboBox, QSpinBox

    _, widget = open_attention()
    for control in (
        *widget.findChildren(QAbstractButton),
        *widget.findChildren(QComboBox),
        *widget.findChildren(QSpinBox),
    ):
        if control.objectName().startswith("qt_") or control.parent().objectName().startswith("qt_"):
            continue
        if not control.isVisibleTo(widget):
            continue
        assert control.toolTip(), (type(control).__name__, getattr(control, "text", str)())
