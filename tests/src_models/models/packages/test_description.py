"""Opening a package: what is one, and which files of it are read."""

import pytest
from zoo_package import plain_unet, write_package

from src_models.errors import ModelFileError
from src_models.models.packages.description import is_package, open_package
from src_models.models.packages.importing import load_package

pytest.importorskip("bioimageio.spec")


def test_zips_and_folders_with_a_description_are_packages(tmp_path):
    folder = write_package(tmp_path / "a", plain_unet())
    assert is_package(folder)
    assert is_package(folder / "rdf.yaml")
    assert is_package(tmp_path / "not there.ZIP")
    assert not is_package(tmp_path)
    assert not is_package(tmp_path / "a.safetensors")


def test_a_description_stands_for_its_folder(tmp_path):
    folder = write_package(tmp_path / "a", plain_unet())
    package = open_package(folder / "rdf.yaml")
    assert package.path == folder
    assert package.read(package.described.weights.onnx) == (folder / "weights.onnx").read_bytes()


def test_an_older_description_is_read_as_a_present_one(tmp_path):
    """Format 0.4, in which most packages of the zoo are, without asking anything of a network."""
    folder = write_package(tmp_path / "a", plain_unet())
    (folder / "rdf.yaml").write_text(
        """
format_version: 0.4.10
type: model
name: Older cells
description: Cells
authors: [{name: A. Person}]
cite: [{text: Someone 2020, doi: 10.1234/5678}]
license: MIT
documentation: README.md
timestamp: '2022-01-01T00:00:00'
test_inputs: [input.npy]
test_outputs: [output.npy]
inputs:
  - {name: raw, axes: bcyx, data_type: float32, shape: {min: [1, 1, 16, 16], step: [0, 0, 2, 2]},
     preprocessing: [{name: zero_mean_unit_variance, kwargs: {mode: per_sample, axes: cyx}}]}
outputs:
  - {name: out, axes: bcyx, data_type: float32, halo: [0, 0, 4, 4],
     shape: {reference_tensor: raw, scale: [1, 0, 1, 1], offset: [0, 1, 0, 0]}}
weights:
  onnx: {source: weights.onnx, opset_version: 17}
"""
    )
    package = open_package(folder)
    assert [operation.id for operation in package.described.inputs[0].preprocessing][-2] == "zero_mean_unit_variance"
    header = load_package(folder, ["background", "cell"]).header
    assert (header.classes, header.intensity.kind, header.channels) == (("background", "cell"), "zscore", ("grey",))
    assert (header.config["least"], header.config["step"]) == ([16, 16], [2, 2])


def test_a_description_that_is_none_is_told(tmp_path):
    (tmp_path / "rdf.yaml").write_text("type: [")
    with pytest.raises(ModelFileError, match="cannot be read"):
        open_package(tmp_path)
