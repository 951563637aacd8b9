"""What a network tells of itself, so that who trains, runs or explains it need not know which one it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol, runtime_checkable

from torch import Tensor, nn

from src_models.nets.architecture import LearnablePart

__all__ = ["Foldable", "Network", "Supervised", "SupervisedNetwork", "stride_of"]


class Network(nn.Module):
    """A network that takes images (N, C, [D,] H, W) of any size to logits (N, classes, [D,] H, W).

    Attention that can be recorded goes through an :class:`~src_models.nets.tap.AttentionTap`. What can be folded into
    something faster once a network only predicts is a module with ``conv`` and ``norm``, or one that is
    :class:`Foldable`.

    Attributes
    ----------
    stride
        Where tiles begin is a multiple of this (px), so that cells of all levels lie in the same places in each.
    fields
        How many of the outputs, the last ones, are no classes, such as flows. A network is made without knowing; a
        :class:`~src_models.models.checkpoint.Model` tells it what its header says.
    """

    stride: int = 1
    fields: int = 0

    def learnable(self) -> Mapping[LearnablePart, list[nn.Parameter]]:
        """Return the parameters of each part that can learn by itself, without parts that it does not have."""
        return {}

    def deepest(self) -> nn.Module:
        """Return the module whose result (N, C, *S) says what an image looks like: the last one of the encoder."""
        raise NotImplementedError

    def new_head(self, classes: int) -> list[nn.Parameter]:
        """Put an untrained head for so many classes in the place of the present one, and return its parameters.

        The head is what turns the last features into logits; all else stays as it is.
        """
        raise NotImplementedError

    def finest_head(self) -> nn.Module:
        """Return the module that turns the finest features into logits.

        What goes into it, (N, C, *S), lies on the image's grid or on a coarser one.
        """
        raise NotImplementedError

    def late(self) -> list[nn.Parameter]:
        """Return the parameters that a training may hold still at first."""
        return []


class Supervised(NamedTuple):
    """What a network is supervised by, where that is more than its logits.

    Parameters
    ----------
    predictions
        Logits (N, classes, *S), each of which is compared with the targets; the losses add up. The network's own
        logits need not be among them.
    penalty
        A number that is added, whatever the targets are.
    """

    predictions: tuple[Tensor, ...]
    penalty: Tensor


class SupervisedNetwork(Network):
    """A network that learns from more than its logits.

    While it is trained it is called with ``supervised=True`` and returns a :class:`Supervised`, in train and in eval
    mode alike. It is an argument of the call, so that what wraps a network for several devices or another precision
    hands it on.
    """

    def forward(self, image: Tensor, *, supervised: bool = False) -> Tensor | Supervised:
        """Return logits (N, classes, *S), or what they are supervised by."""
        raise NotImplementedError


@runtime_checkable
class Foldable(Protocol):
    """A module that can put norms, and what else stays the same once it only predicts, into fewer weights."""

    folded: bool

    def fold(self) -> None:
        """Fold, in place; convolutions with a norm have been folded before."""


def stride_of(network: nn.Module) -> int:
    """Return what the beginnings of tiles are multiples of (px): any module may have a stride; without one, 1."""
    return int(getattr(network, "stride", 1))
