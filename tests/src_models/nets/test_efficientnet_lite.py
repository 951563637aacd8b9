"""EfficientNet-Lite0's levels against the published formulae, and an Attention U-Net that has them as its encoder."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from src_models.computing.execution import fold_batch_norms
from src_models.nets.architecture import DECODER, GATES
from src_models.nets.attention_unet import AttentionUNet
from src_models.nets.efficientnet_lite import LiteLayer, MBConv, Opening, lite0_levels, lite0_widths

LIGHT = {"upsampling": "transposed", "decoder_convolutions": 1}


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def randomise(module, seed=0):
    """Give every parameter and every running statistic a random value that keeps features at about 1."""
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


def network(widths=(4, 16, 24, 40), in_channels=1, seed=0, **config):
    torch.manual_seed(seed)
    made = AttentionUNet(
        encoder="efficientnet-lite0", in_channels=in_channels, widths=widths, **{**LIGHT, **config}
    ).double()
    for norm in (module for module in made.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.momentum = 1.0
    with torch.no_grad():
        made.train()(noise(4, in_channels, 32, 32, seed=9))
    return made.eval()


# The published layers


def normalised(layer, x):
    """Batch norm by its definition, with the epsilon of the published network, and ReLU6."""
    norm = layer.norm
    mean, var, scale, shift = (
        t.detach().numpy()[:, None, None] for t in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    x = (x - mean) / np.sqrt(var + 1e-3) * scale + shift
    return np.minimum(np.maximum(x, 0), 6) if layer.relu else x


def convolved(x, kernels, stride, first):
    """Convolve each channel (C, H, W) with its own kernel, whose first place lies `first` px before its pixel."""
    channels, height, width = x.shape
    size = kernels.shape[-1]
    result = np.zeros((channels, height // stride, width // stride))
    for row, column in np.ndindex(*result.shape[1:]):
        for i, j in np.ndindex(size, size):
            y, z = row * stride + i - first, column * stride + j - first
            if 0 <= y < height and 0 <= z < width:
                result[:, row, column] += kernels[:, i, j] * x[:, y, z]
    return result


@pytest.mark.parametrize(("kernel", "stride", "late", "first"), [(3, 1, False, 1), (5, 1, True, 2), (3, 2, True, 0)])
@pytest.mark.parametrize("expansion", [1, 6])
def test_a_block_expands_convolves_each_channel_and_projects(kernel, stride, late, first, expansion):
    block = randomise(MBConv(4, 4, expansion=expansion, kernel=kernel, stride=stride, late=late))
    x = noise(1, 4, 6, 8)
    wanted = x[0].numpy()
    if expansion > 1:
        weight = block.expand.conv.weight.detach().numpy()[..., 0, 0]
        wanted = normalised(block.expand, np.einsum("oc,chw->ohw", weight, wanted))
    wanted = convolved(wanted, block.depthwise.conv.weight.detach().numpy()[:, 0], stride, first)
    weight = block.project.conv.weight.detach().numpy()[..., 0, 0]
    wanted = normalised(block.project, np.einsum("oc,chw->ohw", weight, normalised(block.depthwise, wanted)))
    if stride == 1:
        wanted = wanted + x[0].numpy()
    with torch.inference_mode():
        np.testing.assert_allclose(block(x)[0].numpy(), wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("kernel", "late", "first"), [(3, True, 0), (3, False, 1), (5, True, 1), (5, False, 2)], ids=str
)
def test_a_strided_layer_looks_half_a_pixel_to_the_side_that_is_asked_for(kernel, late, first):
    layer = randomise(LiteLayer(3, 3, kernel, stride=2, depthwise=True, late=late))
    x = noise(1, 3, 8, 10)
    wanted = normalised(layer, convolved(x[0].numpy(), layer.conv.weight.detach().numpy()[:, 0], 2, first))
    with torch.inference_mode():
        np.testing.assert_allclose(layer(x)[0].numpy(), wanted, rtol=0, atol=1e-10)


def test_with_its_classifier_it_would_have_as_many_parameters_as_published():
    """4,652,008, of which the classifier has a layer of 1280 channels with its norm, and 1000 classes."""
    with torch.device("meta"):
        count = sum(parameter.numel() for level in lite0_levels(3) for parameter in level.parameters())
    assert count + 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000 == 4_652_008


def test_levels_have_the_published_channels_and_strides():
    x = noise(1, 3, 64, 96)
    for number, (level, channels) in enumerate(zip(lite0_levels(3), (16, 24, 40, 112, 320), strict=True), start=1):
        x = level.double().eval()(x)
        assert x.shape == (1, channels, 64 // 2**number, 96 // 2**number)
    assert lite0_widths() == [16, 24, 40, 112, 320]
    assert lite0_widths(2) == [16, 24]


def tensorflows(levels):
    """Let every strided convolution look to the side that TensorFlow's SAME padding lets it look to."""
    for layer in (m for level in levels for m in level.modules() if isinstance(m, LiteLayer)):
        if layer.conv.stride == (2, 2):
            total = layer.conv.kernel_size[0] - 2
            layer.pad, layer.conv.padding = (total // 2, total - total // 2) * 2, (0, 0)
    return levels


@pytest.mark.parametrize(("count", "moved"), [(1, 0), (2, 2), (3, 2)])
def test_away_from_the_border_it_is_the_published_network_on_a_moved_image(count, moved):
    """Each level that looks to the other side looks one pixel of the level before it further up and left."""
    made, published = ([randomise(level, n) for n, level in enumerate(lite0_levels(3, count))] for _ in range(2))
    with torch.inference_mode():
        image = noise(1, 3, 160, 160)
        wanted = nn.Sequential(*tensorflows(published))(image.roll((moved, moved), (2, 3)))
        found = nn.Sequential(*made)(image)
    inner = (..., slice(56 // 2**count, -(56 // 2**count)), slice(56 // 2**count, -(56 // 2**count)))
    torch.testing.assert_close(found[inner], wanted[inner], rtol=0, atol=1e-10)
    assert found[inner].std() > 0.1


def flat(module):
    """Let every convolution give the mean of what it sees, and norms do nothing, so that light keeps its middle."""
    for parameter in module.parameters():
        parameter.data.zero_()
    for each in module.modules():
        if isinstance(each, nn.BatchNorm2d):
            each.weight.data.fill_(1)
        elif isinstance(each, nn.Conv2d):
            each.weight.data.fill_(1 / each.weight[0].numel())
    return module.double().eval()


def middle_of_what_is_seen(value, image, axis):
    """Return the middle, along rows (0) or columns (1), of the pixels that a value is made from."""
    (gradient,) = torch.autograd.grad(value, image, retain_graph=True)
    light = gradient[0, 0].sum(1 - axis)
    assert light.min() >= 0
    assert light[0] == light[-1] == 0, "the image goes on beyond all of them"
    return float((light * torch.arange(len(light))).sum() / light.sum())


@pytest.mark.parametrize(("count", "beside"), [(1, 0.5), (2, -0.5), (3, 1.5), (4, -2.5), (5, 5.5)])
@pytest.mark.parametrize("axis", [0, 1])
def test_what_a_cell_sees_lies_around_its_pixels(count, beside, axis):
    levels, stride, cells = [flat(level) for level in lite0_levels(1, count)], 2**count, 50
    shape = (cells * stride, stride) if axis == 0 else (stride, cells * stride)
    image = torch.rand(1, 1, *shape, dtype=torch.float64, requires_grad=True)
    features = nn.Sequential(*levels)(image)[0, 0].flatten()
    found = middle_of_what_is_seen(features[cells // 2], image, axis)
    assert found == pytest.approx(stride * (cells // 2) + (stride - 1) / 2 + beside, abs=1e-6)
    assert abs(beside) <= stride / 4


# As the encoder of an Attention U-Net


def recorded(made, image):
    kept = {}
    for gate in made.gates:
        if not isinstance(gate, nn.Identity):
            gate.tap.register_forward_hook(lambda tap, _inputs, output: kept.update({tap.name: (tap.stride, output)}))
    made(image)
    return kept


@pytest.mark.parametrize(("level", "beside"), [(2, 0.5), (3, -0.5), (4, 1.5)])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_maps_cells_lie_over_the_pixels_that_they_are_made_from(level, beside, axis):
    made = flat(network(widths=(2, 16, 24, 40, 112), deep_supervision=False))
    for gate in made.gates[1:]:
        gate.subgates[0].phi.weight.data.zero_()  # the gating signal sees far more of the image
    shape = (512, 16) if axis == 0 else (16, 512)
    image = torch.full((1, 1, *shape), 0.5, dtype=torch.float64, requires_grad=True)  # where the sigmoid is even
    stride, alpha = recorded(made, image)[f"gate {level}"]
    line = alpha[0, 0].select(1 - axis, 0)
    assert (stride, len(line)) == (2 ** (level - 1), 512 // stride)
    for cell in (256 // stride, 256 // stride - 1):
        found = middle_of_what_is_seen(line[cell], image, axis)
        assert found == pytest.approx(stride * cell + (stride - 1) / 2 + beside, abs=1e-6)


@pytest.mark.parametrize("level", [2, 3])
def test_a_bright_pixel_changes_the_maps_where_it_is(level):
    made = network(widths=(4, 16, 24, 40))
    pixel = (45, 70)
    dark = noise(1, 1, 96, 104) * 0.1
    bright = dark.clone()
    bright[0, 0, pixel[0], pixel[1]] += 5
    with torch.inference_mode():
        (stride, before), (_, after) = (recorded(made, image)[f"gate {level}"] for image in (dark, bright))
    change = (after - before).abs()[0, 0]
    most = divmod(int(change.argmax()), change.shape[1])
    assert all(abs(cell - place / stride) < 3 for cell, place in zip(most, pixel, strict=True))


def test_gates_have_their_usual_names_and_strides():
    kept = recorded(network(widths=(4, 16, 24, 40, 112)), noise(1, 1, 64, 64))
    assert {name: stride for name, (stride, _) in kept.items()} == {"gate 2": 2, "gate 3": 4, "gate 4": 8}
    assert {name: tuple(alpha.shape[2:]) for name, (_, alpha) in kept.items()} == {
        "gate 2": (32, 32),
        "gate 3": (16, 16),
        "gate 4": (8, 8),
    }


@pytest.mark.parametrize("size", [(1, 1), (3, 17), (13, 9), (40, 25)])
def test_any_size_is_the_input_continued_by_its_last_pixels(size):
    made = network(in_channels=3)
    image = noise(1, 3, *size)
    padded = F.pad(image, (0, -size[1] % 8, 0, -size[0] % 8), mode="replicate")
    with torch.inference_mode():
        found = made(image)
        assert found.shape == (1, 2, *size)
        torch.testing.assert_close(found, made(padded)[..., : size[0], : size[1]], rtol=0, atol=1e-10)


def test_a_moved_image_gives_the_moved_result():
    made = network(widths=(4, 16, 24))
    image = noise(1, 1, 96, 112)
    with torch.inference_mode():
        logits, moved = made(image), made(image.roll((4, -8), (2, 3)))
    inner = (..., slice(40, -40), slice(40, -40))
    torch.testing.assert_close(moved[inner], logits.roll((4, -8), (2, 3))[inner], rtol=0, atol=1e-10)
    assert (moved - logits)[inner].abs().max() > 0.1 * logits.std()


@pytest.mark.parametrize("config", [{}, {"gate": "skip"}, {"gate": "none", "deep_supervision": False}])
def test_every_parameter_is_trained(config):
    made = network(**config).train()
    made(noise(2, 1, 32, 32)).square().mean().backward()
    assert [name for name, p in made.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    assert [name for name, p in made.named_parameters() if name.endswith("conv.weight") and not p.grad.any()] == []


def test_folded_norms_change_the_result_by_rounding_alone():
    made = network(decoder_widths=(4, 12, 20))
    image = noise(1, 1, 40, 48)
    with torch.inference_mode():
        before = made(image)
        fold_batch_norms(made)
        torch.testing.assert_close(made(image), before, rtol=0, atol=1e-9 * float(before.abs().max()))
    left = [name for name, module in made.named_modules() if isinstance(module, nn.BatchNorm2d)]
    assert all("psi_norm" in name for name in left), "of layers, all were folded"
    assert any(isinstance(module, Opening) for module in made.modules())


def test_what_can_learn_alone_is_decoder_or_gates_and_never_the_encoder():
    made = network()
    parts = {part: {id(parameter) for parameter in parameters} for part, parameters in made.learnable().items()}
    assert list(parts) == [DECODER, GATES]
    encoder = {id(parameter) for parameter in made.encoder.parameters()}
    assert not encoder & parts[DECODER]
    assert encoder | parts[DECODER] == {id(parameter) for parameter in made.parameters()}
    assert made.deepest() is made.encoder[-1]


def test_the_finest_level_and_the_next_one_both_see_the_image():
    made = network()
    image = noise(1, 1, 16, 16)
    with torch.inference_mode():
        skips = made._encode(image)
        torch.testing.assert_close(skips[0], made.encoder[0](image), rtol=0, atol=0)
        torch.testing.assert_close(skips[1], made.encoder[1](image), rtol=0, atol=0)
        torch.testing.assert_close(skips[2], made.encoder[2](skips[1]), rtol=0, atol=0)


def test_the_opening_takes_its_centre_off_and_continues_images_by_it():
    opening = randomise(Opening(2))
    opening.centre.copy_(torch.tensor([0.5, 0.0]))
    image = noise(1, 2, 8, 8)
    continued = torch.cat([F.pad(image[:, :1], (0, 1, 0, 1), value=0.5), F.pad(image[:, 1:], (0, 1, 0, 1))], dim=1)
    shifted = continued - torch.tensor([0.5, 0.0])[:, None, None]
    wanted = normalised(opening.layer, F.conv2d(shifted, opening.layer.conv.weight, stride=2)[0].detach().numpy())
    with torch.inference_mode():
        np.testing.assert_allclose(opening(image)[0].numpy(), wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"encoder": "resnet"}, "encoder 'resnet' is not one of unet, efficientnet-lite0"),
        ({"dimensions": 3}, "efficientnet-lite0 is for images in 2D"),
        ({"norm": "group"}, "with norm='batch'"),
        ({"widths": (16, 32, 64)}, "are not those of the encoder efficientnet-lite0: after the first come"),
        ({"widths": (16, 16, 24, 40, 112, 320, 640)}, "as far as wanted, 16, 24, 40, 112, 320"),
    ],
)
def test_a_contradictory_configuration_is_refused(config, sentence):
    with pytest.raises(ValueError, match=sentence):
        AttentionUNet(**{"encoder": "efficientnet-lite0", **config})
