"""ONNX files give what the model gives, by onnxruntime, at sizes and batches that they were not written with."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from src_models.errors import ModelFileError, OutputError
from src_models.exporting import onnx_file
from src_models.exporting.onnx_file import export_onnx
from src_models.models.architectures import create
from src_models.models.checkpoint import Model
from src_models.models.header import METADATA_KEY, RGB, ModelHeader

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

LITE = {
    "in_channels": 3, "classes": 4, "encoder": "efficientnet-lite0", "widths": [16, 16, 24, 40],
    "decoder_convolutions": 1, "decoder_widths": [8, 16, 24], "upsampling": "transposed",
}  # fmt: skip
UNET = {"in_channels": 1, "classes": 2, "widths": [4, 8, 16]}
DEEP = {**UNET, "dimensions": 3, "widths": [4, 8]}
MEDT = {"in_channels": 3, "classes": 2, "image_size": 64}


def made(architecture, config, **more):
    torch.manual_seed(0)
    dimensions = config.get("dimensions", 2)
    network = create(architecture, **config).eval()
    for module in network.modules():  # norms that do something
        if isinstance(getattr(module, "running_mean", None), torch.Tensor):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    header = ModelHeader(
        name="toy", purpose="a test", architecture=architecture, config=config, dimensions=dimensions,
        classes=tuple(f"class {n}" for n in range(config["classes"])),
        channels=RGB if config["in_channels"] == 3 else ("grey",),
        tile=(64,) * dimensions, overlap=(8,) * dimensions, licence="MIT", **more,
    )  # fmt: skip
    return Model(network, header)


@pytest.mark.parametrize(
    ("architecture", "config", "sizes"),
    [
        pytest.param("attention-unet", LITE, [(48, 80), (104, 64)], id="attention-unet, efficientnet"),
        pytest.param("attention-unet", UNET, [(32, 48), (20, 36)], id="attention-unet"),
        pytest.param("attention-unet", DEEP, [(8, 16, 12), (16, 16, 16)], id="attention-unet in 3D"),
        pytest.param("medt", MEDT, [(64, 64)], id="medt"),
    ],
)
def test_results_are_those_of_pytorch(tmp_path, architecture, config, sizes):
    model = made(architecture, config)
    done = export_onnx(model, tmp_path / "a.onnx")
    assert done.difference < 1e-4
    session = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"), providers=["CPUExecutionProvider"])
    for number, size in enumerate(sizes, start=1):
        image = torch.rand(number, config["in_channels"], *size)
        with torch.inference_mode():
            wanted = model.network(image).numpy()
        np.testing.assert_allclose(session.run(None, {"image": image.numpy()})[0], wanted, atol=1e-4)
    assert ModelHeader.from_json(session.get_modelmeta().custom_metadata_map[METADATA_KEY]) == model.header
    assert len(json.loads(session.get_modelmeta().custom_metadata_map["classes"])) == config["classes"]


@pytest.mark.parametrize(
    ("architecture", "config", "size"),
    [
        pytest.param("med-former", {"stages": 1}, 72, id="med-former"),
        pytest.param("swin", {"stages": 1, "windows": [5, 3]}, 64, id="swin, windows that are not whole"),
    ],
)
def test_attention_in_windows_gives_what_pytorch_gives_of_any_number_of_images(tmp_path, architecture, config, size):
    """A graph is of one size, and must not be of the number of images that it was written with."""
    model = made(architecture, {"in_channels": 3, "classes": 3, **config}, result="class")
    done = export_onnx(model, tmp_path / "a.onnx", size=size)
    assert (done.size, done.step) == ((size, size), None)
    session = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"), providers=["CPUExecutionProvider"])
    for count in (1, 3):
        images = torch.rand(count, 3, size, size)
        with torch.inference_mode():
            wanted = model.network(images).numpy()
        np.testing.assert_allclose(session.run(None, {"image": images.numpy()})[0], wanted, atol=1e-4)
        assert count == 1 or np.ptp(wanted, axis=0).max() > 1e-3, "which images are not alike to it"


def test_another_window_is_written_where_it_is_asked_for(tmp_path):
    model = made("medt", MEDT)
    done = export_onnx(model, tmp_path / "a.onnx", size=128)
    assert (done.size, done.step) == ((128, 128), None)
    assert done.difference < 1e-4


def test_a_file_with_other_results_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "_run", lambda path, image: np.zeros((1, 2, 1, 1), np.float32))
    with pytest.raises(ModelFileError, match="other results"):
        export_onnx(made("attention-unet", UNET), tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_nothing_is_replaced_unasked(tmp_path):
    (tmp_path / "a.onnx").write_text("mine")
    with pytest.raises(OutputError):
        export_onnx(made("attention-unet", UNET), tmp_path / "a.onnx")
