"""The fully convolutional network, against the paper's formulas written out again."""

import pytest
import torch
import torch.nn.functional as F

from src_models.nets.architecture import DECODER
from src_models.nets.fcn import FCN, DoubledScores

DIMENSIONS = pytest.mark.parametrize("dimensions", [2, 3])
LINEAR = {2: "bilinear", 3: "trilinear"}


def made(**config):
    torch.manual_seed(0)
    network = FCN(**{"widths": (3, 4, 5, 6), "classes": 3, **config})
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d | torch.nn.BatchNorm3d):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 2)
    return network.eval()


def layer(x, module):
    """Convolution, normalisation by what is known of the batches, ReLU."""
    convolved = module.conv(x)
    shape = (1, -1, *[1] * (x.ndim - 2))
    mean, variance = module.norm.running_mean.view(shape), module.norm.running_var.view(shape)
    scaled = (convolved - mean) / (variance + module.norm.eps).sqrt()
    return (scaled * module.norm.weight.view(shape) + module.norm.bias.view(shape)).clamp_min(0)


def halved(x):
    """The largest of each 2 x 2 (x 2) cells."""
    for axis in range(2, x.ndim):
        x = x.unflatten(axis, (-1, 2)).amax(axis + 1)
    return x


def scored(x, convolution):
    """A weighted sum of the channels at each place."""
    weight = convolution.weight.flatten(1)
    return torch.einsum("kc,nc...->nk...", weight, x) + convolution.bias.view(1, -1, *[1] * (x.ndim - 2))


@DIMENSIONS
@pytest.mark.parametrize("skips", [0, 1, 2, 3])
def test_scores_of_finer_levels_are_added_while_the_map_is_doubled(dimensions, skips):
    network = made(skips=skips, dimensions=dimensions, in_channels=2)
    image = torch.randn(1, 2, *(48, 32, 32)[:dimensions])
    with torch.no_grad():
        x, pooled = image, []
        for block in network.encoder:
            for convolution in block:
                x = layer(x, convolution)
            x = halved(x)
            pooled.append(x)
        for convolution in network.top:
            x = layer(x, convolution)
        scores = scored(x, network.scores[0])
        for number in range(skips):
            finer = pooled[-2 - number]
            doubled = F.interpolate(scores, scale_factor=2.0, mode=LINEAR[dimensions])  # as a new one begins
            scores = doubled + scored(finer, network.scores[number + 1])
        step = 2 ** (4 - skips)
        wanted = F.interpolate(scores, scale_factor=float(step), mode=LINEAR[dimensions])
        assert len(network.scores) == skips + 1
        torch.testing.assert_close(network(image), wanted, rtol=1e-4, atol=1e-5)


def test_the_network_of_the_paper_has_steps_of_8_16_and_32_px():
    network = FCN()
    assert (network.stride, network.stride >> network.skips) == (32, 8)
    assert [convolution.in_channels for convolution in network.scores] == [192, 128, 64]


@DIMENSIONS
def test_doubling_begins_as_interpolation_of_each_class_up_to_the_border(dimensions):
    doubled = DoubledScores(3, dimensions=dimensions)
    scores = torch.randn(2, 3, *(5, 3, 4)[:dimensions])
    wanted = F.interpolate(scores, scale_factor=2.0, mode=LINEAR[dimensions], align_corners=False)
    torch.testing.assert_close(doubled(scores), wanted)
    constant = torch.full_like(scores, 1.5)
    torch.testing.assert_close(doubled(constant), torch.full_like(wanted, 1.5))


def test_doubling_can_be_learnt():
    doubled = DoubledScores(2, dimensions=2)
    doubled(torch.randn(1, 2, 4, 4)).square().sum().backward()
    assert (doubled.up.weight.grad != 0).all(), "of other classes, too"


@DIMENSIONS
def test_an_image_of_any_size_goes_on_as_its_border_and_is_cropped(dimensions):
    network = made(dimensions=dimensions)
    image = torch.randn(2, 1, *(21, 35, 17)[:dimensions])
    larger = image
    for axis, size in enumerate((32, 48, 32)[:dimensions], start=2):
        wanted = torch.arange(size).clamp_max(image.shape[axis] - 1)
        larger = larger.index_select(axis, wanted)
    cropped = (slice(None), slice(None), *(slice(0, size) for size in image.shape[2:]))
    with torch.no_grad():
        torch.testing.assert_close(network(image), network(larger)[cropped])


def test_an_image_that_is_moved_by_the_stride_is_seen_alike():
    """Far from the border, where tiles meet. Four levels see 60 px far, and the top 16 px more."""
    network = made(widths=(3, 4, 5))
    image = torch.randn(1, 1, 160, 160)
    moved = image.roll((8, 16), (2, 3))
    with torch.no_grad():
        far = slice(64, 96)
        there = network(image)[..., far, far]
        here = network(moved)[..., far.start + 8 : far.stop + 8, far.start + 16 : far.stop + 16]
    assert there.std() > 0
    torch.testing.assert_close(here, there, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("widths", "skips"), [((3, 4), 0), ((3, 4, 5), 2), ((16, 32, 64, 128, 192), 2)])
def test_the_number_of_parameters_is_that_of_its_layers(widths, skips):
    network = FCN(in_channels=2, classes=3, widths=widths, skips=skips)

    def convolution(before, after, kernel):
        return before * after * kernel**2 + after + 2 * after  # weights, biases, and the norm's scale and offset

    encoder = sum(
        convolution(before, after, 3) + convolution(after, after, 3)
        for before, after in zip((2, *widths), widths, strict=False)
    )
    top = convolution(widths[-1], widths[-1], 3) + convolution(widths[-1], widths[-1], 1)
    scored_widths = [widths[-1], *widths[::-1][1 : skips + 1]]
    head = sum(3 * width + 3 for width in scored_widths) + skips * 3 * 3 * 4 * 4
    assert sum(parameter.numel() for parameter in network.parameters()) == encoder + top + head


def test_a_new_head_is_the_decoder_and_the_rest_stays():
    network = made(classes=2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    head = network.new_head(4)
    assert {id(parameter) for parameter in head} == {id(parameter) for parameter in network.learnable()[DECODER]}
    after = network.state_dict()
    kept = {name for name in before if not name.startswith(("scores.", "ups."))}
    assert kept
    assert all(torch.equal(before[name], after[name]) for name in kept)
    assert after.keys() == before.keys()
    image = torch.randn(1, 1, 16, 16)
    assert network(image).shape == (1, 4, 16, 16)
    torch.testing.assert_close(
        network.ups[0](image.expand(1, 4, 16, 16))[0, 0], network.ups[0](image.expand(1, 4, 16, 16))[0, 3]
    )


def test_a_network_learns_to_tell_dark_from_bright():
    torch.manual_seed(0)
    network = FCN(widths=(4, 8), skips=1)
    image = torch.zeros(2, 1, 32, 32)
    image[0, 0, :16], image[1, 0, :, 16:] = 1.0, 1.0
    truth = (image[:, 0] > 0.5).long()
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        F.cross_entropy(network(image), truth).backward()
        optimizer.step()
    assert (network(image).argmax(1) == truth).float().mean() > 0.95


@pytest.mark.parametrize("norm", ["instance", "group", "batch"])
def test_the_smallest_image_can_be_learnt_from_alone(norm):
    network = FCN(widths=(8, 8), skips=1, norm=norm).train()
    assert network(torch.randn(1, 1, 1, 1)).isfinite().all()


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"dimensions": 1}, "dimensions 1 must be 2 or 3"),
        ({"widths": ()}, "must be positive numbers, at least one"),
        ({"widths": (4, 0)}, "must be positive numbers, at least one"),
        ({"skips": -1}, "skips -1 must be at least 0 and less than the number of levels, 5"),
        ({"skips": 5}, "skips 5 must be at least 0 and less than the number of levels, 5"),
        ({"norm": "layer"}, "norm 'layer' is not one of"),
    ],
)
def test_what_contradicts_itself_is_refused(config, sentence):
    with pytest.raises(ValueError, match=sentence):
        FCN(**config)


def test_an_image_of_other_channels_is_refused():
    with pytest.raises(ValueError, match="takes 1 channels, the image has 3"):
        FCN(widths=(2, 2), skips=0)(torch.zeros(1, 3, 8, 8))
