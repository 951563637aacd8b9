"""Judging a network by images that it does not learn from, and finding how far to follow what it learnt.

What is learnt is judged by all classes, so that outlines count; what is known, by what is found at all, for that is
what is missed first where a network forgets, while outlines that were learnt by heart blur with any learning.

Each of a few networks between the one that learning began with and the one that learns is judged
(:mod:`src_models.training.rounds.blends`); the best on the corrections wins, of those that still know what was known
before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from src_models.models.architectures import find_architecture
from src_models.models.header import ModelHeader
from src_models.training.masked_dice import dice_counts, mean_dice
from src_models.training.patches import TrainingImage, targets_of, window_of_most
from src_models.training.rounds.blends import Blend, BlendingNetwork
from src_models.training.segmentation_loss import class_logits, class_targets, segmentation_loss

__all__ = ["Blends", "Validation", "judge", "knowledge", "rank"]

SHARES = (1.0, 0.7, 0.5, 0.35, 0.2)
TRIED = 2
GAINED = 0.02  # Dice
# Dice that may be lost on the few images of the first training that are watched: on its validation images that is at
# most 0.02 (benchmarks/learning_targets.py). With 0.01, blends stay so near the first network that they learn little.
FORGOTTEN = 0.03
LARGEST, LARGEST_3D = 512, 96  # px; of larger planes and volumes, the window with the most that counts


@dataclass(frozen=True, slots=True)
class Validation:
    """Loss and Dice (mean over the classes but the background)."""

    loss: float
    dice: float


def rank(blend: Blend[Validation]) -> tuple[bool, float]:
    """Return what blends are ordered by: those that forget no Dice are better, and then what is gained above that."""
    return blend.forgot == 0, blend.validation.dice - blend.forgot


class Blends:
    """The networks between the one that learning began with and the one that learns.

    Parameters
    ----------
    network
        The network as it is before it learns; it is copied.
    header
        What it is.
    held_out, known
        Images of what is learnt, and of what is not to be forgotten.
    device
        Where to compute.
    knew
        What :func:`knowledge` gave of the network that the first of several rounds of learning began with: what each
        round may forget would add up.
    """

    def __init__(
        self,
        network: nn.Module,
        header: ModelHeader,
        held_out: Sequence[TrainingImage],
        known: Sequence[TrainingImage],
        device: torch.device,
        knew: float | None = None,
    ) -> None:
        self._header, self._held_out, self._known = header, held_out, known
        self._blending = BlendingNetwork(network, device)
        self.first = judge(self._blending.network, held_out, header)
        self.knew = knew
        if knew is None and known:
            self.knew = knowledge(self._blending.network, known, header)

    def best(self, learnt: Mapping[str, Tensor]) -> Blend[Validation]:
        """Return the better of the two largest blends that do not forget.

        Where these gain nothing, what is new cannot be learnt without forgetting: then it is the blend that gains most
        above what it forgets.
        """
        kept: list[tuple[Validation, float, float]] = []
        forgetful: list[tuple[float, float]] = []
        for share in SHARES:
            forgot = 0.0 if kept else self._forgot(learnt, share)
            if forgot > 0:
                forgetful.append((share, forgot))
                continue
            kept.append((self._judge(learnt, share), share, 0.0))
            if len(kept) == TRIED:
                break
        gained = any(validation.dice > self.first.dice + GAINED for validation, _, _ in kept)
        others = [] if gained else [(self._judge(learnt, share), share, forgot) for share, forgot in forgetful]
        validation, share, forgot = max([*kept, *others], key=lambda entry: entry[0].dice - entry[2])
        self._blending.follow(learnt, share)
        return Blend(validation, self._blending.weights(), forgot)

    def _judge(self, learnt: Mapping[str, Tensor], share: float) -> Validation:
        return judge(self._blending.follow(learnt, share), self._held_out, self._header)

    def _forgot(self, learnt: Mapping[str, Tensor], share: float) -> float:
        if self.knew is None or not self._known:
            return 0.0
        network = self._blending.follow(learnt, share)
        return max(0.0, self.knew - FORGOTTEN - knowledge(network, self._known, self._header))


def judge(network: nn.Module, images: Sequence[TrainingImage], header: ModelHeader) -> Validation:
    """Return mean loss, and Dice pooled over the pixels of all images that count.

    Parameters
    ----------
    network
        In eval mode.
    images
        What to judge by.
    header
        The network's.
    """
    classes = len(header.classes)
    counts, losses = torch.zeros(2, classes, dtype=torch.int64), []
    loss = segmentation_loss(header)
    for outputs, targets in _answers(network, images, header):
        losses.append(float(loss(outputs, targets)))
        counts += dice_counts(class_logits(outputs, header).argmax(1), class_targets(targets, header), classes)
    return Validation(float(np.mean(losses)), mean_dice(counts, empty=1.0))


def knowledge(network: nn.Module, images: Sequence[TrainingImage], header: ModelHeader) -> float:
    """Return the mean over images of the Dice of what is found in them, of whatever class but the background.

    Parameters
    ----------
    network
        In eval mode.
    images
        What to judge by.
    header
        The network's.
    """
    scores = []
    for outputs, targets in _answers(network, images, header):
        found = torch.softmax(class_logits(outputs, header), 1)[:, 0] < 0.5
        scores.append(mean_dice(dice_counts(found, class_targets(targets, header).clamp(max=1), 2), empty=1.0))
    return float(np.mean(scores))


def _answers(
    network: nn.Module, images: Sequence[TrainingImage], header: ModelHeader
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield outputs (1, outputs, H, W) and targets of each image, on the CPU."""
    device = next(network.parameters()).device
    for image in images:
        batch, targets = _window(image, header)
        with torch.inference_mode():
            outputs = network(batch.to(device)).float().cpu()
        yield outputs, targets


def _window(image: TrainingImage, header: ModelHeader) -> tuple[Tensor, Tensor]:
    """Return the window of an image with the most that counts, (1, C, *S), and its targets."""
    largest = LARGEST if header.dimensions == 2 else LARGEST_3D
    most = find_architecture(header.architecture).largest(header.config) or largest
    cut = window_of_most(image.labels >= 0, most)
    planes = torch.from_numpy(image.image[(slice(None), *cut)].astype(np.float32))[None]
    return planes, torch.from_numpy(targets_of(image.labels[cut], header))[None]
