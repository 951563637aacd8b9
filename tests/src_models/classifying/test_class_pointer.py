"""Where a model of classes looks from a place: a row of its matrix, put around what has a class there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from src_models.attention.map_table import value_at
from src_models.attention.recording import record_attention
from src_models.classifying.class_pointer import ClassPointer, row_at
from src_models.classifying.classify import classify
from src_models.errors import UserError
from src_models.models.architectures import create
from src_models.models.checkpoint import Model
from src_models.models.header import Intensity, ModelHeader
from src_models.probing.pointer import AttentionPointer

CONFIG = {"in_channels": 1, "classes": 2, "width": 8, "head_channels": 4, "stages": 1, "windows": (4, 3)}


def model_of(architecture, config):
    torch.manual_seed(0)
    header = ModelHeader(
        name="tiny", purpose="tests", architecture=architecture, config=config, classes=("round", "long"),
        channels=("grey",), intensity=Intensity(kind="window", low=0.0, high=1.0), tile=(32, 32), overlap=(0, 0),
        result="class",
    )  # fmt: skip
    return Model(create(architecture, **config).eval(), header)


@pytest.fixture(scope="module")
def model():
    return model_of("med-former", CONFIG)


@pytest.fixture(scope="module")
def stack():
    """Two planes with an object of 10 px each; the model sees 32 px around the middle."""
    image = np.random.default_rng(0).random((2, 70, 90), np.float32)
    labels = np.zeros(image.shape, np.int32)
    labels[0, 20:30, 30:40], labels[1, 40:50, 60:70] = 3, 8
    return image, labels


def test_from_a_place_the_window_s_row_of_the_object_there_is_shown(model, stack):
    image, labels = stack
    found = classify(image, model, labels=labels, axes="ZYX", device="cpu")
    pointer = ClassPointer(image, model, found)
    assert pointer.shape == (2, 70, 90)
    with torch.inference_mode(), record_attention(model.network) as attention:
        model.network(torch.from_numpy(image[1, 29:61, 49:81])[None, None])  # what was seen of object 8
    # (42, 64) is (13, 15) in the picture: the cell (3, 3), the last of the first window of 4 x 4.
    for head, row in ((None, slice(None)), (1, slice(1, 2))):
        pointed = pointer.point((1, 42, 64), "large window 1.1", head=head)
        weights = attention["large window 1.1 matrix"].tensor[0, 0][row].mean(0)[15].reshape(4, 4)
        assert pointed.map.data.sum() == pytest.approx(16, rel=1e-4)  # weights sum to 1 over cells of 16 px
        for y, x in np.ndindex(4, 4):
            at = (1, 29 + 4 * y + 1, 49 + 4 * x + 2)
            assert value_at(pointed.map, at) == pytest.approx(float(weights[y, x]), abs=1e-6)
        assert pointed.query == (1, 29 + 13.5, 49 + 13.5)
        assert pointed.sentence == "Bright: where it looks most from the cross."
    received = attention["small window 1.2 received"].tensor[0, 0]
    assert pointed.values["small window 1.2 received"] == pytest.approx(float(received[3, 3]), abs=1e-6)


def test_views_are_all_layers_with_as_many_heads_as_they_have(model, stack):
    image, labels = stack
    pointer = ClassPointer(image, model, classify(image, model, labels=labels, axes="ZYX", device="cpu"))
    with torch.inference_mode(), record_attention(model.network) as attention:
        model.network(torch.zeros(1, 1, 32, 32))
    wanted = {name.removesuffix(" matrix"): attention[name].shape[-3] for name in attention.names() if "matrix" in name}
    assert {view.name: view.heads for view in pointer.views()} == wanted
    assert {"large window 1.1", "small window 1.1"} <= wanted.keys()


def test_of_tiles_and_planes_that_one_is_asked_in_which_the_place_lies(model, stack):
    image, _ = stack
    tiles = classify(image, model, tiles=32, axes="ZYX", device="cpu")
    row = row_at(tiles, "ZYX", (1, 33, 64))
    assert tiles.boxes[row].tolist() == [32, 64, 64, 90]
    assert tiles.planes[row].tolist() == [1]
    assert row_at(classify(image, model, axes="ZYX", device="cpu"), "ZYX", (1, 3, 4)) == 1


def test_of_objects_whose_boxes_overlap_that_with_the_nearer_middle_is_asked(model):
    image, labels = np.zeros((60, 60), np.float32), np.zeros((60, 60), np.int32)
    labels[10:50, 10], labels[49, 10:50] = 1, 1  # an angle, in whose box the other lies
    labels[20:26, 30:36] = 2
    found = classify(image, model, labels=labels, device="cpu")
    assert found.ids[row_at(found, "YX", (22, 33))] == 2
    assert found.ids[row_at(found, "YX", (45, 15))] == 1


def test_what_cannot_be_asked_is_said(model, stack):
    image, labels = stack
    found = classify(image, model, labels=labels, axes="ZYX", device="cpu")
    pointer = ClassPointer(image, model, found)
    for place, view, message in (
        ((1, 5, 5), "large window 1.1", "no object with a class lies at Z 1, Y 5, X 5"),
        ((0, 45, 65), "large window 1.1", "no object with a class lies"),
        ((1, 70, 5), "large window 1.1", "outside of the image, which has 2 x 70 x 90"),
        ((1, 42, 64), "layer 1", "nothing called 'layer 1' to look at; choose from large window 1.1"),
    ):
        with pytest.raises(UserError, match=message):
            pointer.point(place, view)
    with pytest.raises(UserError, match="has the heads 0 to 1"):
        pointer.point((1, 42, 64), "large window 1.1", head=2)
    with pytest.raises(UserError, match="a ClassPointer is asked"):
        AttentionPointer(image, model, found)
    without = model_of("resnet18", {"in_channels": 1, "classes": 2})
    with pytest.raises(UserError, match="has no attention that could be looked at"):
        ClassPointer(image, without, found)
