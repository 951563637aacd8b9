"""The convolutions of U-Nets."""

import pytest
import torch
import torch.nn.functional as F

from src_models.nets.conv_blocks import ConvBlock, ConvNorm, UpConv, make_norm

DIMENSIONS = pytest.mark.parametrize("dimensions", [2, 3])


@DIMENSIONS
@pytest.mark.parametrize("relu", [True, False])
def test_a_convolution_is_normalised_and_then_rectified(dimensions, relu):
    torch.manual_seed(0)
    block = ConvNorm(2, 3, kernel=3, dimensions=dimensions, norm="batch", relu=relu)
    x = torch.randn(2, 2, *[6] * dimensions)
    conv = {2: F.conv2d, 3: F.conv3d}[dimensions]
    raw = conv(x, block.conv.weight, block.conv.bias, padding=1)
    axes = (0, *range(2, 2 + dimensions))
    mean, variance = raw.mean(axes, keepdim=True), raw.var(axes, keepdim=True, correction=0)
    wanted = (raw - mean) / (variance + block.norm.eps).sqrt()
    torch.testing.assert_close(block.train()(x), wanted.clamp_min(0) if relu else wanted, rtol=1e-4, atol=1e-5)


@DIMENSIONS
@pytest.mark.parametrize("convolutions", [1, 2])
def test_a_block_sees_one_pixel_further_with_each_convolution(dimensions, convolutions):
    torch.manual_seed(0)
    block = ConvBlock(1, 2, dimensions=dimensions, norm="batch", convolutions=convolutions).eval()
    image = torch.zeros(1, 1, *[9] * dimensions)
    lit = image.clone()
    lit[(0, 0, *[4] * dimensions)] = 100
    changed = (block(lit) != block(image)).any(1)[0].nonzero()
    assert changed.min() >= 4 - convolutions
    assert changed.max() <= 4 + convolutions
    assert (changed[:, 0].min(), changed[:, 0].max()) == (4 - convolutions, 4 + convolutions)


@DIMENSIONS
def test_enlarging_doubles_every_pixel_before_the_convolution(dimensions):
    torch.manual_seed(0)
    up = UpConv(1, 1, dimensions=dimensions, norm="batch").eval()
    with torch.no_grad():
        up.conv.conv.weight.zero_()
        up.conv.conv.weight[(0, 0, *[1] * dimensions)] = 1
        up.conv.conv.bias.zero_()
    x = torch.rand(1, 1, *[3] * dimensions)
    wanted = x
    for axis in range(2, 2 + dimensions):
        wanted = wanted.repeat_interleave(2, axis)
    torch.testing.assert_close(up(x), wanted, rtol=1e-4, atol=0)


@pytest.mark.parametrize(("channels", "groups"), [(1, 1), (5, 5), (8, 8), (12, 6), (11, 1), (16, 8)])
def test_groups_divide_the_channels_and_are_eight_at_most(channels, groups):
    assert make_norm("group", channels, 2).num_groups == groups


def test_instance_norms_have_weights():
    assert make_norm("instance", 3, 3).weight.shape == (3,)


def test_another_norm_is_refused():
    with pytest.raises(ValueError, match="norm 'layer' is not one of batch, instance, group"):
        make_norm("layer", 3, 2)
