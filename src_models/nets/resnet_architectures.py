"""The record of ResNet-18 as a network that says what a whole image shows; see :mod:`.resnet_classifier`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src_models.nets.architecture import HEAD, Architecture, LearnablePart, Task

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ARCHITECTURES"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ResNetClassifier(Architecture):
    """A residual network with a linear layer."""

    paper: str = "He et al. 2015, Deep Residual Learning for Image Recognition, arXiv 1512.03385"
    family: str = "residual networks"
    task: Task = "classification"
    parts: tuple[LearnablePart, ...] = (HEAD,)

    def make(self, **config: Any) -> nn.Module:
        from src_models.nets.resnet_classifier import ResNetClassifier

        return ResNetClassifier(self.name, **config)

    def recipe(self, images: int) -> dict[str, Any]:
        """Return a rate that suits batches of 32 pictures of some hundred px from random weights."""
        return {"learning_rate": 2e-3, "weight_decay": 0.05}


ARCHITECTURES: tuple[Architecture, ...] = (
    _ResNetClassifier(
        name="resnet18",
        line="ResNet-18 (He et al. 2015): convolutions alone say what a whole image shows, for comparison",
    ),
)
