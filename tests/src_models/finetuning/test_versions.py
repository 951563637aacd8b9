"""The models that were learnt from a set of corrections, and what is known of them."""

from __future__ import annotations

import dataclasses
import hashlib
import os

import pytest

from src_models.errors import DataSetError
from src_models.finetuning.versions import ModelVersions
from src_models.models.checkpoint import Model, load, save


@pytest.fixture
def first(tmp_path, make_model):
    """A model in a file outside of the folder of versions."""
    return load(save(make_model("unet"), tmp_path / "elsewhere" / "cells.safetensors"))


def learnt(parent, seed, make_model, **training):
    """What a round of learning gives."""
    network = make_model("unet", seed=seed).network
    header = dataclasses.replace(parent.header, parent_sha256=parent.sha256, training=training)
    return Model(network, header)


@pytest.fixture
def two(tmp_path, first, make_model):
    """Versions of the model, one learnt after the other."""
    versions = ModelVersions(tmp_path / "models")
    one = versions.add(learnt(first, 1, make_model, validation_dice_before=0.5, validation_dice=0.8), first.path)
    versions.add(learnt(load(one.path), 2, make_model), one.path)
    return versions


def test_versions_are_numbered_and_know_their_parents(two, first):
    one, other = ModelVersions(two.folder).list()
    assert (one.name, other.name) == ("cells-v1", "cells-v2")
    assert one.parent_sha256 == first.sha256
    assert other.parent_sha256 == one.sha256 == hashlib.sha256(one.path.read_bytes()).hexdigest()
    assert (one.dice_before, one.dice) == (0.5, 0.8)
    assert (other.dice_before, other.dice) == (None, None)
    assert load(other.path).header.name == "cells-v2"


def test_the_file_that_everything_began_with_is_remembered(two, first):
    assert ModelVersions(two.folder).base == first.path.resolve()
    assert ModelVersions(two.folder / "none").base is None


def test_a_round_replaces_its_own_file_alone(two, first, make_model):
    before = {version.name: version.sha256 for version in two.list()}
    again = two.keep(learnt(first, 3, make_model), two.list()[1].path)
    after = {version.name: version.sha256 for version in ModelVersions(two.folder).list()}
    assert after == {"cells-v1": before["cells-v1"], "cells-v2": again.sha256}
    assert again.sha256 != before["cells-v2"]


def test_the_version_in_use_and_notes_outlive_the_process(two):
    two.activate("cells-v1")
    two.note("cells-v2", "too many holes")
    again = ModelVersions(two.folder)
    assert again.active == "cells-v1"
    assert [version.note for version in again.list()] == ["", "too many holes"]
    again.activate(None)
    assert two.active is None
    assert [version.note for version in two.list()] == ["", "too many holes"]
    with pytest.raises(DataSetError, match="there is no version 'cells-v9'"):
        two.activate("cells-v9")


def test_what_is_discarded_is_in_use_no_more(two):
    one, other = two.list()
    two.activate("cells-v2")
    two.discard(other.path)
    assert [version.name for version in two.list()] == ["cells-v1"]
    assert ModelVersions(two.folder).active is None
    two.activate("cells-v1")
    two.discard(other.path)  # it is gone already
    assert ModelVersions(two.folder).active == "cells-v1"
    assert one.path.exists()


def test_a_file_that_is_no_model_is_left_out_and_left_alone(two):
    (two.folder / "broken.safetensors").write_bytes(b"\x08")
    assert [version.name for version in two.list()] == ["cells-v1", "cells-v2"]
    assert (two.folder / "broken.safetensors").exists()


def test_damaged_notes_are_a_sentence(two):
    (two.folder / "versions.json").write_text("{")
    with pytest.raises(DataSetError, match=r"versions\.json: it cannot be read"):
        two.list()


def test_what_a_killed_round_left_goes_when_the_next_one_writes(two, first, make_model):
    stale = two.folder / ".cells-v9.0123abcd.part.safetensors"
    stale.write_bytes(b"half a model")
    os.utime(stale, (1, 1))
    two.add(learnt(first, 5, make_model), first.path)
    assert not stale.exists()
