"""The record of Vision Transformer, against its network."""

import pytest
import torch

from src_models.attention.recording import record_attention
from src_models.nets.tap import MATRICES
from src_models.nets.vit.architectures import ARCHITECTURES

(VIT,) = ARCHITECTURES


@pytest.mark.parametrize("config", [{}, {"depth": 2}])
def test_the_names_of_maps_are_known_without_the_network(config):
    network = VIT.make(classes=2, width=8, heads=2, **config).eval()
    with torch.inference_mode(), record_attention(network) as attention:
        network(torch.zeros(1, 3, 32, 32))
    assert VIT.maps(config) == [each.name for each in attention if each.kind not in MATRICES]
    assert VIT.usual_maps(config) == VIT.maps(config)[-1:]


def test_it_is_made_for_the_size_of_the_images_that_it_is_taught():
    config = VIT.configure({"size": "small"}, 40)
    assert config == {"size": "small", "image_size": 40}
    assert VIT.make(classes=2, **config).positions.shape[1:3] == (5, 5)
    assert (VIT.window(config), VIT.window({}), VIT.task) == (40, None, "classification")
    with pytest.raises(ValueError, match="--size 'huge' is not one of small, paper"):
        VIT.configure({"size": "huge"}, 40)
