"""The widget "Correct and learn" in a real viewer: a person mends, marks and learns, with a network of a few layers."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
from mouse import SHIFT, Mouse, press_key
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QAbstractButton, QApplication, QComboBox, QFileDialog, QSpinBox

from napari_medt.correction_labels import prediction_of
from napari_medt.learning_task import LearningTask
from src_models.corrections.correction_set import CorrectionSet
from src_models.header import read_header

pytestmark = pytest.mark.usefixtures("plugin_registered")

SHAPE = (96, 128)
PLACED = {"scale": (3, 0.5, 2.0), "translate": (0, 4, -3)}


def disc(y, x, radius, shape=SHAPE):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


LEFT, RIGHT, LOW = disc(28, 30, 11), disc(30, 95, 13), disc(70, 60, 12)
IMAGE = (200.0 * (LEFT | RIGHT | LOW) + 20 + np.random.default_rng(1).normal(0, 4, SHAPE)).astype(np.float32)
STACK = np.stack([IMAGE, IMAGE[::-1], IMAGE[:, ::-1]])


@pytest.fixture(autouse=True)
def documents(tmp_path, monkeypatch):
    """Corrections go into a folder of the test."""
    monkeypatch.setenv("XDG_DOCUMENTS_DIR", str(tmp_path / "documents"))
    monkeypatch.setattr("napari_medt.learning_task.PREVIEW_EVERY", 0.0)
    return tmp_path / "documents" / "napari-medt corrections"


@pytest.fixture(scope="session")
def dark_model_path(tmp_path_factory) -> Path:
    """A model of classes that has learnt nothing, and can."""
    import torch

    from src_models.checkpoint import Model, save
    from src_models.header import ModelHeader
    from src_models.registry import create

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
def correcting(make_napari_viewer, dark_model_path, qtbot):
    """Return a function that opens a viewer with an image and the widget."""

    def open_(image=IMAGE, model=dark_model_path, show=True, **kwargs):
        viewer = make_napari_viewer(show=show)
        layer = viewer.add_image(image, name="cells", **kwargs) if image is not None else None
        _, widget = viewer.window.add_plugin_dock_widget("napari-medt", "Correct and learn")
        if model is not None:
            widget.open_model(model)
        settle(qtbot, widget)
        return viewer, widget, layer

    return open_


def settle(qtbot, widget):
    """Wait until everything that was asked for is done and shown, but for learning."""
    qtbot.waitUntil(lambda: widget.at.work.untold == 0 and not widget.at.run.running, timeout=60_000)
    qtbot.waitUntil(lambda: not widget.marking._timer.isActive(), timeout=5_000)
    QApplication.processEvents()


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
    """Return a function that lets the widget learn to the end."""

    def learn_(widget, seconds=5):
        widget.controls.learning.seconds.setValue(seconds)
        widget.controls.learning.learn.click()
        finish(qtbot, widget)

    return learn_


def finish(qtbot, widget):
    qtbot.waitUntil(lambda: not widget.rounds.running, timeout=60_000)
    settle(qtbot, widget)


def labels_of(viewer):
    return next(layer for layer in viewer.layers if layer.name.endswith("- to correct"))


def layer_of(viewer, word):
    return next((layer for layer in viewer.layers if f"- {word}" in layer.name), None)


def mend(widget, plane=()):
    """Paint the truth into the plane, as a person would, with napari's undo."""
    labels = widget.marking.labels()
    truth = (LEFT | RIGHT | LOW).astype(int)
    for value in (0, 1):
        places = np.nonzero(truth == value)
        labels.data_setitem((*(np.full(len(places[0]), at) for at in plane), *places), value)


def kept(folder):
    return list(CorrectionSet.open(folder).corrections())


def test_a_person_segments_mends_marks_and_learns(correcting, press, learn, documents, dark_model_path):
    viewer, widget, _ = correcting()
    before = dark_model_path.read_bytes()
    press(widget, widget.controls.segment)
    labels = labels_of(viewer)
    assert viewer.layers.selection.active == labels
    assert str(labels.mode) == "paint"
    found = prediction_of(labels)
    np.testing.assert_array_equal(found.data, labels.data)
    assert found.model_name == "dark"
    mend(widget)
    press(widget, widget.controls.marking.mark_slice)
    assert widget.controls.status.text() == "cells kept (1 correction so far)."
    ((_, correction),) = kept(documents / "cells")
    np.testing.assert_array_equal(correction.labels, LEFT | RIGHT | LOW)
    np.testing.assert_array_equal(correction.predicted, found.data)
    np.testing.assert_allclose(correction.image, IMAGE)
    assert correction.record.model_sha256 == found.model_sha256
    learn(widget)
    assert "rose from" in widget.controls.learning.result.text()
    version = documents / "cells" / "models" / "dark-v1.safetensors"
    assert read_header(version).parent_sha256 == found.model_sha256
    assert dark_model_path.read_bytes() == before
    assert widget.controls.models.path() == version
    plot = widget.controls.learning.plot
    assert len(plot.values["training"]) > 5
    assert plot.values["dice"][-1] > plot.values["dice"][0]
    shown = [widget.controls.versions.list.topLevelItem(row).text(0) for row in range(2)]
    assert shown == ["dark", "dark-v1  ✓ in use"]
