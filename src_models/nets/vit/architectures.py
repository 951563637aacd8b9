"""The record of Vision Transformer; see :mod:`.network`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src_models.nets.architecture import ATTENTION, HEAD, Architecture, Config, LearnablePart, Task, TrainOption
from src_models.nets.med_former.architectures import SIZE
from src_models.nets.vit.sizes import SIZES

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ARCHITECTURES"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _VisionTransformer(Architecture):
    """A network in which every token attends to all others."""

    paper: str = (
        "Dosovitskiy et al. 2021, An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale, "
        "arXiv 2010.11929"
    )
    family: str = "vision transformers"
    task: Task = "classification"
    options: tuple[TrainOption, ...] = (SIZE,)
    parts: tuple[LearnablePart, ...] = (HEAD, ATTENTION)

    def make(self, **config: Any) -> nn.Module:
        from src_models.nets.vit.network import VisionTransformer

        return VisionTransformer(**config)

    def maps(self, config: Config) -> list[str]:
        """Return what each patch receives of attention in each layer."""
        depth = config.get("depth") or SIZES[config.get("size", "small")].depth
        return [f"layer {number} received" for number in range(1, depth + 1)]

    def heads(self, config: Config) -> dict[str, int]:
        heads = int(config.get("heads") or SIZES[config.get("size", "small")].heads)
        return {name.removesuffix(" received"): heads for name in self.maps(config)}

    def usual_maps(self, config: Config) -> list[str]:
        """Return what is received in the last layer."""
        return self.maps(config)[-1:]

    def window(self, config: Config) -> int | None:
        size = config.get("image_size")
        return None if size is None else int(size)

    def configure(self, chosen: Mapping[str, Any], patch: int) -> dict[str, Any]:
        if chosen["size"] not in SIZES:
            raise ValueError(f"--size {chosen['size']!r} is not one of {', '.join(SIZES)}")
        return {"image_size": patch, **chosen}

    def recipe(self, images: int) -> dict[str, Any]:
        """Return a rate at which transformers learn from random weights; at three times as much they did not."""
        return {"learning_rate": 1e-3, "weight_decay": 0.05}


ARCHITECTURES: tuple[Architecture, ...] = (
    _VisionTransformer(
        name="vit",
        line="Vision Transformer (Dosovitskiy et al. 2021): says what an image shows; all places see all others",
    ),
)
