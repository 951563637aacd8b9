"""A network as one graph of plain steps: what is the same for ONNX and TorchScript.

Kernels of our own are left out (attention is computed by its plain form while a network is traced), batch norms are
folded, and nothing is recorded. Networks of pixels take images of any size whose sides are multiples of their stride;
those that are made for one size (:meth:`~src_models.nets.architecture.Architecture.window`), and those that say what a
whole image shows, are written for that size.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from src_models.computing.execution import Execution, prepare
from src_models.errors import ModelFileError
from src_models.models.architectures import find_architecture
from src_models.models.checkpoint import Model
from src_models.models.packages.architecture import ONNX_GRAPH
from src_models.nets.network import stride_of

__all__ = ["Graph", "example", "graph_of"]

_SMALL = 128  # px of the sides of an example, as far as the stride allows
_SMALL_DEEP = 32  # the same in 3D


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """A network ready to be written.

    Parameters
    ----------
    network
        In eval mode on the CPU, with nothing left to fold.
    size
        Sides (px) of the images it is written with.
    step
        Sides may be any multiple of this; None where `size` is the only one.
    channels
        How many it takes: those of the image, then those of prompts.
    """

    network: nn.Module
    size: tuple[int, ...]
    step: int | None
    channels: int

    @property
    def other_size(self) -> tuple[int, ...]:
        """Another size that it takes, with unequal sides; the same one where there is no other."""
        if self.step is None:
            return self.size
        return tuple(side + self.step * (1 + place) for place, side in enumerate(self.size))


def graph_of(model: Model, size: int | None = None) -> Graph:
    """Prepare a model's network.

    Parameters
    ----------
    model
        The model; it stays as it is.
    size
        Sides (px) of the images, for networks that are written for one size; that of the model's tiles unless given.

    Raises
    ------
    ModelFileError
        If the model came as a graph itself.
    """
    header = model.header
    record = find_architecture(header.architecture)
    if record is ONNX_GRAPH:
        raise ModelFileError(
            f"the model {header.name!r} came as an ONNX graph from another program; hand on what it came in"
        )
    network = prepare(model.network, Execution(torch.device("cpu"), torch.float32, 1))
    network = network.to(memory_format=torch.contiguous_format).requires_grad_(False)  # type: ignore[call-overload]
    channels = len(header.channels) + len(header.prompts)
    if header.result == "class" or record.window(header.config) is not None:
        return Graph(network, header.tile if size is None else (size,) * header.dimensions, None, channels)
    step = stride_of(network)
    small = _SMALL if header.dimensions == 2 else _SMALL_DEEP
    side = max(small // step, 2) * step if size is None else -(-size // step) * step
    return Graph(network, (side,) * header.dimensions, step, channels)


def example(graph: Graph, size: tuple[int, ...] | None = None, seed: int = 0) -> Tensor:
    """Return an image (1, C, *S) of smooth noise from 0 to 1, as normalised images mostly are."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.rand((1, graph.channels, *(size or graph.size)), generator=generator)
    pool = {1: nn.functional.avg_pool1d, 2: nn.functional.avg_pool2d, 3: nn.functional.avg_pool3d}[len(noise.shape) - 2]
    smooth = pool(noise, 5, stride=1, padding=2)
    low, high = smooth.min(), smooth.max()
    return (smooth - low) / (high - low)
