"""What a round of learning begins with: a model as it is, or with a new head where another kind is to be learnt.

The encoder, and all else but the head, is kept: what it sees in images holds for other labels too. A new head wants a
higher rate than what has learnt already, and to learn alone at first, so that its noise does not spoil the rest
(Kumar et al. 2022, Fine-Tuning can Distort Pretrained Features, arXiv 2202.10054).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from src_models.errors import UserError
from src_models.finetuning.kinds.guess import Guess
from src_models.finetuning.kinds.label_kind import LabelKind
from src_models.finetuning.parts import parameters_of
from src_models.models.checkpoint import Model
from src_models.models.header import InstanceSettings, ModelHeader
from src_models.nets.network import Network

__all__ = ["Beginning", "begin_with", "learning_groups", "learnt_header", "rate_of"]

HEAD_RATE = 3.0  # times the rate of the rest
ALONE = 0.1  # share of the learning in which a new head learns alone
DIAMETER = 20.0  # px, where there are no objects to measure


@dataclass(frozen=True, slots=True, eq=False)
class Beginning:
    """What a round of learning begins with.

    Parameters
    ----------
    model
        The model; its header says what it will find.
    new_head
        Names of the parameters that were made anew; empty where the model already finds what it is to learn.
    """

    model: Model
    new_head: frozenset[str] = frozenset()

    def notes(self) -> Mapping[str, Any]:
        """Return what the header of a model that was learnt so says of it."""
        return {"new_head": True} if self.new_head else {}


def begin_with(model: Model, guess: Guess, seed: int) -> Beginning:
    """Return what a model begins with that is to learn a kind of labels.

    Parameters
    ----------
    model
        The model; it stays as it is.
    guess
        What it is to learn.
    seed
        Seed of a new head.

    Raises
    ------
    UserError
        If it cannot have another head.
    """
    known, wanted = LabelKind.of(model.header), guess.kind
    if wanted == known:
        same = guess.zoom == model.header.image_zoom
        return Beginning(model if same else replace(model, header=replace(model.header, image_zoom=guess.zoom)))
    unnamed = known.meaning == "classes" and known.names == LabelKind.classes(len(known.names)).names
    if wanted.meaning == "classes" and unnamed and len(wanted.names) == len(known.names):
        return Beginning(replace(model, header=replace(model.header, classes=wanted.outputs, largest_pieces={})))
    network = copy.deepcopy(model.network)
    made = {id(parameter) for parameter in _new_head(network, len(wanted.outputs), seed, model.header.name)}
    names = frozenset(name for name, parameter in network.named_parameters() if id(parameter) in made)
    header = _header(model.header, wanted, guess.diameter)
    return Beginning(replace(model, network=network.eval(), header=header), names)


def _new_head(network: nn.Module, outputs: int, seed: int, name: str) -> list[nn.Parameter]:
    device = next(network.parameters()).device
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            made = network.new_head(outputs) if isinstance(network, Network) else []
    except NotImplementedError:
        made = []
    if not made:
        raise UserError(
            f"the network of {name!r} cannot get another last layer, and so learns what it finds now alone: choose "
            "another model"
        )
    network.to(device)
    return made


def _header(header: ModelHeader, kind: LabelKind, diameter: float | None) -> ModelHeader:
    """Return the header of a model that learns another kind: what it finds follows, how it reads images stays."""
    sizes: dict[str, Any] = {"object_diameter": None, "diameter_range": None}
    if kind.meaning == "objects":
        size = (diameter or DIAMETER) * header.image_zoom
        sizes = {"object_diameter": round(size, 1), "diameter_range": (round(size / 2, 1), round(2 * size, 1))}
    what = "Objects" if kind.meaning == "objects" else kind.words
    return replace(
        header,
        purpose=f"{what}, learnt from corrections by {header.name}",
        config={**header.config, "classes": len(kind.outputs)},
        classes=kind.outputs,
        result="instances" if kind.meaning == "objects" else "semantic",
        instances=InstanceSettings(),
        estimates_diameter=False,
        largest_pieces={name: count for name, count in header.largest_pieces.items() if name in kind.outputs[1:]},
        **sizes,
    )


def learning_groups(network: nn.Module, part: str, new_head: frozenset[str]) -> list[dict[str, Any]]:
    """Let a part of a network learn, and nothing else; return it in groups for an optimizer, a new head for itself.

    Parameters
    ----------
    network
        The network.
    part
        Name of the part; a new head learns with any.
    new_head
        Names of its parameters.

    Raises
    ------
    UserError
        If the network has no such part.
    """
    head = [parameter for name, parameter in network.named_parameters() if name in new_head]
    own = {id(parameter) for parameter in head}
    rest = [parameter for parameter in parameters_of(network, part) if id(parameter) not in own]
    network.requires_grad_(False)
    for parameter in (*head, *rest):
        parameter.requires_grad_(True)
    if not head:
        return [{"params": rest}]
    return [{"params": head, "times": HEAD_RATE}, *([{"params": rest, "waits": ALONE}] if rest else [])]


def rate_of(group: Mapping[str, Any], rate: float, done: float) -> float:
    """Return the learning rate of a group of :func:`learning_groups`.

    Parameters
    ----------
    group
        The group.
    rate
        What it would be without a new head.
    done
        Share of the learning that is over.
    """
    waits = float(group.get("waits", 0.0))
    return 0.0 if done < waits else rate * float(group.get("times", 1.0))


def learnt_header(parent: Model, training: Mapping[str, Any], diameter: float | None) -> ModelHeader:
    """Return the header of a model that has learnt.

    Parameters
    ----------
    parent
        What it began with.
    training
        How it was trained.
    diameter
        Median diameter (px) of the objects that were corrected.
    """
    header = parent.header
    return replace(
        header,
        training=training,
        parent_sha256=parent.sha256,
        object_diameter=header.object_diameter and (diameter or header.object_diameter),
        diameter_range=_widened(header.diameter_range, diameter),
        estimates_diameter=False,
    )


def _widened(known: tuple[float, float] | None, diameter: float | None) -> tuple[float, float] | None:
    """Return the sizes of objects that are handled without rescaling, now that others were learnt as they are."""
    if known is None or diameter is None:
        return known
    return min(known[0], diameter / 2), max(known[1], 2 * diameter)
