"""The Attention widget with a network of self-guided attention: its maps, and where it looks from the pointer."""

import numpy as np
import pytest
import torch
from mouse import Mouse
from qtpy.QtCore import Qt

from src_models.models.architectures import attention_names, create
from src_models.models.checkpoint import Model, load, save
from src_models.models.header import ModelHeader
from src_models.prediction.segment import segment
from src_models.probing.position_probe import PositionProbe

pytestmark = pytest.mark.usefixtures("plugin_registered")

CONFIG = {"in_channels": 1, "classes": 2, "width": 8, "refinements": 1, "image_size": 96}


@pytest.fixture(scope="module")
def guided_path(tmp_path_factory):
    """A network of random weights whose norms have seen an image."""
    torch.manual_seed(0)
    network = create("guided-attention", **CONFIG)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith(("query.weight", "key.weight")):
                parameter.mul_(4)
        for _ in range(3):
            network.train()(torch.rand(2, 1, 64, 64))
    header = ModelHeader(
        name="guided",
        purpose="Tests",
        architecture="guided-attention",
        config=CONFIG,
        classes=("background", "blob"),
        channels=("grey",),
        tile=(96, 96),
        overlap=(24, 24),
    )
    return save(Model(network.eval(), header), tmp_path_factory.mktemp("models") / "guided.safetensors")


def test_maps_are_shown_and_the_pointer_is_answered(make_napari_viewer, qtbot, guided_path):
    noise = np.random.default_rng(0).random((64, 80), np.float32)
    viewer = make_napari_viewer(show=True)
    _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Attention")
    widget.open_model(guided_path)
    widget.probe.follow.setChecked(True)
    image = viewer.add_image(noise)
    with qtbot.waitSignal(widget.follower.opened, timeout=60_000):
        widget.look.click()
    listed = [widget.maps.list.item(row) for row in range(widget.maps.list.count())]
    names = [item.data(Qt.ItemDataRole.UserRole) for item in listed]
    assert sorted(names) == sorted(attention_names("guided-attention", CONFIG))
    views = [widget.probe.view.itemData(row) for row in range(widget.probe.view.count())]
    assert views == [f"scale {scale} step 1" for scale in (1, 2, 3, 4)]
    assert widget.probe.view.itemText(0) == "Finest scale, step 1: where it looks from here"
    assert not widget.probe.head_of_height.isVisible()
    widget.probe.view.setCurrentIndex(2)
    probe = PositionProbe(noise, load(guided_path), device="cpu")
    mouse = Mouse(viewer)
    for pixel in ((20, 31), (40, 60)):
        with qtbot.waitSignal(widget.follower.answered, timeout=30_000):
            mouse.move(image.data_to_world(pixel))
        layer, wanted = widget.follower.layers.map(), probe.look(pixel, "scale 3 step 1")
        np.testing.assert_allclose(layer.data, wanted.weights, atol=1e-6)
        centre = [c * s + t for c, s, t in zip((2, 3), wanted.scale, wanted.translate, strict=True)]
        np.testing.assert_allclose(layer.data_to_world((2, 3)), image.data_to_world(centre), atol=1e-9)
    found = segment(noise, load(guided_path), attention=True, device="cpu").attention
    table = widget.probe.values
    told = {
        table.item(row, 0).data(Qt.ItemDataRole.UserRole): float(table.item(row, 1).text())
        for row in range(table.rowCount())
    }
    assert told == {placed.name: pytest.approx(float(placed.data[10, 15]), abs=6e-4) for placed in found}
