"""Fixtures of the tests of the widget "Correct and learn"."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from correct_scene import IMAGE, finish, settle


@pytest.fixture
def documents(tmp_path, monkeypatch):
    """Corrections go into a folder of the test."""
    monkeypatch.setenv("XDG_DOCUMENTS_DIR", str(tmp_path / "documents"))
    monkeypatch.setattr("src_models.finetuning.round.PREVIEW_EVERY", 0.0)
    return tmp_path / "documents" / "napari-medt corrections"


@pytest.fixture(scope="session")
def dark_model_path(tmp_path_factory) -> Path:
    """A model of classes that has learnt nothing, and can."""
    import torch

    from src_models.models.architectures import create
    from src_models.models.checkpoint import Model, save
    from src_models.models.header import ModelHeader

    torch.manual_seed(4)
    config = {"in_channels": 1, "classes": 2, "widths": (4, 8, 8)}
    header = ModelHeader(
        name="dark",
        purpose="Tests",
        architecture="attention-unet",
        config=config,
        classes=("background", "disc"),
        channels=("grey",),
        tile=(64, 64),
        overlap=(8, 8),
    )
    network = create(header.architecture, **config)
    return save(Model(network.eval(), header), tmp_path_factory.mktemp("models") / "dark.safetensors")


@pytest.fixture
def correcting(make_napari_viewer, dark_model_path, plugin_registered, documents, qtbot):
    """Return a function that opens a viewer with an image and the widget."""

    def open_(image=IMAGE, model=dark_model_path, show=True, **kwargs):
        viewer = make_napari_viewer(show=show)
        layer = viewer.add_image(image, name="cells", **kwargs) if image is not None else None
        _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Correct and learn")
        if model is not None:
            widget.open_model(model)
        quick = {"batch": 2, "patch": 48, "validate_every": 4, "learning_rate": 0.02}
        widget.rounds.settings = replace(widget.rounds.settings, **quick)
        settle(qtbot, widget)
        return viewer, widget, layer

    return open_


@pytest.fixture
def press(qtbot):
    """Return a function that presses a button and waits until that is done."""

    def press_(widget, button):
        assert button.isEnabled()
        button.click()
        settle(qtbot, widget)

    return press_


@pytest.fixture
def learn(qtbot):
    """Return a function that lets the widget learn until that has gained something, however slow the machine is."""

    def learn_(widget):
        panel = widget.controls.learning
        panel.seconds.setValue(600)
        panel.learn.click()
        dice = panel.plot.values["dice"]
        qtbot.waitUntil(lambda: len(dice) > 1 and max(dice) > dice[0] + 0.2, timeout=120_000)
        panel.stop.click()
        finish(qtbot, widget)

    return learn_
