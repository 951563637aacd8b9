"""Names of architectures, and networks made by name.

The names are the ones the command line, model files and widgets use. Torch is imported when a network is made.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from src_models.errors import ModelFileError, UserError

if TYPE_CHECKING:
    from torch import nn

    from src_models.models.header import ModelHeader

__all__ = ["AXIAL", "architectures", "attention_names", "choose_attention", "create", "usual_attention"]

_DESCRIPTIONS = {
    "attention-unet": "Attention U-Net (Oktay et al. 2018): U-Net whose skip connections pass attention gates",
    "unet": "plain U-Net: the same network without gates, for comparison",
    "medt": "Medical Transformer (Valanarasu et al. 2021): gated axial attention, a global and a local branch",
    "logo": "MedT's two branches with axial attention that has no gates",
    "gated-axial-unet": "U-Net of gated axial attention: MedT's global branch alone, at full depth",
    "axial-unet": "the same without gates",
}

AXIAL = ("medt", "logo", "gated-axial-unet", "axial-unet")


def architectures() -> dict[str, str]:
    """Return the names of all architectures with a line on each."""
    return dict(_DESCRIPTIONS)


def create(name: str, /, **config: Any) -> nn.Module:
    """Make an untrained network.

    Parameters
    ----------
    name
        One of :func:`architectures`.
    **config
        Arguments of the network's class, such as `in_channels`, `classes`, `dimensions` and `widths`.

    Raises
    ------
    ModelFileError
        If the name is unknown or the configuration does not fit the network.
    """
    if name not in _DESCRIPTIONS:
        raise ModelFileError(f"there is no architecture {name!r}; choose from {', '.join(_DESCRIPTIONS)}")
    try:
        return _network(name, config)
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"{name} cannot be made with this configuration: {error}") from error


def _network(name: str, config: Mapping[str, Any]) -> nn.Module:
    if name in AXIAL:
        from src_models.nets.medt import AxialUNet, LoGoNet

        network = LoGoNet if name in ("medt", "logo") else AxialUNet
        return network(gated=name in ("medt", "gated-axial-unet"), **config)
    from src_models.nets.attention_unet import AttentionUNet

    return AttentionUNet(**{**config, "gate": "none"} if name == "unet" else config)


def attention_names(architecture: str, config: Mapping[str, Any]) -> list[str]:
    """Return the names of the attention maps that such a network gives, finest first, without making it.

    Parameters
    ----------
    architecture, config
        As in a model's header.
    """
    if architecture in AXIAL:
        return _axial_names(architecture)
    form = "none" if architecture == "unet" else config.get("gate", "grid")
    levels = len(config.get("widths", (32, 64, 128, 256, 512))) - 1
    first = {"grid": 2, "skip": 1, "none": levels + 1}[form]
    return [f"gate {level}" for level in range(first, levels + 1)]


def usual_attention(architecture: str, config: Mapping[str, Any]) -> list[str]:
    """Return the names of the maps that are worth a layer unless a person chooses: all of few, the telling of many.

    Of axial networks, which have a map or more for every block, these are those of the second layer's first block: the
    finest that looks for objects, where the first layer looks for edges.
    """
    names = attention_names(architecture, config)
    if architecture not in AXIAL:
        return names
    telling = [name for name in names if " 2.1 " in name and "local" not in name]
    return [name for name in telling if "similarity" not in name]


def _axial_names(architecture: str) -> list[str]:
    """Return the maps with one value a pixel; the blocks' matrices are too large to be kept for a whole image."""
    branches = [("block", 4, True)]
    if architecture in ("medt", "logo"):
        branches = [("global", 2, True), ("local", 4, architecture == "logo")]
    blocks: list[tuple[int, str, bool]] = []
    for branch, depth, positions in branches:
        cell = 2
        for layer, count in enumerate((1, 2, 4, 1)[:depth], start=1):
            for block in range(1, count + 1):
                blocks.append((cell, f"{branch} {layer}.{block}", positions))
                cell *= 2 if layer > 1 and block == 1 else 1
    shares = ("positions in similarity", "positions in output")
    blocks.sort(key=lambda block: block[0])
    return [f"{name} {what}" for _, name, positions in blocks for what in ("received", *(shares if positions else ()))]


def choose_attention(header: ModelHeader, wanted: bool | Collection[str]) -> list[str]:
    """Return the names of the maps a person wants of a model, finest first: all (True), none (False), or some by name.

    Raises
    ------
    UserError
        If the model has no map of that name.
    """
    known = attention_names(header.architecture, header.config)
    if isinstance(wanted, bool):
        return known if wanted else []
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise UserError(
            f"the model {header.name!r} has no attention map {unknown[0]!r}; it has {', '.join(known) or 'none'}"
        )
    return [name for name in known if name in wanted]
