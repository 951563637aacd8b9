"""A model that is to tell more classes than it does: what it knows of the others stays."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import torch

from src_models.errors import UserError
from src_models.models.checkpoint import Model
from src_models.nets.classifier import Classifier

__all__ = ["with_classes"]


def with_classes(model: Model, classes: Sequence[str], seed: int = 0) -> Model:
    """Return a model that tells some classes: its own, then new ones; or these alone, if it knows none of them.

    Parameters
    ----------
    model
        Of classes; it stays as it is.
    classes
        Those that are to be told.
    seed
        Of the new part of the last layer.

    Returns
    -------
    Model
        `model` itself where it tells them all.

    Raises
    ------
    UserError
        If its network cannot have another last layer.
    """
    header = model.header
    fresh = tuple(name for name in classes if name not in header.classes)
    if not fresh:
        return model
    if not isinstance(model.network, Classifier):
        raise UserError(f"the network of {header.name!r} cannot learn new classes ({', '.join(fresh)})")
    keeps = len(fresh) < len(tuple(classes))
    told = (*header.classes, *fresh) if keeps else tuple(classes)
    network = copy.deepcopy(model.network)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network.new_head(len(told))
    if keeps:
        _keep_rows(network, before, len(header.classes))
    config = {**header.config, "classes": len(told)}
    return replace(model, network=network.eval(), header=replace(header, classes=told, config=config))


def _keep_rows(network: Classifier, before: dict[str, torch.Tensor], count: int) -> None:
    """Give the last layer, in place, the rows that it had for the classes that were known."""
    with torch.no_grad():
        for name, value in network.state_dict().items():
            old = before.get(name)
            if old is not None and old.shape != value.shape and old.shape[0] == count:
                value[:count] = old
