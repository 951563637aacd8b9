"""The record of EfficientNet-Lite0 as a network that says what an image shows; see :mod:`.efficientnet_classifier`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src_models.nets.architecture import HEAD, Architecture, LearnablePart, Task

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ARCHITECTURES"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _EfficientNetClassifier(Architecture):
    """EfficientNet-Lite0 with a linear layer."""

    paper: str = (
        "Tan & Le 2019, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, arXiv 1905.11946"
    )
    family: str = "EfficientNet"
    task: Task = "classification"
    parts: tuple[LearnablePart, ...] = (HEAD,)

    def make(self, **config: Any) -> nn.Module:
        from src_models.nets.efficientnet_classifier import EfficientNetClassifier

        return EfficientNetClassifier(**config)

    def recipe(self, images: int) -> dict[str, Any]:
        """Return a rate that suits published weights as well as random ones."""
        return {"learning_rate": 1e-3, "weight_decay": 0.05}


ARCHITECTURES: tuple[Architecture, ...] = (
    _EfficientNetClassifier(
        name="efficientnet-lite0",
        line="EfficientNet-Lite0 (Tan & Le 2019): says what an image shows; can begin with ImageNet weights",
    ),
)
