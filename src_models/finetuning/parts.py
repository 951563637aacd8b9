"""The parts of a network that can learn while the rest stays as it is, and what each costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn

from src_models.errors import UserError
from src_models.finetuning.settings import Part
from src_models.nets.attention_unet import AttentionUNet
from src_models.nets.axial_attention import AxialAttention
from src_models.nets.medt import AxialUNet, LoGoNet

__all__ = ["LearningPart", "learning_parts", "parameters_of"]


@dataclass(frozen=True, slots=True)
class LearningPart:
    """A part of a network.

    Parameters
    ----------
    name
        ``"full"``, ``"decoder"`` or ``"gates"``.
    title
        For people.
    parameters
        How many numbers change.
    cost
        What learning it costs and gives, in a sentence.
    detail
        The field's name of it, and how much of the network that is.
    """

    name: Part
    title: str
    parameters: int
    cost: str
    detail: str


_COSTS: dict[Part, tuple[str, str, str]] = {
    "full": (
        "The whole network",
        "The whole network learns: it adapts to a new kind of image, and takes the longest.",
        "Encoder, decoder and gates",
    ),
    "decoder": (
        "Only how it draws objects",
        "How it draws objects is learnt; what it sees in an image stays as it is. About a third faster.",
        "The decoder",
    ),
    "gates": (
        "Only where it looks",
        "The network learns only where to look in an image: little can be forgotten, and little learnt.",
        "The attention gates",
    ),
}


def learning_parts(network: nn.Module) -> list[LearningPart]:
    """Return the parts that a network has; those without gates have only two."""
    found = []
    whole = sum(parameter.numel() for parameter in network.parameters())
    for name, (title, cost, term) in _COSTS.items():
        parameters = _parameters(network, name)
        if parameters:
            count = sum(parameter.numel() for parameter in parameters)
            detail = f"{term}: {count:,} of the {whole:,} numbers of the network change."
            found.append(LearningPart(name, title, count, cost, detail))
    return found


def parameters_of(network: nn.Module, part: Part) -> list[nn.Parameter]:
    """Return the parameters that learn.

    Raises
    ------
    UserError
        If the network has no such part.
    """
    found = _parameters(network, part)
    if not found:
        there = ", ".join(each.name for each in learning_parts(network))
        raise UserError(f"this network has no {part} that could learn; choose from: {there}")
    return found


def _parameters(network: nn.Module, part: Part) -> list[nn.Parameter]:
    if part == "full":
        return list(network.parameters())
    if part == "decoder":
        return [parameter for module in _decoder(network) for parameter in module.parameters()]
    return _gates(network)


def _decoder(network: nn.Module) -> Sequence[nn.Module]:
    """Return what comes after the encoder; gates are on the way from one to the other and belong to it."""
    if isinstance(network, AttentionUNet):
        gating = [] if network.gating is None else [network.gating]
        return [*gating, network.gates, network.ups, network.decoder, network.heads, network.final]
    if isinstance(network, AxialUNet):
        return [network.branch.decoder, network.head]
    if isinstance(network, LoGoNet):
        return [network.global_branch.decoder, network.local_branch.decoder, network.fuse, network.head]
    return []


def _gates(network: nn.Module) -> list[nn.Parameter]:
    if isinstance(network, AttentionUNet):
        gating = [] if network.gating is None else list(network.gating.parameters())
        inside = list(network.gates.parameters())
        return [*gating, *inside] if inside else []
    return [
        gate
        for module in network.modules()
        if isinstance(module, AxialAttention) and module.gated
        for gate in (module.g_q, module.g_k, module.g_v1, module.g_v2)
        if isinstance(gate, nn.Parameter)
    ]
