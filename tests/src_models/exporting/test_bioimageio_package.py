"""Packages of the BioImage Model Zoo: valid by bioimageio.spec, and their test is what the model gives.

That bioimageio.core runs them is shown in ``tests/end_to_end/clients/test_bioimageio.py``.
"""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
import torch

from src_models.errors import ModelFileError
from src_models.exporting.bioimageio_package import export_package, normalised
from src_models.images.grey.intensity import measure
from src_models.models.architectures import create
from src_models.models.checkpoint import Model
from src_models.models.header import Intensity, ModelHeader

UNET = {"in_channels": 1, "classes": 2, "widths": [4, 8, 16]}
HEADER = ModelHeader(
    name="toy: cells", purpose="Cells of a test", architecture="attention-unet", config=UNET,
    classes=("background", "cell"), channels=("grey",), licence="MIT", object_diameter=18.0,
    training={"data": "dsb2018_fluo", "step": 10},
)  # fmt: skip


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return Model(create("attention-unet", **UNET).eval(), HEADER)


@pytest.fixture(scope="module")
def package(model, tmp_path_factory):
    pytest.importorskip("bioimageio.spec")
    path = tmp_path_factory.mktemp("package") / "a.zip"
    done = export_package(model, path, authors=["A. Person"], licence="MIT")
    return path, done


def test_the_package_is_valid(package):
    from bioimageio.spec import load_description

    described = load_description(package[0], perform_io_checks=True)
    assert described.validation_summary.status in ("passed", "valid-format")
    assert [one.name for one in described.authors] == ["A. Person"]
    assert described.license == "MIT"
    assert {str(one.doi) for one in described.cite if one.doi} == {"10.1038/s41592-019-0612-7"}
    (image,), (logits,) = described.inputs, described.outputs
    operations = [operation for operation in image.preprocessing if operation.id != "ensure_dtype"]  # which spec adds
    assert [operation.id for operation in operations] == ["scale_range", "clip"]
    assert operations[0].kwargs.min_percentile == HEADER.intensity.low
    assert [axis.size.step for axis in image.axes if axis.type == "space"] == [4, 4]
    assert logits.axes[1].channel_names == ["background", "cell"]


def test_its_test_is_what_the_model_gives(package, model):
    with zipfile.ZipFile(package[0]) as archive:
        image, logits = (np.load(io.BytesIO(archive.read(f"test_{name}.npy"))) for name in ("input", "output"))
        script = torch.jit.load(io.BytesIO(archive.read("weights.pt")))
        documentation = archive.read("README.md").decode()
    assert image.max() == 1000  # grey values, which the package scales itself
    scaled = torch.from_numpy(measure(image, HEADER.intensity)(image))
    with torch.inference_mode():
        np.testing.assert_allclose(logits, model.network(scaled).numpy(), atol=1e-4)
        np.testing.assert_allclose(logits, script(scaled).numpy(), atol=1e-4)
    for words in ("largest of them is the class", "18 px", "multiples of 4 px", "Caicedo"):
        assert words in documentation


@pytest.mark.parametrize(
    "intensity",
    [
        Intensity(kind="percentile", low=0.5, high=99.8),
        Intensity(kind="zscore", low=1, high=99),
        Intensity(kind="window", low=-150, high=250),
        Intensity(kind="signed-window", low=-150, high=250),
    ],
    ids=lambda intensity: intensity.kind,
)
def test_grey_values_are_scaled_as_here(intensity):
    values = np.random.default_rng(0).normal(50, 150, (1, 1, 64, 64)).astype(np.float32)
    np.testing.assert_allclose(normalised(values, intensity), measure(values, intensity)(values), atol=1e-5)


def test_what_a_package_must_tell_is_asked_for(model, tmp_path):
    pytest.importorskip("bioimageio.spec")
    with pytest.raises(ModelFileError, match="--licence"):
        export_package(model, tmp_path / "a.zip", authors=["A"], licence="unknown")
    with pytest.raises(ModelFileError, match="--author"):
        export_package(model, tmp_path / "a.zip", authors=[], licence="MIT")
    with pytest.raises(ModelFileError, match="cannot be described"):
        export_package(model, tmp_path / "a.zip", authors=["A"], licence="mine alone")
    assert not list(tmp_path.iterdir())
