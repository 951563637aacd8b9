"""Layers are added beside what a person works on, found again by their notes, and go with their image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_medt.viewer.layer_notes import notes_of, own_notes
from napari_medt.viewer.own_layers import OwnLayers, move
from napari_medt.viewer.placement import placement


@pytest.fixture
def viewer():
    viewer = ViewerModel()
    viewer.add_image(np.zeros((6, 8)), name="cells", scale=(2, 3), translate=(5, 7))
    return viewer


@pytest.fixture
def layers(viewer):
    return OwnLayers(viewer)


def add(layers, image, role="mine", **options):
    data = np.zeros((6, 8), np.uint8)
    return layers.add("labels", data, own_notes(image, role), placement(image), name=role, **options)


def test_a_layer_lies_over_its_image_and_is_found_by_its_role_whatever_it_is_called(viewer, layers):
    image = viewer.layers[0]
    layer = add(layers, image)
    np.testing.assert_allclose(layer.extent.world, image.extent.world)
    layer.name = "what a person calls it"
    assert layers.find("mine") is layer
    assert layers.find("other") is None
    assert notes_of(layer).image_name == "cells"


@pytest.mark.parametrize("kind", ["image", "points", "vectors"])
def test_layers_of_every_kind_are_added_and_may_be_empty(viewer, layers, kind):
    image, options = viewer.layers[0], {} if kind == "image" else {"ndim": 2}
    data = np.zeros((6, 8)) if kind == "image" else None
    layer = layers.add(kind, data, own_notes(image, kind), placement(image), **options)
    assert layer in viewer.layers
    assert layer.ndim == 2
    assert kind == "image" or len(layer.data) == 0


@pytest.mark.parametrize("chosen", [True, False])
def test_the_layer_in_hand_stays_in_hand(viewer, layers, chosen):
    viewer.layers.selection.active = viewer.layers[0] if chosen else None
    add(layers, viewer.layers[0])
    assert viewer.layers.selection.active is (viewer.layers[0] if chosen else None)


def test_a_layer_can_be_taken_in_hand(viewer, layers):
    layer = add(layers, viewer.layers[0], select=True)
    assert viewer.layers.selection.active is layer


def test_a_layer_of_another_image_goes(viewer, layers):
    image = viewer.layers[0]
    layer = add(layers, image)
    assert layers.of(image, "mine") is layer
    other = viewer.add_image(np.zeros((6, 8)))
    assert layers.of(other, "mine") is None
    assert layer not in viewer.layers


def test_a_layer_of_other_axes_goes(viewer, layers):
    image = viewer.layers[0]
    layer = add(layers, image)
    image.data = np.zeros((3, 6, 8))  # napari lets a person do so
    assert layers.of(image, "mine") is None
    assert layer not in viewer.layers


def test_all_layers_of_an_image_are_listed_newest_last_and_those_of_a_model(viewer, layers):
    image, other = viewer.layers[0], viewer.add_image(np.zeros((6, 8)))
    made = []
    for of, model in ((image, "a"), (other, "a"), (image, "b"), (image, "a")):
        notes = replace(own_notes(of, "mine"), model=model)
        made.append(layers.add("labels", np.zeros((6, 8), np.uint8), notes, placement(of)))
    add(layers, image, "another role")
    assert layers.all_of(image, "mine") == [made[0], made[2], made[3]]
    assert layers.all_of(image, "mine", "a") == [made[0], made[3]]


def test_roles_are_hidden_and_removed_where_they_are_there(viewer, layers):
    image = viewer.layers[0]
    one, other = add(layers, image, "one"), add(layers, image, "other")
    layers.hide("one")
    layers.hide("not there")
    assert (one.visible, other.visible) == (False, True)
    layers.remove("one", "not there", "other")
    assert list(viewer.layers) == [image]


def test_a_layer_is_moved_and_only_what_differs_is_set(viewer, layers):
    image = viewer.layers[0]
    layer = add(layers, image)
    set_ = []
    for name in ("scale", "translate", "rotate", "shear", "affine", "units", "axis_labels"):
        layer.events[name].connect(lambda event, name=name: set_.append(name))
    move(layer, placement(image))
    assert set_ == []
    move(layer, placement(image, (2, 2), (1, 0)))
    np.testing.assert_allclose(layer.scale, (4, 6))
    np.testing.assert_allclose(layer.translate, (5 + 2 * 1, 7))
    assert "rotate" not in set_
    assert "units" not in set_
