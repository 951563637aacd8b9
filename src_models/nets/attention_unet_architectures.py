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
    TrainOption("encoder", "unet", "Encoder: unet, or efficientnet-lite0, which can begin with ImageNet weights."),
    TrainOption(
        "widths",
        "16,32,64,128,192",
        "Channels of each level of a U-Net; EfficientNet heeds the first and their number.",
    ),
    TrainOption("gate", "grid", "Attention gates: grid (the paper's) or skip."),
    TrainOption("subgates", 1, "Attention maps per gate."),
    TrainOption("norm", "batch", "Normalisation layers: batch, instance or group."),
    TrainOption("deep_supervision", True, "Predict from every level."),
)
# Beside EfficientNet-Lite0 and 16 channels at full resolution; narrower ones would save little time.
_DECODER = (16, 32, 48, 80, 112)


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
        levels = len(config.get("widths") or (32, 64, 128, 256, 512)) - 1
        first = {"grid": 2, "skip": 1, "none": levels + 1}[form]
        return [f"gate {level}" for level in range(first, levels + 1)]

    def configure(self, chosen: Mapping[str, Any], patch: int) -> dict[str, Any]:
        try:
            widths = [int(part) for part in chosen["widths"].split(",")]
        except ValueError:
            raise ValueError(
                f"--widths {chosen['widths']!r} must be whole numbers separated by commas, such as 16,32,64"
            ) from None
        others = ("encoder",) if self.gated else ("encoder", "gate", "subgates")
        heeded = {name: value for name, value in chosen.items() if name not in others}
        # In the time that the paper's decoder takes, this one sees a quarter more patches.
        cheap = {"widths": widths, "upsampling": "transposed", "decoder_convolutions": 1}
        return {**heeded, **cheap, **_of_encoder(chosen["encoder"], widths, heeded.get("gate"))}


def _of_encoder(name: str, widths: list[int], gate: str | None) -> dict[str, Any]:
    """Return what another encoder than the U-Net's own adds to the configuration, or has otherwise."""
    if name == "unet":
        return {}
    if name != "efficientnet-lite0":
        raise ValueError(f"--encoder {name!r} is not one of unet, efficientnet-lite0")
    from src_models.nets.efficientnet_lite import lite0_widths

    if not 2 <= len(widths) <= len(_DECODER) + 1:
        raise ValueError(
            f"--widths: with the encoder {name}, 2 to {len(_DECODER) + 1} levels are possible, not {len(widths)}"
        )
    deeper = len(widths) - 1
    config = {"encoder": name, "widths": [widths[0], *lite0_widths(deeper)]}
    # Skip gates add up features of encoder and decoder, which are equally many then.
    return config if gate == "skip" else {**config, "decoder_widths": [widths[0], *_DECODER[1:deeper]]}


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
