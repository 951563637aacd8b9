"""Sizes of Vision Transformer."""

import torch

from src_models.nets.vit.network import VisionTransformer


def test_the_papers_size_has_as_many_parameters_as_vit_b_16():
    """86 M (Table 1): 85,798,656 of the published network with class token and without head; ours has the mean."""
    with torch.device("meta"):
        network = VisionTransformer(classes=1000, image_size=224, size="paper", pool="token")
    count = sum(parameter.numel() for parameter in network.parameters())
    assert count - sum(parameter.numel() for parameter in network.head.parameters()) == 85_798_656 - 768
