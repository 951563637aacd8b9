"""Learning from corrections.

Examples
--------
>>> learning = Learning(model, CorrectionSet.open("corrections"))  # doctest: +SKIP
>>> for update in learning.steps():  # doctest: +SKIP
...     print(update.loss, update.best_dice)
>>> learning.result().sentence  # doctest: +SKIP
'Agreement with corrections that were held back (Dice) rose from 0.61 to 0.87.'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import UserError
from src_models.files.dataset import DataSet
from src_models.finetuning.held_out import LearningImages, learning_images
from src_models.finetuning.judging import Blends, Validation, rank
from src_models.finetuning.kinds.guess import kind_to_learn
from src_models.finetuning.kinds.label_kind import LabelKind, Meaning
from src_models.finetuning.kinds.new_head import begin_with, learning_groups, learnt_header, rate_of
from src_models.finetuning.kinds.unblended import Unblended
from src_models.finetuning.progress import LearningResult, LearningUpdate, gain_sentence, new_kind_sentence
from src_models.finetuning.replay import Replay, replay_images
from src_models.finetuning.settings import FinetuneSettings
from src_models.finetuning.whole_images import open_corrections
from src_models.models.architectures import find_architecture
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader
from src_models.training.fabric import descend, fastest_order, make_fabric
from src_models.training.patches import Patches
from src_models.training.rounds.blends import Blend
from src_models.training.rounds.judged_learning import JudgedLearning
from src_models.training.segmentation_loss import SegmentationLoss, segmentation_loss
from src_models.training.supervision import step_loss

__all__ = ["Learning"]

IMPROVED = 0.005  # Dice; less is not worth another model


class Learning(JudgedLearning[Validation]):
    """One round of learning.

    Parameters
    ----------
    model
        What to begin with; it stays as it is.
    corrections
        What to learn from, as it is now: corrections, or a data set whose images are right as a whole, or the folder of
        either.
    settings
        How to learn.
    kind
        What labels mean, ``"objects"`` or ``"classes"``; None guesses, and goes on with what the model finds where the
        labels fit it. For another kind the network gets a new head.
    class_names
        Names of the classes from 1 on.

    Raises
    ------
    UserError
        If there is nothing to learn from, or the network cannot learn so.
    DataSetError
        If corrections do not fit the network.
    """

    update_type = LearningUpdate
    result_type = LearningResult

    def __init__(
        self,
        model: Model,
        corrections: CorrectionSet | DataSet | str | Path,
        settings: FinetuneSettings | None = None,
        *,
        kind: LabelKind | Meaning | None = None,
        class_names: Sequence[str] = (),
    ) -> None:
        header = model.header
        if header.use != "segment":
            words = "answers clicks, and learns from objects" if header.use == "click" else "tells classes of pictures"
            raise UserError(f"the model {header.name!r} {words}: sm.finetune lets it learn")
        settings = settings or FinetuneSettings()
        taught = open_corrections(corrections)
        self.guess = kind_to_learn(taught, header, kind, class_names)
        self._beginning = begin_with(model, self.guess, settings.seed)
        super().__init__(self._beginning.model, settings, Validation(float("nan"), 0.0))
        self.settings: FinetuneSettings = settings
        self._loss = segmentation_loss(self._parent.header)
        self._corrections_sha256 = taught.sha256
        self._corrections = len(taught)
        anew = bool(self._beginning.new_head)
        self._images: LearningImages = learning_images(taught, self._parent.header, anew=anew)
        if not self._images.training or not self._images.validation:
            raise UserError(f"{taught.root}: there is too little to learn from; mark more than a few pixels")
        self._replay = replay_images(header) if settings.replay and not anew else Replay()
        self._learning = learning_groups(self._network, settings.part, self._beginning.new_head)
        self._drawn: Patches | None = None

    def _make_fabric(self) -> Fabric:
        return make_fabric(self.settings.device, self.settings.devices, strategy=self.settings.strategy)

    def _begin(self) -> None:
        self._drawn = self._patches()

    def _make_judge(self, device: torch.device) -> Blends | Unblended:
        judging = Unblended if self._beginning.new_head else Blends
        header = self._parent.header
        knew = header.training.get("known_dice")
        return judging(self._parent.network, header, self._images.validation, self._replay.watched, device, knew)

    def _patches(self) -> Patches:
        """Corrections as often as each other, however many tiles of replay there are."""
        own, replayed = self._images.training, self._replay.training
        share = self.settings.replay if replayed else 0.0
        weights = [(1 - share) / len(own)] * len(own) + [share / max(1, len(replayed))] * len(replayed)
        return Patches(
            [*own, *replayed],
            self._parent.header,
            size=self._patch(),
            recipe="varied" if self._images.varied else "light",
            seed=self.settings.seed,
            start=0,
            stop=self.settings.steps * self.settings.batch,
            weights=weights,
        )

    def _patch(self) -> tuple[int, ...]:
        """Return the size of patches: of a network that has a window, the window's; of volumes, no more than a tile."""
        header = self._parent.header
        window = find_architecture(header.architecture).window(header.config) or self.settings.patch
        return (window, window) if header.dimensions == 2 else tuple(min(window, tile) for tile in header.tile)

    def _teach(self, fabric: Fabric, network: Any, optimizer: Any) -> float:
        """Make a step, one patch after the other if memory is too small for all."""
        assert self._drawn is not None
        each = self.settings.batch // fabric.world_size
        numbers = [(self._step * fabric.world_size + fabric.global_rank) * each + number for number in range(each)]
        drawn = [self._drawn[number % len(self._drawn)] for number in numbers]
        step = f"learning step {self._step + 1}"
        try:
            return _step(fabric, network, optimizer, drawn, self._loss, step)
        except torch.OutOfMemoryError:
            optimizer.zero_grad()
            return sum(_step(fabric, network, optimizer, [one], self._loss, step) for one in drawn) / len(drawn)

    def _rate_of(self, group: Mapping[str, Any], rate: float, done: float) -> float:
        return rate_of(group, rate, done)

    def _is_gain(self, blend: Blend[Validation]) -> bool:
        worth = blend.validation.dice >= self._start.dice + IMPROVED
        return worth and rank(blend) > ((False, -2.0) if self._kept is None else rank(self._kept))

    def _sentence(self, best: Validation | None) -> str:
        start, reached = self._start.dice, None if best is None else best.dice
        if self._beginning.new_head:
            return new_kind_sentence(self.guess.kind.words, start, reached)
        forgot = self._kept is not None and self._kept.forgot > 0
        return gain_sentence(start, reached, corrections=self._corrections, forgot=forgot)

    def _header(self) -> ModelHeader:
        training = self._training(
            "known_dice",
            **self._beginning.notes(),
            corrections_sha256=self._corrections_sha256,
            corrections=self._corrections,
            replayed=len(self._replay.training),
            validation_dice_before=round(self._start.dice, 4),
            validation_dice=round(self._best.dice, 4),
        )
        return learnt_header(self._parent, training, self._images.diameter)


def _step(
    fabric: Fabric,
    network: Any,
    optimizer: Any,
    drawn: Sequence[tuple[Tensor, Tensor]],
    loss_of: SegmentationLoss,
    step: str,
) -> float:
    batch = torch.stack([image for image, _ in drawn]).to(fabric.device)
    batch = batch.contiguous(memory_format=fastest_order(batch.ndim - 2))
    targets = torch.stack([target for _, target in drawn]).to(fabric.device)
    loss = step_loss(network, batch, targets, loss_of)
    return float(descend(fabric, network, optimizer, loss, step=step, examples="corrected images"))
