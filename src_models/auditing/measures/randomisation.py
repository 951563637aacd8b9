"""Whether a map depends on what the network learned.

Adebayo et al. 2018 (arXiv 1810.03292), section 3.1: layers are re-initialised one after the other, from the output to
the input. A map that stays as it is shows the image, not what was learned. Layers that come after a map cannot change
it, so its correlation is exactly 1 until the first that comes before it. Only the size of the correlation counts, with
whatever sign: an inverted map shows the image as well as the map does, and over many images signs would cancel.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src_models.auditing.figures import Randomisation
from src_models.auditing.measures.correlation import chance_correlation, rank_correlation
from src_models.auditing.recorded import record_maps
from src_models.nets.tap import AttentionTap

__all__ = ["Layer", "layers_from_output", "randomise", "randomise_layers"]

#: Maps (N, h, w) of N pictures, by name.
MapsOf = Callable[[nn.Module], Mapping[str, NDArray[np.float32]]]

MADE = ""  # stands among the names of modules that ran for a map that was made


class Layer(NamedTuple):
    """A layer, its modules with weights, and whether it runs before a map is made, which alone can change the map."""

    name: str
    modules: list[str]
    matters: bool


def layers_from_output(network: nn.Module, picture: Tensor, names: Sequence[str]) -> list[Layer]:
    """Return a network's layers, those that run last first.

    Modules under the same number belong to one layer: ``encoder.0.1.conv`` and ``encoder.0.1.norm`` to
    ``encoder.0.1``.

    Parameters
    ----------
    network
        In eval mode.
    picture
        An input (1, C, H, W), which is run once.
    names
        Names of the maps that are looked at.
    """
    ran: list[str] = []
    handles = [
        module.register_forward_pre_hook(lambda *_, name=name: ran.append(name))
        for name, module in network.named_modules()
        if _weights(module)
    ]
    handles += [
        module.register_forward_hook(lambda *_: ran.append(MADE))
        for module in network.modules()
        if isinstance(module, AttentionTap) and module.name in names
    ]
    try:
        with torch.inference_mode():
            network(picture)
    finally:
        for handle in handles:
            handle.remove()
    last = len(ran) - 1 - ran[::-1].index(MADE) if MADE in ran else 0
    layers: dict[str, list[str]] = {}
    for name in reversed([name for name in dict.fromkeys(ran) if name != MADE]):
        layers.setdefault(_layer(name), []).append(name)
    return [Layer(name, kept, any(ran.index(one) < last for one in kept)) for name, kept in layers.items()]


def randomise(
    network: nn.Module, untrained: nn.Module, picture: Tensor, names: Sequence[str]
) -> Generator[str, None, dict[str, Randomisation]]:
    """Re-initialise a copy of a network layer by layer and compare its maps with those it gave at first.

    Parameters
    ----------
    network
        In eval mode; it stays as it is.
    untrained
        The same network before training, from which the layers are taken.
    picture
        The input (1, C, H, W).
    names
        Names of the maps.

    Yields
    ------
    str
        What is being done, after each layer.

    Returns
    -------
    dict
        By map.
    """
    layers = layers_from_output(network, picture, names)

    def look(changed: nn.Module) -> dict[str, NDArray[np.float32]]:
        return {name: map_.values[None] for name, map_ in record_maps(changed, picture, names).items()}

    found = yield from randomise_layers(network, untrained, layers, look)
    return {name: of_pictures[0] for name, of_pictures in found.items()}


def randomise_layers(
    network: nn.Module, untrained: nn.Module, layers: Sequence[Layer], look: MapsOf
) -> Generator[str, None, dict[str, list[Randomisation]]]:
    """Re-initialise a copy of a network layer by layer and compare maps of several pictures with those at first.

    Parameters
    ----------
    network, untrained
        As in :func:`randomise`.
    layers
        In the order in which they are re-initialised.
    look
        Gives the maps of the pictures by a network.

    Yields
    ------
    str
        What is being done, after each layer.

    Returns
    -------
    dict
        By map, for each picture.
    """
    before = look(network)
    changed = copy.deepcopy(network)
    found: dict[str, list[list[float | None]]] = {name: [[] for _ in maps] for name, maps in before.items()}
    now = before
    for layer in layers:
        for module in layer.modules:
            _replace(changed.get_submodule(module), untrained.get_submodule(module))
        now = look(changed) if layer.matters else now
        for name, maps in now.items():
            for kept, first, one in zip(found[name], before[name], maps, strict=True):
                correlation = rank_correlation(first, one)
                kept.append(None if correlation is None else abs(correlation))
        yield f"re-initialising {layer.name}"
    names = tuple(layer.name for layer in layers)
    chances = {name: chance_correlation(maps[0].size) for name, maps in before.items()}
    return {name: [Randomisation(names, tuple(each), chances[name]) for each in of] for name, of in found.items()}


def _weights(module: nn.Module) -> list[tuple[str, Tensor]]:
    own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    return [(name, tensor) for name, tensor in own if tensor.is_floating_point()]


def _layer(module: str) -> str:
    """Return the part of a module's name up to its last number; the whole where there is none."""
    parts = module.split(".")
    numbers = [place for place, part in enumerate(parts) if part.isdigit()]
    return ".".join(parts[: numbers[-1] + 1]) if numbers else module


def _replace(module: nn.Module, untrained: nn.Module) -> None:
    fresh = dict(_weights(untrained))
    with torch.no_grad():
        for name, tensor in _weights(module):
            tensor.copy_(fresh[name])
