"""The record of the fully convolutional network; see :mod:`.fcn`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src_models.nets.architecture import DECODER, Architecture, LearnablePart, TrainOption

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ARCHITECTURES"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _FCN(Architecture):
    """A fully convolutional network: it has no attention that could be seen."""

    family: str = "fully convolutional networks"
    options: tuple[TrainOption, ...] = (
        TrainOption("skips", 2, "Finer levels that add their scores: 2 (FCN-8s), 1 (FCN-16s) or 0 (FCN-32s)."),
    )
    parts: tuple[LearnablePart, ...] = (DECODER,)

    def make(self, **config: Any) -> nn.Module:
        from src_models.nets.fcn import FCN

        return FCN(**config)

    def configure(self, chosen: Mapping[str, Any], patch: int) -> dict[str, Any]:
        if not 0 <= chosen["skips"] <= 2:
            raise ValueError(f"--skips {chosen['skips']} must be 0, 1 or 2")
        return dict(chosen)


ARCHITECTURES: tuple[Architecture, ...] = (
    _FCN(
        name="fcn",
        line="fully convolutional network (Long et al. 2015), FCN-8s on a small encoder: the baseline of papers",
        paper="Long et al. 2015, Fully Convolutional Networks for Semantic Segmentation, arXiv 1411.4038",
    ),
)
