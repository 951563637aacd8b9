"""Which sizes of images a network is written for."""

from __future__ import annotations

import pytest
import torch

from src_models.exporting.traced import example, graph_of
from src_models.models.architectures import create
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader


def graph(architecture, config, size=None, **more):
    header = ModelHeader(
        name="toy", purpose="", architecture=architecture, config=config, classes=("a", "b"), channels=("grey",), **more
    )
    model = Model(create(architecture, **config).eval(), header)
    before = {name: tensor.clone() for name, tensor in model.network.state_dict().items()}
    found = graph_of(model, size)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.network.state_dict().items())
    return found


@pytest.mark.parametrize(("asked", "side"), [(None, 128), (50, 52)])
def test_networks_of_pixels_take_multiples_of_their_stride(asked, side):
    found = graph("attention-unet", {"in_channels": 1, "classes": 2, "widths": [4, 8, 16]}, asked)
    assert (found.size, found.step) == ((side, side), 4)
    assert found.other_size == (side + 4, side + 8)


def test_networks_with_a_window_are_written_for_it():
    found = graph("medt", {"in_channels": 1, "classes": 2, "image_size": 64}, tile=(64, 64), overlap=(8, 8))
    assert (found.size, found.step) == ((64, 64), None)
    assert found.other_size == found.size


def test_an_example_has_all_values_of_a_normalised_image():
    found = graph("attention-unet", {"in_channels": 1, "classes": 2, "widths": [4, 8, 16]})
    image = example(found)
    assert image.shape == (1, 1, 128, 128)
    assert (image.min(), image.max()) == (0, 1)
    assert torch.equal(image, example(found))
    assert not torch.equal(image, example(found, seed=1))
