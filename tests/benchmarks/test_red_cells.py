"""The comparison of networks that tell classes goes on where it was, and its table says what was measured."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from toy_classes import TOY, write_squares

from benchmarks import machine, make_class_replay, red_cells
from src_models.files.class_sets.opening import open_class_set
from src_models.models.architectures import ARCHITECTURES, create, find_architecture


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "RESULTS", tmp_path / "results")
    (tmp_path / "results").mkdir()
    monkeypatch.setattr(red_cells, "VARIANTS", {"toy": ("a toy", "toy-classes", {})})
    ARCHITECTURES.append(TOY)
    yield tmp_path / "results"
    ARCHITECTURES.remove(TOY)


def test_every_row_is_trained_once_and_the_seeds_have_a_mean(results, tmp_path, monkeypatch):
    squares = write_squares(tmp_path / "squares")
    command = ["red_cells", str(squares), str(tmp_path / "out"), "--steps", "20", "--batch", "8", "--seeds", "0", "1"]
    monkeypatch.setattr(sys, "argv", [*command, "--variants", "toy"])
    red_cells.main()
    files = sorted((tmp_path / "out").glob("*.json"))
    assert len(files) == 2
    before = [path.stat().st_mtime_ns for path in files]
    accuracies = [json.loads(path.read_text())["best"]["accuracy"] for path in files]
    red_cells.main()
    assert [path.stat().st_mtime_ns for path in files] == before
    table = (results / "red_cells.md").read_text()
    assert f"{np.mean(accuracies):.3f} ± {np.std(accuracies, ddof=1):.3f}" in table


@pytest.mark.parametrize("variant", red_cells.VARIANTS)
def test_every_network_of_the_comparison_can_be_made(variant):
    _, architecture, own = red_cells.VARIANTS[variant]
    record = find_architecture(architecture)
    chosen = {**{option.name: option.default for option in record.options}, **own}
    network = create(architecture, in_channels=3, classes=12, **record.configure(chosen, 72))
    assert sum(parameter.numel() for parameter in network.parameters()) > 100_000


def test_what_ships_against_forgetting_is_of_the_set(tmp_path):
    squares = write_squares(tmp_path / "squares", count=40)
    make_class_replay.main(str(squares), str(tmp_path / "squares.npz"))
    data, packed = open_class_set(squares), open_class_set(tmp_path / "squares.npz")
    assert packed.classes == data.classes
    for split, each in make_class_replay.EACH.items():
        assert packed.counts(packed.split(split)) == [each] * 3
        there = {data.picture(sample, 16).tobytes() for sample in data.split(split)}
        assert {packed.picture(sample, 16).tobytes() for sample in packed.split(split)} <= there
