"""Fixtures of the tests of the widget Classify: a viewer with discs, and a model that tells bright from dark ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from class_scene import CLASSES, IMAGE, LABELS, settle
from grey_classifiers import SMALL_MED_FORMER, grey_classifier, grey_header


@pytest.fixture(scope="session")
def brightness_model_path(tmp_path_factory) -> Path:
    """A model of classes that goes by how bright the middle of a picture is: "dark" or "bright"."""
    import torch

    from src_models.models.checkpoint import save

    model = grey_classifier(grey_header("brightness", CLASSES, 16, purpose="Tells dark discs from bright ones"))
    network = model.network
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    y, x = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    disc = (torch.hypot(y - 7.5, x - 7.5) < 5).float()

    def drawn() -> tuple[torch.Tensor, torch.Tensor]:
        target = torch.randint(0, 2, (16,))
        grey = torch.where(target == 1, 0.85, 0.22) + 0.05 * torch.randn(16)
        return (disc * grey[:, None, None] + 0.05 * torch.rand(16, 16, 16))[:, None], target

    for _ in range(30):
        pictures, target = drawn()
        loss = torch.nn.functional.cross_entropy(network.train()(pictures), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        for _ in range(40):  # the batch norms get to know what there is
            network(drawn()[0])
    return save(grey_classifier(model.header, network), tmp_path_factory.mktemp("models") / "brightness.safetensors")


@pytest.fixture(scope="session")
def attending_model_path(tmp_path_factory) -> Path:
    """A small Med-Former of random weights, of two stages."""
    from src_models.models.checkpoint import save

    header = grey_header("attending", CLASSES, 32, architecture="med-former", options=SMALL_MED_FORMER)
    return save(grey_classifier(header), tmp_path_factory.mktemp("models") / "attending.safetensors")


@pytest.fixture
def class_folder(tmp_path, monkeypatch) -> Path:
    """Where corrections of the image of discs are kept, in a folder of the test."""
    monkeypatch.setenv("XDG_DOCUMENTS_DIR", str(tmp_path / "documents"))
    return tmp_path / "documents" / "napari-medt corrections" / "discs - classes"


@pytest.fixture
def classifying(make_napari_viewer, brightness_model_path, plugin_registered, class_folder, qtbot):
    """Return a function that opens a viewer with an image, its labels and the widget."""

    def open_(image=IMAGE, labels=LABELS, model=brightness_model_path, show=False, **kwargs):
        viewer = make_napari_viewer(show=show)
        layer = None if image is None else viewer.add_image(image, name="discs", contrast_limits=(0, 1), **kwargs)
        objects = None if labels is None else viewer.add_labels(np.array(labels), name="objects", **kwargs)
        _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Classify")
        if model is not None:
            widget.open_model(model)
        settle(qtbot, widget)
        return viewer, widget, layer, objects

    return open_


@pytest.fixture
def classify(qtbot):
    """Return a function that presses Classify and waits until what was found is shown."""

    def press(widget):
        assert widget.controls.classify.isEnabled()
        with qtbot.waitSignal(widget.ended, timeout=60_000):
            widget.controls.classify.click()
        settle(qtbot, widget)

    return press
