"""What the widget "Correct and learn" reads from a folder."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest

from src_models.corrections.correction import Source, mark
from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import DataSetError
from src_models.finetuning.correction_folder import read_folder, use_version, versions_folder, withdraw
from src_models.finetuning.versions import ModelVersions
from src_models.models.checkpoint import Model, load


@pytest.fixture
def folder(tmp_path, tiny_model_path):
    """A set of two corrections, and a version that was learnt from them."""
    kept = CorrectionSet.open(tmp_path / "set")
    for plane in range(2):
        source = Source(layer="cells", axes="ZYX", plane=(plane,))
        kept.add(mark(np.zeros((8, 8), "u1"), np.eye(8, dtype=int), source=source))
    parent = load(tiny_model_path)
    header = dataclasses.replace(parent.header, parent_sha256=parent.sha256)
    ModelVersions(versions_folder(kept.root)).add(Model(parent.network, header), tiny_model_path)
    return kept.root


def test_the_first_model_is_found_among_those_that_are_listed_or_where_it_was(folder, tiny_model_path, tmp_path):
    assert read_folder(folder).base == tiny_model_path.resolve()
    copy = shutil.copy(tiny_model_path, tmp_path / "copy.safetensors")
    assert read_folder(folder, [copy]).base == copy


def test_a_first_model_that_was_replaced_by_another_is_not_taken_for_it(folder, tiny_model_path):
    moved = ModelVersions(versions_folder(folder))
    stored = moved._stored()
    moved._store({**stored, "base": str(moved.list()[0].path)})
    assert read_folder(folder).base is None
    assert read_folder(folder, [tiny_model_path]).base == tiny_model_path


def test_what_is_withdrawn_is_left_out_and_said_if_it_is_gone(folder):
    first, second = read_folder(folder).items
    assert withdraw(folder, first.name).items == (second,)
    assert len(CorrectionSet.open(folder).history) == 2
    with pytest.raises(DataSetError, match="no correction"):
        withdraw(folder, first.name)


def test_a_version_is_used_until_another_is(folder):
    assert read_folder(folder).active is None
    (version,) = read_folder(folder).versions
    assert use_version(folder, version.name).active == version.name
    assert read_folder(folder).version(version.name) == version
    assert use_version(folder, None).active is None
