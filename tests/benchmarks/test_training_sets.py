"""The data sets of the models that ship."""

import pytest

from benchmarks.assemble_data_set import assemble
from benchmarks.training_sets import parts
from src_models.files.dataset import DataSet

MAY_NOT_SHIP = {"isbi2012_em", "mri_hippocampus_msd", "monuseg_half", "glas_half", "aitslab_cells"}


@pytest.mark.parametrize("model", ["nuclei", "whole-cells", "cells"])
def test_each_domain_is_taught_and_judged_from_sets_that_may_train_a_model_that_ships(shared, tmp_path, model):
    chosen = parts(model, shared / "data")
    assert not {part.folder.name for part in chosen} & MAY_NOT_SHIP
    assemble(tmp_path / "all", chosen)
    data = DataSet.open(tmp_path / "all")
    domains = {part.domain for part in chosen}
    for split in ("train", "val"):
        assert {sample.domain for sample in data.split(split)} == domains
    cited = data.citations()
    assert {citation.name for citation in cited} == {part.folder.name for part in chosen}
    assert "unknown" not in {citation.licence for citation in cited}
    movies = {sample.split for sample in data.samples if "yeast" in sample.name}
    assert movies <= {"train"}, "frames of one movie do not judge each other"
