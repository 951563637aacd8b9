"""Attention U-Net: the paper's equations, and pixels that stay where they are."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from randomised import randomise
from torch import nn

from src_models.nets.attention_unet import AttentionUNet

FORMS = {
    "grid": {"gate": "grid"},
    "paper": {"gate": "grid", "gate_norm": False},
    "subgates": {"gate": "grid", "subgates": 3},
    "skip": {"gate": "skip", "upsampling": "conv"},
    "light": {"gate": "grid", "upsampling": "transposed", "decoder_convolutions": 1},
    "skip-light": {"gate": "skip", "upsampling": "transposed", "decoder_convolutions": 1},
    "plain": {"gate": "none"},
    "plain-conv": {"gate": "none", "upsampling": "conv", "deep_supervision": False},
}
FORM = pytest.mark.parametrize("form", FORMS)
DIMENSIONS = pytest.mark.parametrize("dimensions", [2, 3])


def make(form="grid", dimensions=2, widths=(4, 6, 8), seed=0, **config):
    """Make a random network in float64 whose every layer varies with its input."""
    network = AttentionUNet(dimensions=dimensions, widths=widths, **{**FORMS[form], **config})
    return calibrate(randomise(network.double(), seed))


def calibrate(network):
    """Take the running statistics from a random image."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d | nn.BatchNorm3d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network.train()(noise(4, network.in_channels, *[16] * (network.encoder[0][0].conv.weight.ndim - 2), seed=9))
    return network.eval()


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pointwise(conv, x):
    """A convolution of width 1, with x (N, C, *S)."""
    weight = conv.weight.detach().numpy().reshape(conv.out_channels, conv.in_channels)
    bias = conv.bias.detach().numpy()
    return np.einsum("oc,nc...->no...", weight, x) + bias.reshape(-1, *[1] * (x.ndim - 2))


# Pixels stay where they are


@FORM
@DIMENSIONS
@pytest.mark.parametrize("size", [(1, 1, 1), (3, 17, 4), (8, 12, 16), (13, 9, 22)])
def test_the_output_has_the_size_of_the_input(form, dimensions, size):
    network = make(form, dimensions, classes=3)
    with torch.inference_mode():
        logits = network(noise(1, 1, *size[-dimensions:]))
    assert logits.shape == (1, 3, *size[-dimensions:])
    assert logits.isfinite().all()


@FORM
@DIMENSIONS
def test_any_size_is_the_input_continued_by_its_last_pixels(form, dimensions):
    network = make(form, dimensions)
    size = (13, 18, 7)[:dimensions]
    image = noise(2, 1, *size)
    padding = [(0, 0), (0, 0), *((0, -s % 4) for s in size)]
    padded = torch.from_numpy(np.pad(image.numpy(), padding, mode="edge"))
    assert padded.shape[2:] == (16, 20, 8)[:dimensions]
    with torch.inference_mode():
        wanted = network(padded)[(..., *(slice(0, s) for s in size))]
        torch.testing.assert_close(network(image), wanted, rtol=0, atol=1e-10)


@FORM
@DIMENSIONS
def test_a_mirrored_image_gives_the_mirrored_result(form, dimensions):
    """With mirror-symmetric kernels; half a pixel of shift anywhere in the network would break it."""
    network = make(form, dimensions)
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d):
            for axis in range(2, 2 + dimensions):
                module.weight.data = (module.weight.data + module.weight.data.flip(axis)) / 2
    calibrate(network)
    image = noise(1, 1, *(16, 12, 8)[:dimensions])
    with torch.inference_mode():
        logits = network(image)
        for axis in range(2, 2 + dimensions):
            torch.testing.assert_close(network(image.flip(axis)), logits.flip(axis), rtol=0, atol=1e-10)
        assert (logits - logits.flip(2)).abs().max() > 0.1 * logits.std()


@FORM
def test_a_moved_image_gives_the_moved_result(form):
    """By any multiple of the coarsest stride, away from the border."""
    network = make(form)
    image = noise(1, 1, 96, 112)
    with torch.inference_mode():
        logits, moved = network(image), network(image.roll((4, -8), (2, 3)))
    inner = (..., slice(40, -40), slice(40, -40))
    torch.testing.assert_close(moved[inner], logits.roll((4, -8), (2, 3))[inner], rtol=0, atol=1e-10)
    assert (moved - logits)[inner].abs().max() > 0.1 * logits.std()


def only_the_coarsest_level(upsampling):
    """A network of depth 3 that shows its coarsest features, where brightness is that of the brightest pixel below."""
    network = AttentionUNet(widths=(1, 1, 1), classes=1, gate="none", deep_supervision=False, upsampling=upsampling)
    network.double().eval()
    for parameter in network.parameters():
        parameter.data.zero_()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.fill_(1)
        if isinstance(module, nn.ConvTranspose2d):
            module.weight.data.fill_(1)
        elif isinstance(module, nn.Conv2d):
            module.weight.data[:, -1, module.kernel_size[0] // 2, module.kernel_size[1] // 2] = 1  # the coarser input
    return network


@pytest.mark.parametrize("upsampling", ["linear", "conv", "transposed"])
@pytest.mark.parametrize("size", [(40, 48), (39, 45)])
@pytest.mark.parametrize("corner", [(0, 0), (3, 1), (2, 3)])
def test_coarse_features_lie_over_the_pixels_they_come_from(upsampling, size, corner):
    network = only_the_coarsest_level(upsampling)
    cell = (5, 6)
    image = torch.zeros(1, 1, *size, dtype=torch.float64)
    image[0, 0, 4 * cell[0] + corner[0], 4 * cell[1] + corner[1]] = 1
    with torch.inference_mode():
        light = network(image)[0, 0]
    centre = [float((light.sum(1 - axis) * torch.arange(size[axis])).sum() / light.sum()) for axis in (0, 1)]
    assert centre == pytest.approx([4 * cell[0] + 1.5, 4 * cell[1] + 1.5], abs=1e-5)
    assert float(light.sum()) == pytest.approx(16, rel=1e-3)


# The same network without its gates


@DIMENSIONS
def test_open_skip_gates_leave_the_plain_network(dimensions):
    gated = make("skip", dimensions)
    plain = AttentionUNet(dimensions=dimensions, widths=(4, 6, 8), gate="none", upsampling="conv").double().eval()
    weights = gated.state_dict()
    plain.load_state_dict({name: tensor for name, tensor in weights.items() if not name.startswith("gates.")})
    for gate in gated.gates:
        gate.psi.norm.bias.data.fill_(1e4)
    image = noise(1, 1, *(13, 18, 7)[:dimensions])
    with torch.inference_mode():
        torch.testing.assert_close(gated(image), plain(image), rtol=0, atol=0)


@DIMENSIONS
def test_open_grid_gates_that_project_nothing_leave_the_plain_network(dimensions):
    gated = make("paper", dimensions)
    plain = AttentionUNet(dimensions=dimensions, widths=(4, 6, 8), gate="none").double().eval()
    mine = {name for name in gated.state_dict() if name.startswith(("gates.", "gating."))}
    plain.load_state_dict({name: tensor for name, tensor in gated.state_dict().items() if name not in mine})
    for gate in gated.gates[1:]:
        gate.subgates[0].psi.bias.data.fill_(1e4)
        for part in (gate.subgates[0].project, gate.fuse):
            part.conv.weight.data = torch.eye(len(part.conv.weight), dtype=torch.float64).reshape(
                part.conv.weight.shape
            )
            part.conv.bias.data.zero_()
            part.norm.running_mean.zero_()
            part.norm.running_var.fill_(1 - part.norm.eps)
            part.norm.weight.data.fill_(1)
            part.norm.bias.data.zero_()
    image = noise(1, 1, *(13, 18, 7)[:dimensions])
    with torch.inference_mode():
        torch.testing.assert_close(gated(image), plain(image), rtol=0, atol=1e-10)


@pytest.mark.parametrize("form", ["grid", "subgates", "skip"])
def test_fresh_gates_are_half_open_and_differ_from_place_to_place(form):
    """From there training can open and shut them; from an end of the sigmoid it hardly could."""
    torch.manual_seed(0)
    network = AttentionUNet(widths=(8, 16, 16, 32), **FORMS[form]).double().train()
    kept = []
    for gate in network.gates:
        if not isinstance(gate, nn.Identity):
            gate.tap.register_forward_hook(lambda _module, _inputs, output: kept.append(output.detach()))
    network(noise(2, 1, 64, 64))
    assert len(kept) == (3 if form == "skip" else 2)
    for alpha in kept:
        assert 0.4 < alpha.mean() < 0.6
        assert alpha.std() > 0.1


# Deep supervision, normalisation, configuration


@FORM
@DIMENSIONS
def test_a_decoder_can_have_other_widths_than_the_encoder(form, dimensions):
    if "skip" in form:
        with pytest.raises(ValueError, match="skip gates need the decoder_widths of the encoder"):
            make(form, dimensions, decoder_widths=(5, 7))
        return
    narrow, usual = make(form, dimensions, decoder_widths=(5, 7)), make(form, dimensions)
    assert [block[-1].conv.out_channels for block in narrow.decoder] == [5, 7]
    assert [block[-1].conv.out_channels for block in narrow.encoder] == [4, 6, 8]
    assert usual.state_dict().keys() == narrow.state_dict().keys()
    image = noise(1, 1, *(13, 18, 7)[:dimensions])
    with torch.inference_mode():
        assert narrow(image).shape == usual(image).shape
    narrow.train()(noise(2, 1, *[16] * dimensions)).square().mean().backward()
    assert [name for name, p in narrow.named_parameters() if name.endswith("conv.weight") and not p.grad.any()] == []


@DIMENSIONS
def test_deep_supervision_fuses_what_every_level_predicts(dimensions):
    network = make("grid", dimensions, classes=3, widths=(4, 6, 8, 10))
    features = {}
    for level, block in enumerate(network.decoder):
        block.register_forward_hook(lambda _module, _inputs, output, level=level: features.update({level: output}))
    with torch.inference_mode():
        logits = network(noise(1, 1, *[16] * dimensions))
        predictions = [pointwise(head, features[level].numpy()) for level, head in enumerate(network.heads)]
    assert len(predictions) == 3
    mode = {2: "bilinear", 3: "trilinear"}[dimensions]
    full = [
        F.interpolate(torch.from_numpy(p), scale_factor=float(2**level), mode=mode) if level else torch.from_numpy(p)
        for level, p in enumerate(predictions)
    ]
    wanted = pointwise(network.final, torch.cat(full, 1).numpy())
    np.testing.assert_allclose(logits.numpy(), wanted, rtol=0, atol=1e-10)


def test_without_deep_supervision_the_finest_level_predicts_alone():
    network = make("grid", classes=3, deep_supervision=False)
    kept = []
    network.decoder[0].register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    with torch.inference_mode():
        logits = network(noise(1, 1, 16, 16))
    np.testing.assert_allclose(logits.numpy(), pointwise(network.heads[0], kept[0].numpy()), rtol=0, atol=1e-10)
    assert len(network.heads) == 1


@pytest.mark.parametrize("norm", ["batch", "instance", "group"])
@pytest.mark.parametrize("form", ["grid", "skip", "plain"])
def test_only_batch_normalisation_looks_at_other_images_in_training(norm, form):
    network = make(form, widths=(4, 6, 12), norm=norm).train()
    image, other = noise(1, 1, 20, 24), noise(1, 1, 20, 24, seed=1) * 3
    with torch.no_grad():
        alone, together = network(image), network(torch.cat([image, other]))[:1]
    difference = float((alone - together).abs().max())
    assert difference > 1e-2 if norm == "batch" else difference < 1e-10


@pytest.mark.parametrize("norm", ["batch", "instance", "group"])
@DIMENSIONS
def test_one_pixel_is_an_image_whatever_the_normalisation(norm, dimensions):
    network = make("grid", dimensions, norm=norm)
    with torch.inference_mode():
        logits = network(torch.ones(1, 1, *[1] * dimensions, dtype=torch.float64))
    assert logits.shape == (1, 2, *[1] * dimensions)
    assert logits.isfinite().all()


@FORM
@DIMENSIONS
def test_every_parameter_is_trained(form, dimensions):
    network = make(form, dimensions).train()
    network(noise(2, 1, *[16] * dimensions)).square().mean().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []
    assert [name for name, p in network.named_parameters() if name.endswith("conv.weight") and not p.grad.any()] == []


@pytest.mark.parametrize("form", ["grid", "subgates", "plain"])
def test_align_corners_changes_where_linear_interpolation_samples(form):
    image = noise(1, 1, 16, 16)
    with torch.inference_mode():
        today, then = (make(form, align_corners=flag)(image) for flag in (False, True))
    assert (today - then).abs().max() > 1e-2


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"dimensions": 1}, "dimensions 1 must be 2 or 3"),
        ({"widths": (8,)}, "at least two positive numbers"),
        ({"widths": (8, 0)}, "at least two positive numbers"),
        ({"gate": "soft"}, "gate 'soft' is not one of grid, skip, none"),
        ({"subgates": 0}, "subgates 0 must be 1"),
        ({"subgates": 2, "gate": "none"}, "subgates 2 must be 1, or more with grid gates only"),
        ({"upsampling": "cubic"}, "upsampling 'cubic' is not one of linear, conv, transposed"),
        ({"decoder_convolutions": 3}, "decoder_convolutions 3 must be 1 or 2"),
        ({"gate": "skip"}, "skip gates need upsampling='conv'"),
        ({"decoder_widths": (8, 8)}, r"decoder_widths \(8, 8\) must be 4 positive numbers"),
        ({"norm": "layer"}, "norm 'layer' is not one of batch, instance, group"),
    ],
)
def test_a_contradictory_configuration_is_refused(config, sentence):
    with pytest.raises(ValueError, match=sentence):
        AttentionUNet(**config)


def test_an_image_with_other_channels_is_refused():
    with pytest.raises(ValueError, match="takes 3 channels, the image has 1"):
        make(in_channels=3)(noise(1, 1, 8, 8))


def test_the_papers_network_has_as_many_parameters_as_its_code():
    """unet_CT_single_att_dsv_3D at feature_scale 4 with 4 classes, and its form without gates (5.88 M in the paper)."""
    with torch.device("meta"):
        counts = [
            sum(
                parameter.numel()
                for parameter in AttentionUNet(
                    classes=4,
                    dimensions=3,
                    widths=(16, 32, 64, 128, 256),
                    gate=gate,
                    gate_norm=False,
                    subgates=subgates,
                ).parameters()
            )
            for gate, subgates in (("none", 1), ("grid", 1), ("grid", 2))
        ]
    assert counts == [5_888_004, 6_214_151, 6_473_322]


@FORM
def test_a_new_head_gives_other_classes_of_the_same_features(form):
    network = make(form)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.manual_seed(1)
    head = network.new_head(5)
    after = dict(network.named_parameters())
    assert network.double()(noise(1, 1, 20, 24).double()).shape == (1, 5, 20, 24)
    names = {name for name, parameter in after.items() if any(parameter is made for made in head)}
    assert {name.split(".")[0] for name in names} <= {"heads", "final"}
    kept = [name for name in before if name.split(".")[0] not in ("heads", "final")]
    assert all(torch.equal(before[name], network.state_dict()[name]) for name in kept)
    assert set(after) - names == {name for name in kept if name in after}
    fresh = AttentionUNet(widths=(4, 6, 8), **{**FORMS[form], "classes": 5}).state_dict()
    assert {name: value.shape for name, value in fresh.items()} == {
        name: value.shape for name, value in network.state_dict().items()
    }, "as a network that is made so from the file's header"
