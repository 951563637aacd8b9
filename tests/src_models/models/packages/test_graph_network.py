"""A network that is an ONNX graph, in any order of axes and for images of any size."""

import copy
import sys

import numpy as np
import pytest
import torch
from zoo_package import graph_of, plain_unet

from src_models.errors import UserError
from src_models.models.packages.graph_network import GraphNetwork

pytest.importorskip("onnxruntime")


def network_of(graph, **changes):
    config = {
        "in_channels": 1, "classes": 2, "dimensions": 2, "least": [16, 16], "step": [2, 2], "margin": [0, 0],
        "input_axes": "bcyx", "output_axes": "bcyx", **changes,
    }  # fmt: skip
    made = GraphNetwork(graph_bytes=len(graph), **config)
    made.load_state_dict({"graph": torch.frombuffer(bytearray(graph), dtype=torch.uint8)})
    return made.eval()


def padded(image, height, width):
    return torch.nn.functional.pad(image, [0, width - image.shape[3], 0, height - image.shape[2]], mode="replicate")


@torch.inference_mode()
def test_images_are_continued_to_sizes_that_it_takes():
    network = plain_unet()
    found = network_of(graph_of(network, (1, 1, 32, 32)))
    batch = torch.randn(2, 1, 21, 9)
    np.testing.assert_allclose(found(batch), network(padded(batch, 22, 16))[..., :21, :9], atol=1e-5)
    assert found.stride == 2
    tied = network_of(graph_of(network, (1, 1, 32, 32)), tied=True)
    np.testing.assert_allclose(tied(batch), network(padded(batch, 22, 22))[..., :21, :9], atol=1e-5)


class ChannelsLast(torch.nn.Module):
    """As TensorFlow has axes, with the width before the height."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, image):
        return self.network(image.permute(0, 3, 2, 1))[0].permute(2, 1, 0)


@torch.inference_mode()
def test_axes_are_put_in_order_and_back():
    network = plain_unet(channels=3)
    graph = graph_of(ChannelsLast(network).eval(), (1, 20, 24, 3), dynamic=False)
    found = network_of(
        graph, in_channels=3, least=[24, 20], step=[0, 0], input_axes="bxyc", output_axes="xyc",
    )  # fmt: skip
    image = torch.randn(1, 3, 24, 20)
    np.testing.assert_allclose(found(image), network(image), atol=1e-5)
    with pytest.raises(UserError, match="a tile of 30 x 20 px is too large: this network takes at most 24 x 20 px"):
        found(torch.zeros(1, 3, 30, 20))


@torch.inference_mode()
def test_a_copy_runs_by_itself_and_gives_the_same():
    found = network_of(graph_of(plain_unet(), (1, 1, 32, 32)))
    image = torch.randn(1, 1, 16, 16)
    before = found(image)
    copied = copy.deepcopy(found)
    assert torch.equal(copied(image), before)
    assert copied.graph.data_ptr() != found.graph.data_ptr()


@torch.inference_mode()
def test_what_it_tells_of_an_image_is_what_it_gives():
    found = network_of(graph_of(plain_unet(), (1, 1, 32, 32)))
    seen = []
    found.deepest().register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    given = found(torch.randn(1, 1, 16, 16))
    assert torch.equal(seen[0], given)


def test_without_the_package_that_runs_it_is_said_what_to_install(monkeypatch):
    found = network_of(graph_of(plain_unet(), (1, 1, 32, 32)))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r"napari-medt\[export\]"):
        found(torch.zeros(1, 1, 16, 16))
