"""Which image is clicked in, as it is viewed: told from a viewer without a window."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Labels

from napari_medt.clicking.subjects import ClickSubjects
from src_models.errors import UserError
from src_models.images.labels_axes import LabelsAxes
from src_models.models.header import Intensity

SHAPE = (4, 20, 30)


@pytest.fixture
def scene(preferences_apart):
    """A viewer with a stack, and what a person chose."""
    viewer = ViewerModel()
    viewer.add_layer(Image(np.zeros(SHAPE, np.float32), name="stack", axis_labels="zyx"))
    chosen = SimpleNamespace(
        image=viewer.layers["stack"], model=Path("click.safetensors"), labels=None, offered=[], window=None
    )
    controls = SimpleNamespace(
        images=SimpleNamespace(layer=lambda: chosen.image),
        models=SimpleNamespace(path=lambda: chosen.model),
        window=SimpleNamespace(intensity=lambda: chosen.window),
        accepting=SimpleNamespace(layer=lambda: chosen.labels, offer=lambda layers: setattr(chosen, "offered", layers)),
    )
    return SimpleNamespace(viewer=viewer, chosen=chosen, subjects=ClickSubjects(viewer, controls))


def test_what_the_worker_thread_is_told_holds_no_layer(scene):
    subject = scene.subjects.subject()
    assert subject.data is scene.chosen.image.data
    assert (subject.reading.axes, subject.covering) == ("ZYX", LabelsAxes("ZYX", SHAPE))
    assert (subject.name, subject.model, subject.intensity) == ("layer 'stack'", scene.chosen.model, None)
    assert not any(isinstance(getattr(subject, name), Image) for name in subject.__slots__)


def test_each_side_from_which_an_image_is_viewed_is_an_image_of_its_own(scene):
    subjects, dims = scene.subjects, scene.viewer.dims
    front = subjects.subject()
    dims.order = (1, 0, 2)
    side = subjects.subject()
    assert side.key != front.key
    assert side.covering.plane_shape == (4, 30)
    assert subjects.key() == side.key  # the one that was looked at last
    dims.order = (0, 1, 2)
    assert subjects.subject().key == front.key
    assert subjects.key() == front.key


def test_an_image_that_is_removed_is_forgotten_from_all_sides(scene):
    subjects = scene.subjects
    first = subjects.subject().key
    scene.viewer.dims.order = (1, 0, 2)
    second = subjects.subject().key
    other = Image(np.zeros((20, 30)), name="other")
    scene.viewer.add_layer(other)
    scene.chosen.image = other
    scene.viewer.dims.order = (0, 1, 2)
    kept = subjects.subject().key
    scene.viewer.layers.remove("stack")
    assert set(subjects.forget_removed()) == {first, second}
    assert list(subjects.targets) == [kept]


def test_a_window_of_ct_counts_for_a_ct_and_for_the_data_that_were_looked_at(scene):
    subjects, image = scene.subjects, scene.chosen.image
    scene.chosen.window = Intensity(kind="window", low=-1000.0, high=200.0)
    assert subjects.is_ct(subjects.target()) is None
    assert subjects.subject().intensity is None
    subjects.note_ct(subjects.target(), True)
    assert subjects.subject().intensity == scene.chosen.window
    image.data = np.ones(SHAPE, np.float32)
    assert subjects.is_ct(subjects.target()) is None
    subjects.note_ct(subjects.target(), False)
    assert subjects.subject().intensity is None


def test_labels_that_fit_are_offered_and_those_that_were_removed_are_none(scene):
    fitting = Labels(np.zeros(SHAPE, int), name="mine")
    for layer in (fitting, Labels(np.zeros((20, 30), int), name="flat")):
        scene.viewer.add_layer(layer)
    scene.subjects.offer_labels()
    assert scene.chosen.offered == [fitting]
    scene.chosen.labels = fitting
    assert scene.subjects.labels() is fitting
    scene.viewer.layers.remove(fitting)
    assert scene.subjects.labels() is None


def test_what_is_missing_is_said(scene):
    scene.chosen.model = None
    with pytest.raises(UserError, match="no model of clicks: open a model file first"):
        scene.subjects.subject()
    scene.chosen.image.visible = False
    with pytest.raises(UserError, match="is hidden"):
        scene.subjects.target()
    scene.chosen.image = None
    assert scene.subjects.key() is None
    with pytest.raises(UserError, match="no image to click in: open one first"):
        scene.subjects.target()
