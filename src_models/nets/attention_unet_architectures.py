"""The records of Attention U-Net and of the same network without its gates; see :mod:`.attention_unet`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from src_models.nets.architecture import DECODER, GATES, Architecture, Config, TrainOption

if TYPE_CHECKING:
    from torch import nn

__all__ = ["ARCHITECTURES"]

_OPTIONS = (
    TrainOption("widths", "16,32,64,128,192", "Channels of each level of a U-Net."),
    TrainOption("gate", "grid", "Attention gates: grid (the paper's) or skip."),
    TrainOption("subgates", 1, "Attention maps per gate."),
    TrainOption("norm", "batch", "Normalisation layers: batch, instance or group."),
    TrainOption("deep_supervision", True, "Predict from every level."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _UNet(Architecture):
    """A U-Net, whose gates may be left out."""

    family: str = "U-Nets"
    options: tuple[TrainOption, ...] = _OPTIONS
    gated: bool

    def make(self, **config: Any) -> nn.Module:
        from src_models.nets.attention_unet import AttentionUNet

        return AttentionUNet(**config if self.gated else {**config, "gate": "none"})

    def maps(self, config: Config) -> list[str]:
        form = config.get("gate", "grid") if self.gated else "none"
        levels = len(config.get("widths", (32, 64, 128, 256, 512))) - 1
        first = {"grid": 2, "skip": 1, "none": levels + 1}[form]
        return [f"gate {level}" for level in range(first, levels + 1)]

    def configure(self, chosen: Mapping[str, Any], patch: int) -> dict[str, Any]:
        try:
            widths = [int(part) for part in chosen["widths"].split(",")]
        except ValueError:
            raise ValueError(
                f"--widths {chosen['widths']!r} must be whole numbers separated by commas, such as 16,32,64"
            ) from None
        heeded = dict(chosen) if self.gated else {name: chosen[name] for name in ("norm", "deep_supervision")}
        # In the time that the paper's decoder takes, this one sees a quarter more patches.
        return {**heeded, "widths": widths, "upsampling": "transposed", "decoder_convolutions": 1}


ARCHITECTURES: tuple[Architecture, ...] = (
    _UNet(
        name="attention-unet",
        line="Attention U-Net (Oktay et al. 2018): U-Net whose skip connections pass attention gates",
        paper="Oktay et al. 2018, Attention U-Net: Learning Where to Look for the Pancreas, arXiv 1804.03999",
        parts=(DECODER, GATES),
        gated=True,
    ),
    _UNet(
        name="unet",
        line="plain U-Net: the same network without gates, for comparison",
        paper="Ronneberger et al. 2015, U-Net: Convolutional Networks for Biomedical Image Segmentation, "
        "arXiv 1505.04597",
        parts=(DECODER,),
        gated=False,
    ),
)
