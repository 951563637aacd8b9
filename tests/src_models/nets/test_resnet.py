"""Residual networks against the published counts and names, and against their formulae computed otherwise."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from src_models.computing.execution import fold_batch_norms
from src_models.nets.network import Foldable
from src_models.nets.resnet import RESNETS, STRIDES, BasicBlock, Bottleneck, ResNet, ResNetPlan

SMALL = ResNetPlan("bottleneck", (1, 1, 1, 1), groups=32, width_per_group=4)

# Parameters of torchvision's networks with their classifier of 1000 classes, from its documentation.
PUBLISHED = {
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnext50": 25_028_904,
    "resnext101": 88_791_336,
}


def randomise(module, seed=0):
    """Give every parameter and running statistic a random value that keeps features at about 1."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in module.parameters():
        size = (2 / tensor[0].numel()) ** 0.5 if tensor.ndim > 1 else 0.3
        tensor.data = torch.randn(tensor.shape, generator=generator, dtype=torch.float64) * size + (tensor.ndim == 1)
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(torch.randn(buffer.shape, generator=generator) * 0.2)
        elif name.endswith("running_var"):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.5)
    return module.double().eval()


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("name", RESNETS)
def test_with_its_classifier_it_would_have_as_many_parameters_as_published(name):
    with torch.device("meta"):
        made = ResNet(RESNETS[name])
    assert count(made) + made.widths[-1] * 1000 + 1000 == PUBLISHED[name]


def test_grey_images_change_only_the_first_layer():
    with torch.device("meta"):
        made = ResNet(RESNETS["resnext101"], in_channels=1)
    assert count(made) == 86_736_064
    assert made.conv1.weight.shape == (64, 1, 7, 7)


def torchvisions_names(depths, convolutions, first_downsample):
    """Return what torchvision calls the tensors of a residual network, in the order of its state dict."""
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names = ["conv1.weight", *(f"bn1.{leaf}" for leaf in norm)]
    for stage, depth in enumerate(depths, start=1):
        for block in range(depth):
            at = f"layer{stage}.{block}"
            for number in range(1, convolutions + 1):
                names += [f"{at}.conv{number}.weight", *(f"{at}.bn{number}.{leaf}" for leaf in norm)]
            if block == 0 and (stage > 1 or first_downsample):
                names += [f"{at}.downsample.0.weight", *(f"{at}.downsample.1.{leaf}" for leaf in norm)]
    return names


@pytest.mark.parametrize(
    ("name", "depths", "convolutions", "first_downsample"),
    [("resnet18", (2, 2, 2, 2), 2, False), ("resnext101", (3, 4, 23, 3), 3, True)],
)
def test_tensors_have_torchvisions_names(name, depths, convolutions, first_downsample):
    with torch.device("meta"):
        made = ResNet(RESNETS[name])
    assert sorted(made.state_dict()) == sorted(torchvisions_names(depths, convolutions, first_downsample))


def norm(x, layer):
    """Batch norm by its definition."""
    mean, var, scale, shift = (
        t.detach().numpy()[:, None, None] for t in (layer.running_mean, layer.running_var, layer.weight, layer.bias)
    )
    return (x - mean) / np.sqrt(var + 1e-5) * scale + shift


def convolved(x, layer):
    """Convolve (C, H, W) pixel by pixel, with zeros around the image."""
    weight, stride, pad = layer.weight.detach().numpy(), layer.stride[0], layer.padding[0]
    size, groups = weight.shape[-1], layer.groups
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad)))
    height, width = ((n + 2 * pad - size) // stride + 1 for n in x.shape[1:])
    each_in, each_out = len(x) // groups, len(weight) // groups
    result = np.zeros((len(weight), height, width))
    for row, column in np.ndindex(height, width):
        window = padded[:, row * stride : row * stride + size, column * stride : column * stride + size]
        for group in range(groups):
            mine = slice(group * each_out, (group + 1) * each_out)
            of = window[group * each_in : (group + 1) * each_in]
            result[mine, row, column] = np.einsum("oikl,ikl->o", weight[mine], of)
    return result


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kind", ["basic", "bottleneck", "groups"])
def test_a_block_adds_its_result_to_what_went_in(kind, stride):
    made = {
        "basic": lambda: BasicBlock(8, 8, stride=stride),
        "bottleneck": lambda: Bottleneck(8, 2, stride=stride),
        "groups": lambda: Bottleneck(8, 2, stride=stride, groups=4, width_per_group=64),
    }[kind]()
    randomise(made)
    x = torch.randn(1, 8, 6, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    inner = x[0].numpy()
    last = 2 if kind == "basic" else 3
    for number in range(1, last + 1):
        inner = norm(convolved(inner, getattr(made, f"conv{number}")), getattr(made, f"bn{number}"))
        inner = np.maximum(inner, 0) if number < last else inner
    same = x[0].numpy()
    if stride == 2:
        same = norm(convolved(same, made.downsample[0]), made.downsample[1])
    else:
        assert made.downsample is None
    with torch.inference_mode():
        np.testing.assert_allclose(made(x)[0].numpy(), np.maximum(inner + same, 0), rtol=0, atol=1e-10)


def test_the_width_of_groups_is_that_of_the_paper():
    """ResNeXt-101 32x8d has 256, 512, 1024 and 2048 channels inside its blocks (torchvision's naming of Table 1)."""
    with torch.device("meta"):
        made = ResNet(RESNETS["resnext101"])
    inner = [getattr(made, f"layer{n}")[0].conv2 for n in (1, 2, 3, 4)]
    assert [(conv.groups, conv.out_channels) for conv in inner] == [(32, 256), (32, 512), (32, 1024), (32, 2048)]


@pytest.mark.parametrize("size", [(64, 96), (50, 33)])
def test_stages_have_their_strides_and_each_sees_the_one_before(size):
    made = randomise(ResNet(RESNETS["resnet18"], in_channels=2))
    image = torch.randn(1, 2, *size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.inference_mode():
        features = made(image)
        stem = F.max_pool2d(F.relu(made.bn1(made.conv1(image))), 3, stride=2, padding=1)
        torch.testing.assert_close(features[0], made.layer1(stem), rtol=0, atol=0)
        torch.testing.assert_close(features[3], made.layer4(made.layer3(made.layer2(features[0]))), rtol=0, atol=0)
    for found, width, stride in zip(features, (64, 128, 256, 512), STRIDES, strict=True):
        assert found.shape == (1, width, *(-(-n // stride) for n in size))


@pytest.mark.parametrize("plan", [RESNETS["resnet18"], SMALL], ids=["basic", "groups"])
def test_folded_norms_change_the_result_by_rounding_alone(plan):
    made = randomise(ResNet(plan, in_channels=1))
    assert isinstance(made, Foldable)
    image = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.inference_mode():
        before = made(image)
        fold_batch_norms(made)
        for found, wanted in zip(made(image), before, strict=True):
            torch.testing.assert_close(found, wanted, rtol=0, atol=1e-10 * float(wanted.abs().max()))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in made.modules())


def test_every_parameter_is_trained():
    torch.manual_seed(0)
    made = ResNet(SMALL, in_channels=1)
    made(torch.randn(2, 1, 64, 64))[-1].square().mean().backward()
    assert [name for name, p in made.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    assert [name for name, p in made.named_parameters() if name.endswith("conv1.weight") and not p.grad.any()] == []
