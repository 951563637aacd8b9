"""The records of Med-Former and of Swin Transformer, which is it without its two ideas; see :mod:`.network`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src_models.nets.architecture import ATTENTION, HEAD, Architecture, Config, LearnablePart, Task, TrainOption
from src_models.nets.med_former.sizes import Size

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ARCHITECTURES", "SIZE"]

EMBEDDINGS = ("patches", "efficientnet-lite0")
# What sizes have where EfficientNet-Lite0 embeds: its four levels tell more of a cell, and cost too much of small ones.
_EMBEDDED: dict[str, dict[str, Any]] = {"small": {"patch": 8, "width": 48}, "paper": {"patch": 16}}
#: Vision Transformer has it as well.
SIZE = TrainOption("size", "small", "How large: small, for a processor and for images of some 70 px, or paper.")
_OPTIONS = (
    SIZE,
    TrainOption("stages", 3, "Stages after the first; each halves the grid."),
    TrainOption(
        "embedding",
        "patches",
        "How pixels become tokens: patches, or efficientnet-lite0, which can begin with weights.",
    ),
    TrainOption("windows", "", "Cells per side of the large and the small windows, such as 6,3."),
)
_ABLATIONS = (
    TrainOption("local", True, "Look around in small windows as well as in large ones."),
    TrainOption("fusion", "saf", "How a stage is fused with the one before: saf (the paper's), concat or none."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _WindowNetwork(Architecture):
    """A network of attention in windows."""

    family: str = "window transformers such as med-former"
    task: Task = "classification"
    parts: tuple[LearnablePart, ...] = (HEAD, ATTENTION)
    local: bool
    fusion: str

    def make(self, **config: Any) -> nn.Module:
        from src_models.nets.med_former.network import MedFormer

        return MedFormer(**{"local": self.local, "fusion": self.fusion, **config})

    def maps(self, config: Config) -> list[str]:
        """Return what each cell receives of attention, and how much is taken of both stages that are fused."""
        windows = ("large window", "small window") if config.get("local", self.local) else ("window",)
        names: list[str] = []
        for stage, blocks in enumerate(Size.in_config(config).depths, start=1):
            names += [f"{window} {stage}.{block} received" for block in range(1, blocks + 1) for window in windows]
            if stage > 1 and config.get("fusion", self.fusion) == "saf":
                names += [f"fusion {stage} {which}" for which in ("earlier", "later")]
        return names

    def heads(self, config: Config) -> dict[str, int]:
        size, ending = Size.in_config(config), " received"
        layers = [name.removesuffix(ending) for name in self.maps(config) if name.endswith(ending)]
        stages = {layer: int(layer.split()[-1].split(".")[0]) for layer in layers}
        return {layer: size.width * 2 ** (stage - 1) // size.head_channels for layer, stage in stages.items()}

    def usual_maps(self, config: Config) -> list[str]:
        """Return the maps of fusion; without these, what is received in the first stage's last block."""
        names = self.maps(config)
        blocks = Size.in_config(config).depths[0]
        fusion = [name for name in names if name.startswith("fusion")]
        return fusion or [name for name in names if f" 1.{blocks} " in name]

    def configure(self, chosen: Mapping[str, Any], patch: int) -> dict[str, Any]:
        config = dict(chosen)
        windows, embedding = config.pop("windows"), config.pop("embedding")
        if embedding not in EMBEDDINGS:
            raise ValueError(f"--embedding {embedding!r} is not one of {', '.join(EMBEDDINGS)}")
        if embedding != "patches":
            config |= {"embedding": embedding, **_EMBEDDED.get(config["size"], {})}
        if windows:
            try:
                config["windows"] = [int(part) for part in windows.split(",")]
            except ValueError:
                raise ValueError(f"--windows {windows!r} must be two whole numbers such as 6,3") from None
        Size.in_config(config)
        return config

    def recipe(self, images: int) -> dict[str, Any]:
        """Return a rate at which transformers learn from random weights; at three times as much they did not."""
        return {"learning_rate": 1e-3, "weight_decay": 0.05}


ARCHITECTURES: tuple[Architecture, ...] = (
    _WindowNetwork(
        name="med-former",
        line="Med-Former (Chowdary & Yin 2024): says what an image shows; windows of two sizes, stages that are fused",
        paper="Chowdary & Yin 2024, Med-Former: A Transformer Based Architecture for Medical Image Classification, "
        "LNCS 15011, pages 448-457",
        options=(*_OPTIONS, *_ABLATIONS),
        local=True,
        fusion="saf",
    ),
    _WindowNetwork(
        name="swin",
        line="Swin Transformer: Med-Former with windows of one size and without fusion, for comparison",
        paper="Liu et al. 2021, Swin Transformer: Hierarchical Vision Transformer using Shifted Windows, "
        "arXiv 2103.14030",
        options=_OPTIONS,
        local=False,
        fusion="none",
    ),
)
