"""Published residual weights: an image is to the network what a photograph was to the published one."""

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn

from src_models.errors import ModelFileError, UserError
from src_models.models.architectures import create
from src_models.models.encoder_weights import begin_with_imagenet
from src_models.models.resnet_weights import DEVIATION, MEAN, begin_resnet
from src_models.nets.resnet import RESNETS, ResNet


@pytest.fixture(scope="module")
def published():
    """Weights as torchvision and timm name them, classifier and all; statistics are not those of a new network."""
    torch.manual_seed(0)
    network = ResNet(RESNETS["resnet18"])
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return {**network.state_dict(), "fc.weight": torch.zeros(1000, 512), "fc.bias": torch.zeros(1000)}


def first_features(tensors, photograph):
    """What the published network makes of a photograph (N, 3, H, W) from 0 to 1 in its first layer and norm."""
    mean, deviation = (torch.tensor(values)[:, None, None] for values in (MEAN, DEVIATION))
    x = F.conv2d((photograph - mean) / deviation, tensors["conv1.weight"], stride=2, padding=3)
    statistics = (tensors[f"bn1.{leaf}"] for leaf in ("running_mean", "running_var", "weight", "bias"))
    return F.batch_norm(x, *statistics)


@pytest.mark.parametrize(("channels", "image"), [(3, 3), (1, 1), (2, 2), (5, 3)])
def test_away_from_the_border_an_image_is_seen_as_the_photograph(published, channels, image):
    network = ResNet(RESNETS["resnet18"], in_channels=channels).eval()
    begin_resnet(network, published, image_channels=image)
    picture = torch.rand(1, image, 48, 64)
    grey = picture.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    wanted = first_features(published, picture if image == 3 else grey)
    others = torch.rand(1, channels - image, 48, 64)  # such as where the clicks are
    with torch.inference_mode():
        found = network.bn1(network.conv1(torch.cat([picture, others], 1)))
    inner = (..., slice(2, -2), slice(2, -2))
    torch.testing.assert_close(found[inner], wanted[inner], rtol=0, atol=1e-4)
    for name, tensor in network.layer3.state_dict().items():
        assert torch.equal(tensor, published[f"layer3.{name}"]) or name.endswith("num_batches_tracked")


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
def test_a_file_of_either_kind_is_the_first_weights_of_the_backbone_alone(published, tmp_path, ending):
    file = tmp_path / f"resnet18.{ending}"
    save_file(published, file) if ending == "safetensors" else torch.save(published, file)
    network = create("guided-attention", in_channels=1, width=4)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    begin_with_imagenet(network, file)
    for name, tensor in network.state_dict().items():
        if not name.startswith("backbone."):
            assert torch.equal(tensor, before[name])
    assert torch.equal(network.backbone.layer4[1].conv2.weight, published["layer4.1.conv2.weight"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda tensors: tensors.pop("conv1.weight"), r"has no first layer \(conv1.weight\)"),
        (lambda tensors: tensors.pop("layer2.0.bn1.weight"), "its layer2.0.bn1.weight is missing"),
        (
            lambda tensors: tensors.update({"layer1.0.conv1.weight": torch.zeros(64, 64, 1, 1)}),
            "its layer1.0.conv1.weight is missing, of another shape or not finite: choose the backbone",
        ),
        (
            lambda tensors: tensors.update({"layer1.0.bn1.bias": torch.full((64,), torch.nan)}),
            "layer1.0.bn1.bias is missing, of another shape or not finite",
        ),
    ],
)
def test_other_weights_are_refused_with_the_file(published, tmp_path, change, sentence):
    tensors = dict(published)
    change(tensors)
    torch.save(tensors, tmp_path / "other.pth")
    with pytest.raises(ModelFileError, match=f"other.pth: .*{sentence}"):
        begin_with_imagenet(create("guided-attention", width=4), tmp_path / "other.pth")


def test_a_network_without_such_an_encoder_is_refused(tmp_path):
    with pytest.raises(UserError, match="efficientnet-lite0 or a residual network, and the"):
        begin_with_imagenet(create("unet", widths=(2, 4)), tmp_path / "any.pth")
