"""The network of self-guided attention: its scales, its steps, what it is supervised by, images of any size."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from src_models.attention.recording import record_attention
from src_models.computing.execution import fold_batch_norms
from src_models.nets.guided.network import GuidedAttentionNetwork
from src_models.nets.guided_architectures import LOOKS

SMALL = {"width": 4, "classes": 3}


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def made(**config):
    """Return a network whose attention has effect and whose norms know features like those of noise."""
    torch.manual_seed(0)
    network = GuidedAttentionNetwork(**{**SMALL, **config}).double()
    for name, parameter in network.named_parameters():
        if name.endswith("gamma"):
            parameter.data.fill_(0.5)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        network.train()(noise(2, network.in_channels, 64, 64, seed=9))
    return network.eval()


@pytest.fixture(scope="module")
def network():
    return made()


@pytest.mark.parametrize("size", [(1, 1), (33, 64), (70, 45)])
def test_any_size_is_the_input_continued_by_its_last_pixels(network, size):
    image = noise(1, 1, *size)
    padded = F.pad(image, (0, -size[1] % 32, 0, -size[0] % 32), mode="replicate")
    with torch.inference_mode():
        found = network(image)
        assert found.shape == (1, 3, *size)
        torch.testing.assert_close(found, network(padded)[..., : size[0], : size[1]], rtol=0, atol=1e-10)


def test_what_a_scale_finds_is_a_share_of_the_classes_alone_whatever_the_flows_are():
    """Of two classes and two flows, the share of objects is the logistic function of the difference of two logits."""
    network = made(classes=4)
    network.fields = 2
    heads: list[torch.Tensor] = []
    handles = [head.register_forward_hook(lambda *given: heads.append(given[-1])) for head in network.heads]
    with torch.inference_mode(), record_attention(network) as maps:
        network(noise(1, 1, 64, 64))
    for handle in handles:
        handle.remove()
    for scale, logits in enumerate(heads, start=1):
        wanted = torch.sigmoid(logits[:, 1:2] - logits[:, :1]).float()
        torch.testing.assert_close(maps[f"scale {scale} prediction"].tensor, wanted, rtol=0, atol=1e-6)


def test_the_result_is_the_mean_over_the_scales_of_their_last_predictions(network):
    image = noise(2, 1, 50, 64)
    with torch.inference_mode():
        supervised = network(image, supervised=True)
        assert len(supervised.predictions) == 8
        wanted = sum(supervised.predictions[4:]) / 4
        torch.testing.assert_close(network(image), wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("refinements", [1, 2, 3])
@pytest.mark.parametrize("semantics", ["shared", "own"])
def test_steps_follow_the_paper(refinements, semantics):
    """Each step attends to the scale's own features beside the joined ones, which the step before has weighed.

    Equations 6 to 11, restated from the parts.
    """
    network = made(refinements=refinements, semantics=semantics)
    image = noise(1, 1, 64, 64)
    with torch.inference_mode():
        found = network(image, supervised=True)
        own = []
        for down, level in zip(network.down, network.backbone(image), strict=True):
            own.append(F.interpolate(down(level), size=(16, 16), mode="bilinear", align_corners=False))
        joined = network.join(torch.cat(own[::-1], 1))
        penalty = 0.0
        for scale in range(4):
            features, codes = torch.cat([own[scale], joined], 1), []
            for step in range(refinements):
                module = network.semantics[step][scale if semantics == "own" else 0]
                meaning = module(features)
                codes.append(meaning.code)
                penalty += 0.1 * (features - meaning.rebuilt).square().mean()
                attention = network.refinements[step][scale](features, meaning.rebuilt)
                features = torch.cat([own[scale], attention * joined], 1)
            penalty += 0.25 * sum((one - other).square().mean() for one, other in itertools.pairwise(codes))
            early, late = network.early_heads[scale](own[scale]), network.heads[scale](attention)
            for place, logits in ((scale, early), (4 + scale, late)):
                whole = F.interpolate(logits, size=(64, 64), mode="bilinear", align_corners=False)
                torch.testing.assert_close(found.predictions[place], whole, rtol=0, atol=1e-10)
    assert float(found.penalty) == pytest.approx(float(penalty), rel=1e-10)


def test_without_guidance_nothing_is_rebuilt_and_nothing_is_added_to_the_loss():
    network = made(guidance=False)
    assert not list(network.semantics.parameters())
    assert float(network(noise(1, 1, 32, 32), supervised=True).penalty) == 0


def test_without_refinements_the_scales_are_joined_and_projected():
    network = made(refinements=0)
    image = noise(1, 1, 64, 64)
    with torch.inference_mode():
        features = [down(level) for down, level in zip(network.down, network.backbone(image), strict=True)]
        own = [F.interpolate(x, size=(16, 16), mode="bilinear", align_corners=False) for x in features]
        joined = network.join(torch.cat(own[::-1], 1))
        each = [
            head(plain(torch.cat([x, joined], 1)))
            for head, plain, x in zip(network.heads, network.plain, own, strict=True)
        ]
        wanted = F.interpolate(sum(each) / 4, size=(64, 64), mode="bilinear", align_corners=False)
        torch.testing.assert_close(network(image), wanted, rtol=0, atol=1e-10)
    assert list(network.learnable()) == [part for part in network.learnable() if part is not LOOKS]


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"attention": "position", "channel_attention": "inverted", "semantics": "own"},
        {"attention": "channel", "guidance": False, "refinements": 1},
        {"refinements": 0},
        {"refinements": 3, "backbone": "resnet34"},
    ],
)
def test_every_parameter_is_trained(config):
    network = made(**config).train()
    found = network(noise(2, 1, 64, 64), supervised=True)
    (sum(logits.square().mean() for logits in found.predictions) + found.penalty).backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.isfinite().all()] == []


def test_derivatives_of_what_it_is_supervised_by_are_those_of_small_changes(network):
    """The penalty's, too, through the whole network."""
    image, targets = noise(1, 1, 32, 32), torch.arange(32 * 32).view(1, 32, 32) % 3

    def loss():
        found = network(image, supervised=True)
        return sum(F.cross_entropy(logits, targets) for logits in found.predictions) + found.penalty

    chosen = [
        "backbone.layer1.0.conv1.weight",
        "down.3.conv.weight",
        "refinements.0.1.branches.position.attention.query.weight",
        "refinements.1.2.branches.channel.attention.gamma",
        "semantics.0.0.encoder.1.0.conv.weight",
        "refinements.1.0.guide.weight",
        "early_heads.1.weight",
    ]
    parameters = [network.get_parameter(name) for name in chosen]
    gradients = torch.autograd.grad(loss(), parameters)
    for name, parameter, gradient in zip(chosen, parameters, gradients, strict=True):
        place = int(gradient.abs().argmax())
        flat, step = parameter.data.view(-1), 1e-6
        before = float(flat[place])
        values = []
        for change in (step, -step):
            flat[place] = before + change
            values.append(float(loss().detach()))
        flat[place] = before
        numeric = (values[0] - values[1]) / (2 * step)
        assert numeric == pytest.approx(float(gradient.view(-1)[place]), rel=1e-3, abs=1e-7), name


def test_maps_say_what_each_scale_finds(network):
    image = noise(1, 1, 64, 96)
    with torch.inference_mode(), record_attention(network) as maps:
        found = network(image, supervised=True)
    for scale in (1, 2, 3, 4):
        fine = F.interpolate(found.predictions[3 + scale], size=(16, 24), mode="bilinear", align_corners=False)
        wanted = 1 - fine.softmax(1)[:, :1]
        tensor = maps[f"scale {scale} prediction"].tensor.double()
        assert tensor.shape == wanted.shape
        assert torch.corrcoef(torch.stack([tensor.flatten(), wanted.flatten()]))[0, 1] > 0.9


def test_folded_norms_change_the_result_by_rounding_alone():
    network, image = made(), noise(1, 1, 40, 64)
    with torch.inference_mode():
        before = network(image)
        fold_batch_norms(network)
        torch.testing.assert_close(network(image), before, rtol=0, atol=1e-8 * float(before.abs().max()))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def test_an_image_that_is_moved_by_the_stride_is_the_moved_image_to_the_backbone(network):
    """Attention compares all places, so the whole result depends on where an image ends; what is seen does not."""
    image = noise(1, 1, 384, 384)
    with torch.inference_mode():
        seen, moved = network.backbone(image), network.backbone(image.roll((32, -32), (2, 3)))
    for features, others, stride in zip(seen[:3], moved, (4, 8, 16), strict=False):  # the last sees up to the border
        inner = (..., slice(128 // stride, 224 // stride), slice(160 // stride, 256 // stride))
        back = others.roll((-32 // stride, 32 // stride), (2, 3))
        torch.testing.assert_close(back[inner], features[inner], rtol=0, atol=1e-10)
        assert features[inner].std() > 0.1
    assert network.stride == 32 == 384 // seen[3].shape[2]


def test_a_new_head_predicts_at_every_scale_and_leaves_the_rest():
    network = made()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    parameters = network.new_head(5)
    network.double()
    found = network(noise(1, 1, 32, 32), supervised=True)
    assert {logits.shape[1] for logits in found.predictions} == {5}
    heads = {id(parameter) for parameter in parameters}
    for name, parameter in network.named_parameters():
        assert (id(parameter) in heads) == ("heads." in name)
        assert "heads." in name or torch.equal(parameter, before[name])


def test_what_can_learn_alone_is_all_after_the_backbone_or_where_it_looks(network):
    parts = {part.name: {id(parameter) for parameter in found} for part, found in network.learnable().items()}
    backbone = {id(parameter) for parameter in network.backbone.parameters()}
    assert list(parts) == ["decoder", "gates"]
    assert backbone | parts["decoder"] == {id(parameter) for parameter in network.parameters()}
    assert not backbone & parts["decoder"]
    assert parts["gates"] < parts["decoder"]
    looks = {n for n, p in network.named_parameters() if id(p) in parts["gates"]}
    assert {name.split(".")[0] for name in looks} == {"refinements", "semantics"}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"backbone": "vgg"}, "backbone 'vgg' is not one of resnet18, resnet34"),
        ({"attention": "none"}, "attention 'none' is not one of both, position, channel"),
        ({"channel_attention": "paper"}, "is not one of formula, inverted"),
        ({"semantics": "no"}, "semantics 'no' is not one of shared, own"),
        ({"refinements": 4}, "refinements 4 must be 0 to 3"),
        ({"dimensions": 3}, "dimensions 3 must be 2"),
        ({"width": 0}, "width 0 must be at least 1"),
        ({"image_size": 0}, "image_size 0 must be at least 1 px"),
    ],
)
def test_a_contradictory_configuration_is_refused(config, sentence):
    with pytest.raises(ValueError, match=sentence):
        GuidedAttentionNetwork(**config)


def test_another_number_of_channels_is_refused(network):
    with pytest.raises(ValueError, match="takes 1 channels, the image has 3"):
        network(noise(1, 3, 32, 32))
