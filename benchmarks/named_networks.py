"""The networks that pages and comparisons name: each is an architecture with a configuration.

A name that an architecture of another version of the package goes with is left out with a word, so that lists may name
what is still to come.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import nn

from src_models.errors import ModelFileError, UserError
from src_models.models.architectures import architectures, create, find_architecture

__all__ = ["NETWORKS", "NamedNetwork", "chosen", "known", "made"]


@dataclass(frozen=True)
class NamedNetwork:
    """A network that has a name.

    Parameters
    ----------
    title
        For people.
    family
        The section of the page that it belongs to.
    architecture, config
        Arguments of :func:`src_models.create` besides channels and classes.
    size
        Height and width (px) of the images that it is used with, unless it is said otherwise.
    """

    title: str
    family: str
    architecture: str
    config: Mapping[str, Any] = field(default_factory=dict)
    size: int = 256

    @property
    def segments(self) -> bool:
        """Whether it says something of each pixel."""
        return find_architecture(self.architecture).task == "segmentation"

    def for_images_of(self, size: int) -> dict[str, Any]:
        """Return its configuration for images of another size: some networks are made for one."""
        return {**self.config, "image_size": size} if "image_size" in self.config else dict(self.config)


# As `napari-medt train` makes new networks.
UNET: dict[str, Any] = {"widths": (16, 32, 64, 128, 192), "upsampling": "transposed", "decoder_convolutions": 1}
LITE0: dict[str, Any] = {
    **UNET,
    "encoder": "efficientnet-lite0",
    "widths": (16, 16, 24, 40, 112),
    "decoder_widths": (16, 32, 48, 80),
}
WINDOW: dict[str, Any] = {"image_size": 128}
TOKENS: dict[str, Any] = {"embedding": "efficientnet-lite0", "patch": 8, "width": 48, "stages": 2}


def _guided(title: str, **config: Any) -> NamedNetwork:
    return NamedNetwork(title, "guided-attention", "guided-attention", {"image_size": 256, **config})


def _classifier(title: str, family: str, architecture: str, **config: Any) -> NamedNetwork:
    return NamedNetwork(title, family, architecture, config, size=72)


NETWORKS: dict[str, NamedNetwork] = {
    "unet": NamedNetwork("U-Net", "unet", "unet", UNET),
    "attention-unet": NamedNetwork(
        "Attention U-Net, grid gates (the paper's)", "attention-unet", "attention-unet", UNET
    ),
    "attention-unet-skip": NamedNetwork(
        "Attention U-Net, skip gates", "attention-unet", "attention-unet", {**UNET, "gate": "skip"}
    ),
    "attention-unet-lite0": NamedNetwork(
        "Attention U-Net, encoder EfficientNet-Lite0", "attention-unet", "attention-unet", LITE0
    ),
    "fcn": NamedNetwork("FCN-8s", "fcn", "fcn", {"skips": 2}),
    "fcn-16s": NamedNetwork("FCN-16s", "fcn", "fcn", {"skips": 1}),
    "fcn-32s": NamedNetwork("FCN-32s", "fcn", "fcn", {"skips": 0}),
    "axial-unet": NamedNetwork("Axial attention U-Net", "axial", "axial-unet", WINDOW, 128),
    "gated-axial-unet": NamedNetwork("Gated axial attention U-Net", "axial", "gated-axial-unet", WINDOW, 128),
    "logo": NamedNetwork("LoGo", "medt", "logo", WINDOW, 128),
    "medt": NamedNetwork("MedT", "medt", "medt", WINDOW, 128),
    "guided-attention": _guided("Guided attention: position and channel, two refinements"),
    "guided-position": _guided("Guided attention: position alone", attention="position"),
    "guided-channel": _guided("Guided attention: channel alone", attention="channel"),
    "guided-both": _guided("Guided attention without guidance", guidance=False),
    "guided-1": _guided("Guided attention: one refinement", refinements=1),
    "guided-3": _guided("Guided attention: three refinements", refinements=3),
    "med-former": _classifier("Med-Former: LGT and SAF", "med-former", "med-former"),
    "med-former-lite0": _classifier(
        "Med-Former on tokens of EfficientNet-Lite0",
        "med-former",
        "med-former",
        **TOKENS,
    ),
    "med-former-lgt-concat": _classifier(
        "Med-Former: LGT and concatenation", "med-former", "med-former", fusion="concat"
    ),
    "med-former-lgt": _classifier("Med-Former: LGT alone", "med-former", "med-former", fusion="none"),
    "med-former-swin-saf": _classifier("Med-Former: Swin and SAF", "med-former", "med-former", local=False),
    "med-former-swin-concat": _classifier(
        "Med-Former: Swin and concatenation", "med-former", "med-former", local=False, fusion="concat"
    ),
    **{
        f"med-former-{name}-lite0": _classifier(
            f"{title} on tokens of EfficientNet-Lite0", "med-former", "med-former", **config, **TOKENS
        )
        for name, title, config in (
            ("lgt-concat", "LGT and concatenation", {"fusion": "concat"}),
            ("lgt", "LGT alone", {"fusion": "none"}),
            ("swin-saf", "Swin and SAF", {"local": False}),
            ("swin-concat", "Swin and concatenation", {"local": False, "fusion": "concat"}),
        )
    },
    "swin": _classifier("Swin: one window, no fusion", "med-former", "swin"),
    "swin-lite0": _classifier(
        "Swin on tokens of EfficientNet-Lite0",
        "med-former",
        "swin",
        **TOKENS,
    ),
    "vit": _classifier("ViT", "vit", "vit", image_size=72),
    "resnet18": _classifier("ResNet-18", "resnet", "resnet18"),
    "efficientnet-lite0": _classifier("EfficientNet-Lite0", "efficientnet", "efficientnet-lite0"),
}


def made(network: NamedNetwork, *, channels: int = 3, classes: int = 2, size: int | None = None) -> nn.Module:
    """Make a network, untrained.

    Parameters
    ----------
    network
        Which one.
    channels, classes
        Of its images and of its result.
    size
        Height and width (px) of the images; by default its own.

    Raises
    ------
    ModelFileError
        If there is no such architecture, or not in this configuration.
    """
    config = network.for_images_of(size or network.size)
    return create(network.architecture, in_channels=channels, classes=classes, **config)


def known(names: Collection[str]) -> dict[str, NamedNetwork]:
    """Return those networks that can be made, and say on the terminal which cannot, and why."""
    found = {}
    for name in names:
        network = NETWORKS[name]
        if network.architecture not in architectures():
            print(f"left out: {name}, since there is no architecture {network.architecture!r} yet")
            continue
        try:
            made(network)
        except ModelFileError as error:
            print(f"left out: {name}: {error}")
            continue
        found[name] = network
    return found


def chosen(names: Collection[str]) -> dict[str, NamedNetwork]:
    """Return the networks of these names.

    Raises
    ------
    UserError
        If there is none of a name, or it does not segment.
    """
    for name in names:
        if name not in NETWORKS:
            raise UserError(f"there is no network {name!r}; choose from {', '.join(NETWORKS)}")
    found = known(names)
    for name, network in found.items():
        if not network.segments:
            raise UserError(f"{name} says what a whole image shows and draws no organs: leave it out")
    return found
