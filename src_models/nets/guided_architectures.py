"""The record of multi-scale self-guided attention, and what its maps are called; see :mod:`.guided`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src_models.nets.architecture import DECODER, Architecture, Config, LearnablePart, TrainOption

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "ARCHITECTURES",
    "ATTENTION",
    "CELL",
    "CHANNEL_ATTENTION",
    "COMPATIBLE",
    "LOOKS",
    "SCALES",
    "SEMANTICS",
    "block_name",
    "prediction_name",
]

SCALES = (1, 2, 3, 4)  # 1 is made from the finest features
CELL = 4  # px per cell of every map: all scales are compared on the finest one's grid
LEAST_TILE = 96  # px: tiles begin at multiples of 32 px and overlap by at least that
ATTENTION = ("both", "position", "channel")
CHANNEL_ATTENTION = ("formula", "inverted")
SEMANTICS = ("shared", "own")
#: The authors' code, as far as a person can choose.
COMPATIBLE = {
    "backbone": "resnext101",
    "width": 64,
    "attention": "both",
    "refinements": 2,
    "guidance": True,
    "channel_attention": "inverted",
    "semantics": "shared",
}
LOOKS = LearnablePart(
    "gates",
    "Only where it looks",
    "The network learns only where to look in an image: little can be forgotten, and little learnt.",
    "The attention modules",
)


def block_name(scale: int, step: int) -> str:
    """Return the name of one step of attention at one scale, both counted from 1."""
    return f"scale {scale} step {step}"


def prediction_name(scale: int) -> str:
    """Return the name of the map of what a scale by itself finds."""
    return f"scale {scale} prediction"


@dataclass(frozen=True, slots=True, kw_only=True)
class _GuidedAttention(Architecture):
    """Multi-scale self-guided attention."""

    def make(self, **config: Any) -> nn.Module:
        from src_models.nets.guided.network import GuidedAttentionNetwork

        return GuidedAttentionNetwork(**config)

    def maps(self, config: Config) -> list[str]:
        """Return, for every scale, what its steps attend to and what it finds."""
        steps = self._steps(config)
        whats = [*(["received"] if self._looks(config) else []), "attended", "guided"]
        return [
            name
            for scale in SCALES
            for name in [*(f"{block_name(scale, k)} {what}" for k in steps for what in whats), prediction_name(scale)]
        ]

    def usual_maps(self, config: Config) -> list[str]:
        """Return, of the finest scale, what the last step looks at and its attention as each step leaves it.

        Beside them, what the finest and the coarsest scale find.
        """
        steps = self._steps(config)
        telling = {f"{block_name(1, k)} guided" for k in steps} | {prediction_name(1), prediction_name(4)}
        telling |= {f"{block_name(1, k)} received" for k in steps[-1:]}
        return [name for name in self.maps(config) if name in telling]

    def blocks(self, config: Config) -> list[str]:
        """Return the steps of position attention, the finest scale first."""
        if not self._looks(config):
            return []
        return [block_name(scale, step) for scale in SCALES for step in self._steps(config)]

    def matrices(self, config: Config) -> list[str]:
        if config.get("attention", "both") == "position":
            return []
        return [f"{block_name(scale, step)} channels" for scale in SCALES for step in self._steps(config)]

    def window(self, config: Config) -> int | None:
        """Return the size of the images that it was taught, or of the least tiles that can overlap if it is larger."""
        size = config.get("image_size")
        return None if size is None else max(int(size), LEAST_TILE)

    def configure(self, chosen: Mapping[str, Any], patch: int) -> dict[str, Any]:
        return {"image_size": patch, **chosen}

    def recipe(self, images: int) -> dict[str, Any]:
        """Return the authors' optimiser; their 500 epochs of 256 px would take days on a laptop."""
        return {"optimizer": "adam", "learning_rate": 1e-3, "weight_decay": 0.0}

    def _steps(self, config: Config) -> range:
        return range(1, int(config.get("refinements", 2)) + 1)

    def _looks(self, config: Config) -> bool:
        return bool(config.get("attention", "both") != "channel" and self._steps(config))


ARCHITECTURES: tuple[Architecture, ...] = (
    _GuidedAttention(
        name="guided-attention",
        line="multi-scale self-guided attention (Sinha & Dolz 2020): every place and channel compared with all others",
        paper="Sinha & Dolz 2020, Multi-scale self-guided attention for medical image segmentation, "
        "IEEE J. Biomed. Health Inform., arXiv 1906.02849",
        family="guided-attention",
        parts=(DECODER, LOOKS),
        options=(
            TrainOption(
                "backbone",
                "resnet18",
                "Encoder: resnet18, resnet34, resnet50, resnet101, resnext50 or resnext101 (the authors').",
            ),
            TrainOption("width", 32, "Channels of each scale; the authors have 64, which takes four times as long."),
            TrainOption("attention", "both", "What is compared: position, channel or both."),
            TrainOption("refinements", 2, "Steps of attention, 0 to 3; 0 only joins the scales."),
            TrainOption("guidance", True, "Weigh attention by what the image means there."),
            TrainOption(
                "channel_attention",
                "formula",
                "formula (the paper's) or inverted (the authors' code): what a channel takes from.",
            ),
            TrainOption("semantics", "shared", "Modules that guide: shared by all scales, or own ones."),
        ),
    ),
)
