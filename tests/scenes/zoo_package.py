"""A package of the BioImage Model Zoo as other programs write one, by hand: a plain U-Net of PyTorch, as ONNX."""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile

import numpy as np
import torch
from torch import nn

SIDE = 64


class PlainUNet(nn.Module):
    """Two levels, one skip; `valid` leaves out the padding, so that the output lacks 4 px of each side."""

    def __init__(self, channels=1, outputs=2, *, valid=False, activation=None):
        super().__init__()
        pad = 0 if valid else 1
        self.first = nn.Sequential(nn.Conv2d(channels, 6, 3, padding=pad), nn.BatchNorm2d(6), nn.ReLU())
        self.deep = nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, padding=pad), nn.ReLU())
        self.up = nn.ConvTranspose2d(8, 6, 2, stride=2)
        self.last = nn.Sequential(nn.Conv2d(12, 8, 3, padding=pad), nn.ReLU(), nn.Conv2d(8, outputs, 1))
        self.activation = activation or nn.Identity()

    def forward(self, image):
        first = self.first(image)
        raised = self.up(self.deep(first))
        cut = (first.shape[-1] - raised.shape[-1]) // 2
        if cut:
            first = first[..., cut:-cut, cut:-cut]
        return self.activation(self.last(torch.cat([first, raised], dim=1)))


def plain_unet(seed=0, **options):
    torch.manual_seed(seed)
    network = PlainUNet(**options).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 2)
    with torch.no_grad():  # so that no channel wins everywhere
        noise = nn.functional.avg_pool2d(torch.randn(1, options.get("channels", 1), 68, 68), 5, stride=1) * 4
        activation, network.activation = network.activation, nn.Identity()
        network.last[-1].bias -= network(noise).mean(dim=(0, 2, 3))
        network.activation = activation
    return network


def graph_of(network, size, *, dynamic=True):
    """Return a network as the bytes of an ONNX graph."""
    file = io.BytesIO()
    axes = {place: f"side {place}" for place in range(2, len(size))} if dynamic else {}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network, (torch.zeros(size),), file, input_names=["raw"], output_names=["out"], opset_version=17,
            dynamic_axes={"raw": axes, "out": axes}, dynamo=False,
        )  # fmt: skip
    return file.getvalue()


def write_package(
    path,
    network,
    *,
    preprocessing=(),
    postprocessing=(),
    names=("background", "cell"),
    channels=("channel0",),
    size=None,
    result=None,
    halo=0,
    dynamic=True,
    weights=None,
    example=None,
    **changes,
):
    """Write a package: a zip, or a folder where the path has no such ending.

    `size` and `result` are what the description says of the sides of input and output, `weights` replaces its weights.
    """
    import yaml

    step = {"min": 16, "step": 2}
    image = np.zeros((1, len(channels), SIDE, SIDE), np.float32)
    shown = np.zeros((1, len(names), SIDE, SIDE), np.float32) if example is None else example
    files = {"input.npy": _npy(image), "output.npy": _npy(shown), "README.md": b"# A test\n"}
    files["weights.onnx"] = graph_of(network, image.shape, dynamic=dynamic)
    sides = [{"type": "space", "id": letter, "size": size or step} for letter in "yx"]
    sizes = [
        {"type": "space", "id": letter, "size": result or {"tensor_id": "raw", "axis_id": letter}} for letter in "yx"
    ]
    if halo:
        sizes = [{**axis, "halo": halo} for axis in sizes]
    axes = [{"type": "batch"}, {"type": "channel", "channel_names": list(channels)}, *sides]
    described = {
        "format_version": "0.5.3", "type": "model", "name": "Cells of a test", "description": "Cells, of a test",
        "authors": [{"name": "A. Person"}], "cite": [{"text": "Someone 2020", "doi": "10.1234/5678"}],
        "license": "MIT", "documentation": "README.md",
        "inputs": [{"id": "raw", "axes": axes, "test_tensor": {"source": "input.npy"},
                    "data": {"type": "float32"}, "preprocessing": list(preprocessing)}],
        "outputs": [{"id": "out", "axes": [*axes[:1], {"type": "channel", "channel_names": list(names)}, *sizes],
                     "test_tensor": {"source": "output.npy"}, "data": {"type": "float32"},
                     "postprocessing": list(postprocessing)}],
        "weights": {"onnx": {"source": "weights.onnx", "opset_version": 17,
                             "sha256": hashlib.sha256(files["weights.onnx"]).hexdigest()}},
        **changes,
    }  # fmt: skip
    if weights is not None:
        described["weights"] = weights
    files["rdf.yaml"] = yaml.safe_dump(described).encode()
    if path.suffix != ".zip":
        path.mkdir()
        for name, content in files.items():
            (path / name).write_bytes(content)
        return path
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def _npy(values):
    file = io.BytesIO()
    np.save(file, values, allow_pickle=False)
    return file.getvalue()
