"""Packages that `napari-medt export --format bioimageio` writes are run by bioimageio.core, and pass their own test."""

from __future__ import annotations

import os
import subprocess

import pytest

core = pytest.importorskip("bioimageio.core")


@pytest.mark.parametrize("model", ["nuclei", "nuclei-medt"])
def test_a_shipped_model_passes_the_test_of_its_package(model, tmp_path):
    command = os.environ.get("NAPARI_MEDT", "napari-medt")
    package = tmp_path / f"{model}.zip"
    subprocess.run([command, "export", model, "--format", "bioimageio", "-o", package], check=True)
    summary = core.test_description(package, weight_format="onnx")
    assert summary.status == "passed", summary.format()
