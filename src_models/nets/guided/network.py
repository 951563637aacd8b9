"""Multi-scale self-guided attention (Sinha & Dolz 2020, arXiv 1906.02849).

Features of four scales are brought to one grid and joined; at each scale, position and channel attention are computed
from its own features beside the joined ones, weighed by what the features mean, and used to weigh the joined features
again, step by step. Each scale predicts; the result is the mean of these predictions.

An image of any size is padded at its far ends to a multiple of 32 px, and the result is cropped again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src_models.nets.architecture import DECODER, LearnablePart
from src_models.nets.guided.attention import ConvPReLU
from src_models.nets.guided.refinement import Refinement
from src_models.nets.guided.semantics import Meaning, SemanticModule
from src_models.nets.guided.taps import prediction_tap
from src_models.nets.guided_architectures import ATTENTION, CHANNEL_ATTENTION, LOOKS, SCALES, SEMANTICS
from src_models.nets.network import Supervised, SupervisedNetwork
from src_models.nets.padding import cropped_like, padded_to_multiple
from src_models.nets.resnet import RESNETS, ResNet

__all__ = ["GuidedAttentionNetwork"]

# What the loss of meanings that differ between steps, and of features that are rebuilt badly, count (Section III-D).
GUIDED, REBUILT = 0.25, 0.1
MOST_REFINEMENTS = 3


class GuidedAttentionNetwork(SupervisedNetwork):
    """The network.

    Parameters
    ----------
    in_channels, classes
        Input channels and output classes, the background included.
    backbone
        One of :data:`~src_models.nets.resnet.RESNETS`; the authors' code has ``"resnext101"``.
    width
        Channels of each scale; 64 in the paper.
    attention
        ``"both"``, ``"position"`` or ``"channel"``.
    refinements
        Steps of attention, 2 in the paper; with 0 the joined scales are only projected.
    guidance
        Whether an encoder and a decoder of meanings weigh the attention (without it, the paper's "MS-Dual").
    channel_attention
        ``"formula"``, the paper's, or ``"inverted"``, that of the authors' code.
    semantics
        Whether the modules that guide a step are ``"shared"`` by the scales, as in the authors' code, or each scale
        has its ``"own"``.
    image_size
        Size (px) of the images that it is taught; tiles are as large. Nothing in the network depends on it.

    Raises
    ------
    ValueError
        If the configuration is contradictory.
    """

    stride = 32

    def __init__(
        self,
        *,
        in_channels: int = 1,
        classes: int = 2,
        dimensions: int = 2,
        backbone: str = "resnet18",
        width: int = 64,
        attention: str = "both",
        refinements: int = 2,
        guidance: bool = True,
        channel_attention: str = "formula",
        semantics: str = "shared",
        image_size: int | None = None,
    ) -> None:
        super().__init__()
        _check(dimensions=dimensions, width=width, refinements=refinements, image_size=image_size)
        for name, value, known in (
            ("backbone", backbone, RESNETS),
            ("attention", attention, ATTENTION),
            ("channel_attention", channel_attention, CHANNEL_ATTENTION),
            ("semantics", semantics, SEMANTICS),
        ):
            if value not in known:
                raise ValueError(f"{name} {value!r} is not one of {', '.join(known)}")
        self.in_channels, self.width = in_channels, width
        self.backbone = ResNet(RESNETS[backbone], in_channels=in_channels)
        self.down = nn.ModuleList(ConvPReLU(channels, width, 1) for channels in self.backbone.widths)
        self.join = nn.Sequential(
            ConvPReLU(len(SCALES) * width, width, 3), ConvPReLU(width, width, 3), ConvPReLU(width, width, 1)
        )
        steps = range(1, refinements + 1)
        self.refinements = nn.ModuleList(
            nn.ModuleList(
                Refinement(
                    width,
                    attention=attention,
                    inverted=channel_attention == "inverted",
                    guidance=guidance,
                    scale=scale,
                    step=step,
                )
                for scale in SCALES
            )
            for step in steps
        )
        modules = (1 if semantics == "shared" else len(SCALES)) if guidance else 0
        self.semantics = nn.ModuleList(
            nn.ModuleList(SemanticModule(2 * width) for _ in range(modules)) for _ in steps if modules
        )
        self.plain = nn.ModuleList(nn.Conv2d(2 * width, width, 1) for _ in SCALES if not refinements)
        self._make_heads(classes)
        self.taps = nn.ModuleList(prediction_tap(scale) for scale in SCALES)

    def forward(self, image: Tensor, *, supervised: bool = False) -> Tensor | Supervised:
        """Return logits (N, classes, H, W) for an image (N, in_channels, H, W), or what they are supervised by.

        Supervised are the predictions of every scale from its own features, then those from its last attention.

        Raises
        ------
        ValueError
            If the image has another number of channels than the network.
        """
        if image.shape[1] != self.in_channels:
            raise ValueError(f"the network takes {self.in_channels} channels, the image has {image.shape[1]}")
        padded = padded_to_multiple(image, self.stride)
        scales = self._scales(padded)
        attended, meanings = self._refined(scales)
        refined = [self.heads[number](features) for number, features in enumerate(attended)]
        for tap, logits in zip(self.taps, refined, strict=True):
            if tap.heard:
                tap(_found(logits[:, : logits.shape[1] - self.fields]))

        def whole(logits: Tensor) -> Tensor:
            size = padded.shape[2:]
            return cropped_like(F.interpolate(logits, size=size, mode="bilinear", align_corners=False), image)

        if not supervised:
            return whole(torch.stack(refined).mean(0))
        raw = [self.early_heads[number](features) for number, features in enumerate(scales)]
        return Supervised(tuple(whole(logits) for logits in (*raw, *refined)), _penalty(meanings, refined[0]))

    def learnable(self) -> dict[LearnablePart, list[nn.Parameter]]:
        """Return all after the backbone, and of that the attention modules with what guides them."""
        looks = [*self.refinements.parameters(), *self.semantics.parameters()]
        after = [self.down, self.join, self.plain, self.early_heads, self.heads]
        decoder = [*(parameter for module in after for parameter in module.parameters()), *looks]
        return {DECODER: decoder, LOOKS: looks} if looks else {DECODER: decoder}

    def deepest(self) -> nn.Module:
        """Return the backbone's last stage."""
        return self.backbone.layer4

    def finest_head(self) -> nn.Module:
        """Return what predicts from the last attention of the finest scale; all scales are on one grid."""
        return self.heads[0]

    def new_head(self, classes: int) -> list[nn.Parameter]:
        """Put new predictions in the place of those of every scale, before and after attention."""
        self._make_heads(classes)
        return [*self.early_heads.parameters(), *self.heads.parameters()]

    def _make_heads(self, classes: int) -> None:
        self.early_heads = nn.ModuleList(nn.Conv2d(self.width, classes, 1) for _ in SCALES)
        self.heads = nn.ModuleList(nn.Conv2d(self.width, classes, 1) for _ in SCALES)

    def _scales(self, image: Tensor) -> list[Tensor]:
        """Return the features of each scale, (N, width, H / 4, W / 4)."""
        found = [down(level) for down, level in zip(self.down, self.backbone(image), strict=True)]
        size = found[0].shape[2:]
        return [found[0]] + [F.interpolate(x, size=size, mode="bilinear", align_corners=False) for x in found[1:]]

    def _refined(self, scales: Sequence[Tensor]) -> tuple[list[Tensor], list[_Guide]]:
        """Return each scale's last attention, and what guided it at every step, scale by scale."""
        joined = self.join(torch.cat(list(reversed(scales)), dim=1))
        attended, guides = [], []
        for number, own in enumerate(scales):
            features = torch.cat([own, joined], dim=1)
            if len(self.plain):
                attended.append(self.plain[number](features))
            steps = []
            for step, refinements in enumerate(cast(Iterable[nn.ModuleList], self.refinements)):
                rebuilt = None
                if len(self.semantics):
                    modules = cast(nn.ModuleList, self.semantics[step])
                    meaning = modules[number % len(modules)](features)
                    steps.append(_Step(features, meaning))
                    rebuilt = meaning.rebuilt
                found = refinements[number](features, rebuilt)
                features = torch.cat([own, found * joined], dim=1)
            guides.append(steps)
            if len(self.refinements):
                attended.append(found)
        return attended, guides


class _Step(NamedTuple):
    """Features that a step began with, and what they were found to mean."""

    features: Tensor
    meaning: Meaning


_Guide = list[_Step]


def _penalty(guides: Sequence[_Guide], like: Tensor) -> Tensor:
    """Return the guided loss and the reconstruction loss, weighed (equations 9 to 11): 0 without guidance."""
    penalty = like.new_zeros(())
    for steps in guides:
        for before, after in itertools.pairwise(steps):
            penalty = penalty + GUIDED * F.mse_loss(before.meaning.code, after.meaning.code)
        for step in steps:
            penalty = penalty + REBUILT * F.mse_loss(step.features, step.meaning.rebuilt)
    return penalty


@torch.no_grad()
def _found(logits: Tensor) -> Tensor:
    """Return the share (N, 1, H, W) of all classes but the background, of the logits of classes."""
    return 1 - torch.softmax(logits.float(), dim=1)[:, :1]


def _check(*, dimensions: int, width: int, refinements: int, image_size: int | None) -> None:
    if dimensions != 2:
        raise ValueError(f"dimensions {dimensions!r} must be 2: the backbone is for images in 2D")
    if width < 1:
        raise ValueError(f"width {width!r} must be at least 1")
    if not 0 <= refinements <= MOST_REFINEMENTS:
        raise ValueError(f"refinements {refinements!r} must be 0 to {MOST_REFINEMENTS}")
    if image_size is not None and image_size < 1:
        raise ValueError(f"image_size {image_size!r} must be at least 1 px")
