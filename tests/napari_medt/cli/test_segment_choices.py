"""Channels, sensitivity, least size and the edge on the command line: the same as in Python."""

import dataclasses
import json

import numpy as np
import pytest
import tifffile
from typer.testing import CliRunner

from napari_medt.cli import app
from src_models.files.images import read_labels
from src_models.models.checkpoint import Model, load, save
from src_models.prediction.segment import segment


@pytest.fixture
def run(tmp_path, tiny_model_path):
    """Segment an image file by the command line; give the result and the labels' file."""

    def go(image, *options):
        output = tmp_path / "out"
        arguments = ["segment", image, "--model", tiny_model_path, "--output", output, "--overwrite", *options]
        done = CliRunner(env={"COLUMNS": "200"}).invoke(app, [str(argument) for argument in arguments])
        return done, output / f"{image.name.split('.')[0]}_labels.tif"

    return go


@pytest.fixture
def two_stains(tmp_path, discs):
    """A file of two channels, of which the second one shows discs."""
    other = np.random.default_rng(0).integers(80, 160, discs.shape).astype(np.uint16)
    path = tmp_path / "two.tif"
    tifffile.imwrite(path, np.stack([other, discs]), imagej=True, metadata={"axes": "CYX", "mode": "composite"})
    return path


def test_a_channel_is_named_and_said(run, two_stains, discs, tiny_model_path):
    refused, _ = run(two_stains, "--diameter", 20)
    assert refused.exit_code == 1
    assert "has 2 channels" in refused.stderr
    assert "--channels in the shell" in refused.stderr
    done, labels = run(two_stains, "--diameter", 20, "--channels", 1)
    assert done.exit_code == 0, done.output
    assert "only the 2nd of 2 channels" in done.stdout
    alone = segment(discs, load(tiny_model_path), diameter=20).labels
    np.testing.assert_array_equal(read_labels(labels), alone)
    assert alone.max() == 2
    missing, _ = run(two_stains, "--channels", 2)
    assert "there is no channel 2" in missing.stderr
    assert run(two_stains, "--channels", "DAPI")[0].exit_code == 1
    np.testing.assert_array_equal(read_labels(run(two_stains, "--diameter", 20, "--channel", 1)[1]), alone)


def test_a_range_of_grey_values_is_taken_said_and_recorded(run, tmp_path, discs, tiny_model_path):
    path = tmp_path / "cells.tif"
    tifffile.imwrite(path, discs)
    done, labels = run(path, "--diameter", 20, "--grey-range", "50:400")
    assert done.exit_code == 0, done.output
    assert "grey values 50 to 400" in done.stdout
    expected = segment(discs, load(tiny_model_path), diameter=20, grey_range=(50, 400))
    np.testing.assert_array_equal(read_labels(labels), expected.labels)
    record = json.loads(labels.with_suffix(".json").read_text(encoding="utf-8"))
    assert (record["read_as"], record["settings"]["grey_range"]) == (expected.read_as, "50:400")
    refused, _ = run(path, "--grey-range", "percentile:5:101")
    assert refused.exit_code == 1
    assert "between 0 and 100" in refused.stderr


def test_a_speck_does_not_hide_the_rest_and_is_said(run, tmp_path, discs, tiny_model_path):
    path = tmp_path / "speck.tif"
    discs = discs + np.random.default_rng(0).integers(0, 20, discs.shape).astype(np.uint16)
    specked = discs.copy()
    specked[:7, :7] = np.iinfo(discs.dtype).max
    tifffile.imwrite(path, specked)
    done, labels = run(path, "--diameter", 20)
    assert "far brighter than all others" in done.stdout
    alone = segment(discs, load(tiny_model_path), diameter=20).labels
    found = read_labels(labels)
    assert (found[8:, 8:] > 0)[alone[8:, 8:] > 0].mean() > 0.95


def test_three_dyes_are_refused_until_one_is_chosen_or_all_are(run, tmp_path, discs):
    rng = np.random.default_rng(0)
    others = [rng.integers(80, 160, discs.shape).astype(np.uint16) for _ in range(2)]
    path = tmp_path / "dyes.tif"
    tifffile.imwrite(path, np.stack([discs, *others]), imagej=True, metadata={"axes": "CYX", "mode": "composite"})
    refused, labels = run(path)
    assert refused.exit_code == 1
    assert "look like three dyes" in refused.stderr
    assert "--channels" in refused.stderr
    assert not labels.exists()
    for channels in ("0", "0,1,2"):
        assert run(path, "--channels", channels)[0].exit_code == 0


def test_objects_are_chosen_as_in_python(run, tmp_path, discs, tiny_model_path):
    path = tmp_path / "discs.tif"
    tifffile.imwrite(path, discs)
    options = {"sensitivity": -0.3, "least_size": 20.0, "drop_edge": True, "flips": True}
    done, labels = run(path, "--diameter", 20, "--sensitivity", -0.3, "--least-size", 20, "--drop-edge", "--flips")
    assert done.exit_code == 0, done.output
    expected = segment(discs, load(tiny_model_path), diameter=20, **options).labels
    np.testing.assert_array_equal(read_labels(labels), expected)
    assert expected.max() == 1  # the smaller disc is 18 px across
    assert "1 object, 1 left out" in done.stdout
    assert run(path, "--sensitivity", 2)[0].exit_code == 2


def test_the_largest_pieces_are_kept_as_the_model_says_or_as_a_person_does(run, tmp_path, tiny_model_path, discs):
    tiny, path, model = load(tiny_model_path), tmp_path / "stack.tif", tmp_path / "organs.safetensors"
    organs = {"result": "semantic", "classes": ("background", "a", "b"), "largest_pieces": {"a": 1, "b": 1}}
    save(Model(tiny.network, dataclasses.replace(tiny.header, **organs)), model)
    stack = np.stack([discs, discs[::-1], np.roll(discs, 40, 1)])
    tifffile.imwrite(path, stack, imagej=True, metadata={"axes": "ZYX"})
    found = set()
    for said in ("model", "all", "2", "a:2"):
        done, labels = run(path, "--model", model, "--pieces", said)
        assert done.exit_code == 0, done.output
        assert (" left out" in done.stdout) == (said != "all")
        expected = segment(stack, load(model), axes="ZYX", pieces=None if said == "model" else said).labels
        np.testing.assert_array_equal(read_labels(labels), expected)
        found.add(expected.tobytes())
    assert len(found) == 4
    record = json.loads(labels.with_suffix(".json").read_text(encoding="utf-8"))
    assert record["settings"]["largest_pieces"] == {"a": 2}
    refused, _ = run(path, "--model", model, "--pieces", "spleen")
    assert refused.exit_code == 1
    assert "has no class 'spleen'" in refused.stderr
