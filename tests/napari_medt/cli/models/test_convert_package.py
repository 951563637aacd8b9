"""``napari-medt`` with packages of the BioImage Model Zoo: converted, and run as they are."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
import torch
from typer.testing import CliRunner
from zoo_package import plain_unet, write_package

from napari_medt.cli import app
from src_models import load, read_header, segment

pytest.importorskip("bioimageio.spec")
pytest.importorskip("onnxruntime")

ZMUV = {"id": "zero_mean_unit_variance"}


@pytest.fixture
def run():
    runner = CliRunner(env={"COLUMNS": "200"})
    return lambda *arguments: runner.invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def image(tmp_path):
    values = np.random.default_rng(0).integers(0, 3000, (70, 60)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "cells.tif", values)
    return tmp_path / "cells.tif"


@pytest.fixture
def package(tmp_path):
    sigmoid = plain_unet(activation=torch.nn.Sigmoid())
    return write_package(tmp_path / "cells.zip", sigmoid, preprocessing=[ZMUV], names=("channel0", "channel1"))


def test_a_package_is_converted_with_what_a_person_says_of_it(run, package, image, tmp_path):
    output = tmp_path / "cells.safetensors"
    refused = run("segment", image, "--model", package, "-o", tmp_path / "results")
    assert refused.exit_code == 1
    assert "--classes NAMES" in refused.stderr
    said = ("--classes", "foreground,boundary", "--name", "cells", "--licence", "MIT")
    done = run("convert", package, "-o", output, *said)
    assert done.exit_code == 0, done.stderr
    assert "channels grey, classes background, interior, boundary; grey values: zscore 0 to 100" in done.stdout
    header = read_header(output)
    assert (header.name, header.licence, header.result) == ("cells", "MIT", "instances")


def test_a_package_is_run_as_it_is(run, image, tmp_path):
    softmax = [{"id": "softmax", "kwargs": {"axis": "channel"}}]
    package = write_package(tmp_path / "zoo.zip", plain_unet(), preprocessing=[ZMUV], postprocessing=softmax)
    done = run("segment", image, "--model", package, "-o", tmp_path / "results")
    assert done.exit_code == 0, done.stderr
    labels = tifffile.imread(next((tmp_path / "results").glob("cells*label*.tif")))
    np.testing.assert_array_equal(labels, segment(tifffile.imread(image), load(package)).labels)
    assert 0 < (labels > 0).mean() < 1


def test_an_architecture_is_not_asked_of_a_package(run, package, tmp_path):
    refused = run("convert", package, "-o", tmp_path / "a.safetensors", "--architecture", "medt")
    assert refused.exit_code == 1
    assert "leave --architecture out" in refused.stderr
    assert not (tmp_path / "a.safetensors").exists()
