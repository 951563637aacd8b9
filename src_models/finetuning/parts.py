"""The parts of a network that can learn while the rest stays as it is, and what each costs."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from src_models.errors import UserError
from src_models.finetuning.settings import FULL
from src_models.nets.architecture import LearnablePart
from src_models.nets.network import Network

__all__ = ["LearningPart", "learning_parts", "parameters_of"]

_WHOLE = LearnablePart(
    FULL,
    "The whole network",
    "The whole network learns: it adapts to a new kind of image, and takes the longest.",
    "Encoder, decoder and gates",
)


@dataclass(frozen=True, slots=True)
class LearningPart:
    """A part of a network.

    Parameters
    ----------
    name
        ``"full"``, or the name of a part such as ``"decoder"`` or ``"gates"``.
    title
        For people.
    parameters
        How many numbers change.
    cost
        What learning it costs and gives, in a sentence.
    detail
        The field's name of it, and how much of the network that is.
    """

    name: str
    title: str
    parameters: int
    cost: str
    detail: str


def learning_parts(network: nn.Module) -> list[LearningPart]:
    """Return the parts that a network has; those without gates have only two."""
    whole = _count(list(network.parameters()))
    found = []
    for part, parameters in _learnable(network).items():
        count = _count(parameters)
        detail = f"{part.term}: {count:,} of the {whole:,} numbers of the network change."
        found.append(LearningPart(part.name, part.title, count, part.cost, detail))
    return found


def parameters_of(network: nn.Module, part: str) -> list[nn.Parameter]:
    """Return the parameters that learn.

    Raises
    ------
    UserError
        If the network has no such part.
    """
    found = {each.name: parameters for each, parameters in _learnable(network).items()}
    if not any(found.values()):
        raise UserError(
            "nothing of this network can learn: it came as an ONNX graph, which is run as it is; choose another model"
        )
    if part not in found:
        raise UserError(f"this network has no {part} that could learn; choose from: {', '.join(found)}")
    return found[part]


def _learnable(network: nn.Module) -> dict[LearnablePart, list[nn.Parameter]]:
    parts = network.learnable() if isinstance(network, Network) else {}
    return {_WHOLE: list(network.parameters()), **parts}


def _count(parameters: list[nn.Parameter]) -> int:
    return sum(parameter.numel() for parameter in parameters)
