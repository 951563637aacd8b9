"""Tokens from the first levels of a convolutional network."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from src_models.nets.vit.lite_embedding import LiteEmbedding


def made(in_channels=3, patch=8):
    torch.manual_seed(0)
    return LiteEmbedding(in_channels, 10, patch).double().eval()


def noise(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.mark.parametrize(("patch", "times"), [(16, 1), (8, 2), (4, 4)])
def test_a_cell_is_a_patch_of_the_image_as_it_was_before_it_was_enlarged(patch, times):
    embedding, image = made(patch=patch), noise(2, 3, 32, 48)
    large = F.interpolate(image, size=(32 * times, 48 * times), mode="bilinear", align_corners=False)
    features = embedding.levels(large)
    weight, bias = embedding.proj.weight[:, :, 0, 0], embedding.proj.bias
    expected = F.layer_norm(torch.einsum("nchw,oc->nhwo", features, weight) + bias, (10,))
    tokens = embedding(image)
    assert tokens.shape == (2, 32 // patch, 48 // patch, 10)
    assert torch.allclose(tokens, expected, atol=1e-12)


def test_what_a_cell_tells_lies_over_its_patch():
    """The gradient of a cell is largest within a patch of its own place."""
    embedding = made()
    image = noise(1, 3, 128, 128).requires_grad_()
    weights = noise(10)
    (embedding(image)[0, 8, 5] * weights).sum().backward()
    strength = image.grad.abs().sum((0, 1))
    rows, columns = torch.meshgrid(torch.arange(128.0), torch.arange(128.0), indexing="ij")
    middle = [float((strength * axis).sum() / strength.sum()) for axis in (rows, columns)]
    assert middle == pytest.approx([8 * 8 + 3.5, 5 * 8 + 3.5], abs=8)


def test_an_image_that_patches_do_not_divide_is_continued_by_its_last_row_and_column():
    image = noise(1, 3, 21, 30)
    whole = F.pad(image, (0, 2, 0, 3), mode="replicate")
    assert torch.equal(made()(image), made()(whole))


def test_patches_that_eight_pixels_do_not_hold_and_other_channels_are_refused():
    with pytest.raises(ValueError, match="patch 3 must be 1, 2, 4, 8 or 16"):
        LiteEmbedding(3, 10, 3)
    with pytest.raises(ValueError, match="the network takes 3 channels, the image has 2"):
        made()(noise(1, 2, 8, 8))


def test_all_of_it_learns():
    embedding = made().train()
    embedding(noise(2, 3, 16, 16)).square().sum(-1).mul(noise(2, 2)).sum().backward()
    silent = [name for name, each in embedding.named_parameters() if each.grad is None]
    assert not silent
    assert isinstance(embedding.tokens_norm, nn.LayerNorm)
