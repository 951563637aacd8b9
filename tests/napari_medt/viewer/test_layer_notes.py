"""What is known of a layer comes back from its metadata, and from what journals and earlier versions hold of them."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from napari.layers import Image, Labels

from napari_medt.viewer.layer_notes import (
    METADATA_KEY,
    Correction,
    LayerNotes,
    Prediction,
    is_own_layer,
    notes_of,
    own_notes,
    write_notes,
)
from src_models.labels.packed import pack

FULL = LayerNotes(
    role="labels",
    image="12",
    image_name="cells",
    model="nuclei",
    map="gate 3",
    description="what it is",
    limits=(0.0, 1.0),
    keeps=object(),
    edited=True,
    checksum=77,
    found=pack(np.eye(4, dtype=np.int32)),
    correction=Prediction(data=np.eye(4), model_name="nuclei", model_sha256="ab", background=120),
    objects=({"value": 1, "time": "then"}, {"value": 2, "time": "now"}),
    marked={"[0]": 5},
    volume="anything",
    modality="CT",
    padding=((-3024.0, -3024.0),),
    provenance={"model_sha256": "ab", "settings": {"tile": 64}},
)


@pytest.fixture
def layer():
    return Labels(np.zeros((4, 4), np.int32), name="mine", metadata={"of a person": 1})


def test_what_is_written_is_read(layer):
    write_notes(layer, FULL)
    again = notes_of(layer)
    for field in fields(LayerNotes):
        if field.name != "correction":
            assert getattr(again, field.name) == getattr(FULL, field.name), field.name
    assert isinstance(again.correction, Prediction)
    for field in fields(Prediction):
        assert getattr(again.correction, field.name) is getattr(FULL.correction, field.name)
    assert layer.metadata["of a person"] == 1


def test_metadata_have_the_form_that_earlier_versions_wrote():
    """Journals and open sessions of them are read, and other people's scripts read this."""
    written = FULL.metadata()[METADATA_KEY]
    assert written["layer"]["role"] == "labels"
    assert written["layer"]["image_name"] == "cells"
    assert written["correction"]["background"] == 120
    assert written["objects"][1] == {"value": 2, "time": "now"}
    assert written["marked planes"] == {"[0]": 5}
    assert written["volume"] == "anything"
    assert written["model_sha256"] == "ab"
    assert written["settings"] == {"tile": 64}


def test_metadata_of_an_earlier_version_are_read():
    before = {
        "model_sha256": "ab",
        "versions": {"torch": "2"},
        "layer": {
            "image": "7",
            "image_name": "cells",
            "model": "nuclei",
            "role": "labels",
            "edited": False,
            "checksum": None,
            "of a later one": 3,
        },
        "correction": {"data": np.ones((2, 2)), "model_name": None, "model_sha256": None, "background": 30_000},
        "objects": [{"value": 4}],
        "marked planes": {"[]": 9},
    }
    notes = LayerNotes.read({METADATA_KEY: before})
    assert (notes.role, notes.image, notes.model, notes.edited, notes.checksum) == (
        "labels",
        "7",
        "nuclei",
        False,
        None,
    )
    assert isinstance(notes.correction, Prediction)
    assert notes.correction.background == 30_000
    assert notes.objects == ({"value": 4},)
    assert notes.marked == {"[]": 9}
    assert notes.provenance == {"model_sha256": "ab", "versions": {"torch": "2"}}


def test_what_json_can_hold_comes_back_without_arrays():
    """A journal keeps the prediction beside the labels, and the number of background in the notes."""
    plain = replace(FULL, keeps=None, found=None, correction=Correction(background=120, model_name="nuclei"))
    notes = LayerNotes.read(json.loads(json.dumps(plain.metadata())))
    assert not isinstance(notes.correction, Prediction)
    assert (notes.correction.background, notes.correction.model_name) == (120, "nuclei")
    assert notes.objects == plain.objects
    assert notes.checksum == 77


@pytest.mark.parametrize("metadata", [{}, {METADATA_KEY: "mine"}, {METADATA_KEY: {"layer": 3, "correction": []}}])
def test_of_other_layers_nothing_is_known(metadata):
    notes = LayerNotes.read(metadata)
    assert (notes.role, notes.image, notes.correction, notes.objects, notes.marked) == ("", None, None, (), {})
    assert not is_own_layer(Image(np.zeros((4, 4)), metadata=metadata))


def test_nothing_that_is_usual_is_written():
    assert LayerNotes().metadata() == {METADATA_KEY: {}}
    assert LayerNotes(volume="anything").metadata() == {METADATA_KEY: {"volume": "anything"}}


def test_a_layer_of_an_image_knows_it(layer):
    image = Image(np.zeros((4, 4)), name="cells")
    write_notes(layer, own_notes(image, "labels"))
    assert is_own_layer(layer)
    assert (notes_of(layer).image, notes_of(layer).image_name) == (str(image.unique_id), "cells")


def test_notes_of_a_layer_are_its_own(layer):
    """napari's copies share metadata; what is noted of one is not noted of the other."""
    write_notes(layer, own_notes(layer, "labels"))
    data, state, kind = layer.as_layer_data_tuple()
    other = Labels.create(data.copy(), state, kind)
    write_notes(other, replace(notes_of(other), edited=True))
    assert not notes_of(layer).edited
