"""Med-Former (Chowdary & Yin, MICCAI 2024, LNCS 15011, pages 448-457): a network that says what an image shows.

Patches of the image become tokens (patch embedding). An encoding phase of Local-Global Transformer blocks
(:mod:`.lgt`) follows, then stages that each merge 2 x 2 tokens into one of twice as many channels, apply such blocks,
and are fused with the stage before by Spatial Attention Fusion (:mod:`.fusion`). The mean of the last features goes
into a linear layer.

There is no code of its authors, and its text leaves much open; this is how it was decided, and what can be chosen:

* K = 3 stages follow the encoding phase, so that 224 px and patches of 4 px give grids of 56, 28, 14 and 7 (`stages`).
* The windows are m = 7 and n = 4 in the paper's size (`windows`); what they find is added (`combine`).
* Fusion takes the result of the stage before, itself fused, and comes after the blocks of a stage (`fusion`).
* Patches are embedded linearly; or by the first levels of EfficientNet-Lite0, which can begin with weights learnt from
  photographs, where there are few pictures to learn from (`embedding`).
* Two blocks a stage, the second with shifted windows; d = 96 and heads of 32 channels as in Swin-T (`depths`, `width`,
  `head_channels`).
* Layers, norms, stochastic depth, initial weights and merging are Swin Transformer's; images of any size are taken,
  with the last row and column repeated where patches or merging do not divide, and windows that reach beyond the grid
  masked.

Six configurations are the rows of the paper's ablation: blocks with or without the small windows (`local`), stages
without fusion, with concatenation, or with spatial attention (`fusion`). Without either it is Swin Transformer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn

from src_models.nets.architecture import ATTENTION, HEAD, LearnablePart
from src_models.nets.classifier import Classifier
from src_models.nets.med_former.fusion import FusionName, StageFusion
from src_models.nets.med_former.lgt import Combine, LocalGlobalBlock, PatchMerging
from src_models.nets.med_former.sizes import Size
from src_models.nets.vit.embedding import EmbeddingName, embedding_of
from src_models.nets.vit.layers import FinalNorm, initialise, rising_rates

__all__ = ["MedFormer", "Stage"]


class Stage(nn.Module):
    """Blocks on one grid, after merging and before fusion where the stage has them.

    Parameters
    ----------
    number
        Counted from 1, the encoding phase.
    size
        Of the network.
    drop_paths
        Rate of stochastic depth of each block.
    local, combine, mlp_ratio, fusion
        As in :class:`MedFormer`.
    """

    def __init__(
        self,
        number: int,
        size: Size,
        drop_paths: Sequence[float],
        *,
        local: bool,
        combine: Combine,
        mlp_ratio: float,
        fusion: FusionName,
    ) -> None:
        super().__init__()
        channels = size.width * 2 ** (number - 1)
        large, small = size.windows
        place: dict[str, Any] = {"level": number, "stride": size.stride(number)}
        self.merging = PatchMerging(channels // 2) if number > 1 else None
        self.blocks = nn.ModuleList(
            LocalGlobalBlock(
                channels,
                channels // size.head_channels,
                large,
                small if local else None,
                shifted=block % 2 == 1,
                combine=combine,
                mlp_ratio=mlp_ratio,
                drop_path=rate,
                name=f"{number}.{block + 1}",
                **place,
            )
            for block, rate in enumerate(drop_paths)
        )
        self.fusion = (
            StageFusion(channels, fusion, name=str(number), **place) if self.merging and fusion != "none" else None
        )

    @property
    def transformers(self) -> list[LocalGlobalBlock]:
        """The blocks in their order."""
        return [block for block in self.blocks if isinstance(block, LocalGlobalBlock)]

    def forward(self, before: Tensor) -> Tensor:  # (N, H, W, C) -> (N, H / 2, W / 2, 2 C), of the first (N, H, W, C)
        """Apply the stage to the result of the one before."""
        x = before if self.merging is None else self.merging(before)
        for block in self.blocks:
            x = block(x)
        return x if self.fusion is None else self.fusion(before, x)


class MedFormer(Classifier):
    """Med-Former, or one of its ablations; see the module's text.

    Parameters
    ----------
    in_channels, classes
        Channels of the image, and classes.
    dimensions
        2.
    size, patch, width, head_channels, stages, depths, windows
        As in :meth:`~src_models.nets.med_former.sizes.Size.of`.
    embedding
        ``"patches"``, or ``"efficientnet-lite0"``: see :mod:`src_models.nets.vit.lite_embedding`.
    local
        Whether blocks look around in small windows, too.
    fusion
        ``"saf"``, ``"concat"`` or ``"none"``.
    combine
        ``"sum"`` or ``"mean"`` of what is found in large and in small windows.
    mlp_ratio
        Hidden channels of an MLP for each other one.
    drop_path
        Stochastic depth of the last block; it grows from 0 at the first.

    Raises
    ------
    ValueError
        If the configuration is contradictory.
    """

    def __init__(
        self,
        *,
        in_channels: int = 3,
        classes: int = 2,
        dimensions: int = 2,
        size: str = "small",
        patch: int | None = None,
        width: int | None = None,
        head_channels: int | None = None,
        stages: int | None = None,
        depths: Sequence[int] | None = None,
        windows: Sequence[int] | None = None,
        embedding: EmbeddingName = "patches",
        local: bool = True,
        fusion: FusionName = "saf",
        combine: Combine = "sum",
        mlp_ratio: float = 4.0,
        drop_path: float = 0.1,
    ) -> None:
        super().__init__()
        if dimensions != 2:
            raise ValueError(f"dimensions {dimensions!r} must be 2: windows here have a height and a width")
        if combine not in ("sum", "mean"):
            raise ValueError(f"combine {combine!r} is not one of sum, mean")
        chosen = Size.of(
            size,
            patch=patch,
            width=width,
            head_channels=head_channels,
            stages=stages,
            depths=depths,
            windows=windows,
        )
        self.stride = chosen.stride(len(chosen.depths))
        self.embedding = embedding_of(embedding, in_channels, chosen.width, chosen.patch)
        rates = rising_rates(drop_path, sum(chosen.depths))
        starts = [sum(chosen.depths[:number]) for number in range(len(chosen.depths) + 1)]
        self.stages = nn.ModuleList(
            Stage(
                number,
                chosen,
                rates[start:end],
                local=local,
                combine=combine,
                mlp_ratio=mlp_ratio,
                fusion=fusion,
            )
            for number, (start, end) in enumerate(pairwise(starts), start=1)
        )
        channels = chosen.width * 2 ** (len(chosen.depths) - 1)
        self.final_norm = FinalNorm(channels)
        self.head = nn.Linear(channels, classes)
        initialise(self)

    def forward(self, image: Tensor) -> Tensor:  # (N, in_channels, H, W) -> (N, classes)
        """Return logits.

        Raises
        ------
        ValueError
            If the image has another number of channels than the network.
        """
        x = self.embedding(image)
        for stage in self.stages:
            x = stage(x)
        return self.head(self.final_norm(x).mean((2, 3)))  # type: ignore[no-any-return]

    @property
    def phases(self) -> list[Stage]:
        """The encoding phase, and the stages after it."""
        return [stage for stage in self.stages if isinstance(stage, Stage)]

    def learnable(self) -> Mapping[LearnablePart, list[nn.Parameter]]:
        """Return the last layer, and what decides where is looked: attention in windows, and that of the fusion."""
        looking = [
            parameter
            for stage in self.phases
            for module in (*(each for block in stage.transformers for each in block.attentions), stage.fusion)
            if module is not None
            for parameter in module.parameters()
        ]
        return {HEAD: list(self.head.parameters()), ATTENTION: looking}

    def deepest(self) -> nn.Module:
        """Return the last norm, whose result is averaged."""
        return self.final_norm

    def new_head(self, classes: int) -> list[nn.Parameter]:
        """Put an untrained linear layer in place of the last."""
        self.head = nn.Linear(self.head.in_features, classes).to(self.head.weight.device)
        initialise(self.head)
        return list(self.head.parameters())
