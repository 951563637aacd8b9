"""Learning from corrections, step by step, so that a person can look at it, pause it and end it at any moment.

The network's own norms keep the statistics they were trained with: a handful of corrected tiles would give worse ones,
and what is corrected would be segmented otherwise when it is learnt from than afterwards.

Examples
--------
>>> learning = Learning(model, CorrectionSet.open("corrections"))  # doctest: +SKIP
>>> for update in learning.steps():  # doctest: +SKIP
...     print(update.loss, update.best_dice)
>>> learning.result().sentence  # doctest: +SKIP
'Agreement with corrections that were held back (Dice) rose from 0.61 to 0.87.'
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from src_models.computing.memory import reused_memory
from src_models.computing.package_versions import package_versions
from src_models.corrections.correction_set import CorrectionSet
from src_models.errors import DataSetError, UserError
from src_models.files.dataset import DataSet
from src_models.finetuning.held_out import LearningImages, learning_images
from src_models.finetuning.judging import Blends, Validation
from src_models.finetuning.kinds.guess import kind_to_learn
from src_models.finetuning.kinds.label_kind import LabelKind, Meaning
from src_models.finetuning.kinds.new_head import begin_with, learning_groups, learnt_header, rate_of
from src_models.finetuning.kinds.unblended import Unblended
from src_models.finetuning.progress import LearningResult, LearningUpdate, gain_sentence, new_kind_sentence
from src_models.finetuning.replay import Replay, replay_images
from src_models.finetuning.settings import FinetuneSettings
from src_models.finetuning.whole_images import open_corrections
from src_models.finetuning.work import WorkBudget, clocks_of
from src_models.models.architectures import find_architecture
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader
from src_models.training.fabric import make_fabric
from src_models.training.patches import Patches
from src_models.training.segmentation_loss import SegmentationLoss, segmentation_loss
from src_models.training.supervision import step_loss

__all__ = ["Learning"]

IMPROVED = 0.005  # Dice; less is not worth another model
WARM_UP = 0.05  # share of the learning time


class Learning:
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
        self.settings = settings or FinetuneSettings()
        taught = open_corrections(corrections)
        self.guess = kind_to_learn(taught, header, kind, class_names)
        self._beginning = begin_with(model, self.guess, self.settings.seed)
        self._parent = model = self._beginning.model
        self._loss = segmentation_loss(model.header)
        self._corrections_sha256 = taught.sha256
        self._corrections = len(taught)
        anew = bool(self._beginning.new_head)
        self._images: LearningImages = learning_images(taught, model.header, anew=anew)
        if not self._images.training or not self._images.validation:
            raise UserError(f"{taught.root}: there is too little to learn from; mark more than a few pixels")
        self._replay = replay_images(header) if self.settings.replay and not anew else Replay()
        self._network = copy.deepcopy(model.network).eval()
        self._learning = learning_groups(self._network, self.settings.part, self._beginning.new_head)
        self._blends: Blends | Unblended | None = None
        self._best: dict[str, Tensor] | None = None
        self._shown: dict[str, Tensor] | None = None
        self._start_dice = self._best_dice = 0.0
        self._step = self._best_step = 0
        self._budget = WorkBudget(self.settings.steps, self.settings.seconds)
        self._stopping = False
        self._rank = (False, -2.0)  # of the best
        self._trouble = ""
        self._leads = True

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes, where several learn together."""
        return self._leads

    def stop(self) -> None:
        """End after the present step and a validation, with the best found; may be called from another thread."""
        self._stopping = True

    def steps(self) -> Generator[LearningUpdate, None, LearningResult]:
        """Learn, one step after each other; closing the generator ends it, and the best stays in :meth:`result`.

        Time is counted in work (:mod:`src_models.finetuning.work`), and none goes by between steps: to pause, do not
        ask for the next step.

        Yields
        ------
        LearningUpdate
            At once, and after each step.

        Returns
        -------
        LearningResult
            When the generator is exhausted.

        Raises
        ------
        DataSetError
            If the loss is not a number any more.
        UserError
            If this machine does not have the device.
        """
        settings = self.settings
        fabric = make_fabric(settings.device, settings.devices, strategy=settings.strategy)
        self._leads = bool(fabric.is_global_zero)
        self._budget.clocks = clocks_of(fabric.device.type)
        with reused_memory():
            yield from self._learn(fabric)
        return self.result()

    def preview(self) -> Model:
        """Return a copy of the network as it was last judged; to be called between two steps."""
        network = copy.deepcopy(self._network).cpu().requires_grad_(False)
        if self._shown is not None:
            network.load_state_dict(self._shown)
        return Model(network.eval(), self._header(self._best_dice))

    def best(self) -> Model | None:
        """Return the best network found so far, if it is better than the one that learning began with."""
        if self._best is None:
            return None
        network = copy.deepcopy(self._parent.network)
        network.load_state_dict(self._best)
        return Model(network.eval(), self._header(self._best_dice))

    def result(self) -> LearningResult:
        """Return how it ended, or how it stands."""
        found = self.best()
        return LearningResult(found, self._start_dice, self._best_dice, self._step, self._sentence(found))

    def _learn(self, fabric: Fabric) -> Generator[LearningUpdate, None, None]:
        with self._budget.working():
            torch.manual_seed(self.settings.seed)
            network: Any = self._network.to(memory_format=_fastest(self._parent.header.dimensions))  # type: ignore[call-overload]
            optimizer: Any = torch.optim.AdamW(self._learning, lr=self.settings.learning_rate, weight_decay=0.0)
            network, optimizer = fabric.setup(network, optimizer)
            patches = self._patches()
            first = self._first_validation(fabric)
        self._start_dice = self._best_dice = first.dice
        losses: list[float] = []
        misses = 0
        yield self._update(losses, first, improved=False)
        while self._goes_on(fabric) and misses < self.settings.patience:
            validation, improved = None, False
            with self._budget.working(), self._noting_failure(fabric):
                losses.append(self._one_step(fabric, network, optimizer, patches))
                if self._step % self.settings.validate_every == 0 or not self._goes_on(fabric):
                    validation, improved = self._validate(network)
                    misses = 0 if improved else misses + 1
            if self._trouble:
                return
            yield self._update(losses, validation, improved=improved)
            if validation is not None:
                losses = []
        if losses:  # it was stopped between two validations
            with self._noting_failure(fabric):
                last, improved = self._validate(network)
                yield self._update(losses, last, improved=improved)

    @contextmanager
    def _noting_failure(self, fabric: Fabric) -> Iterator[None]:
        """Note that a device failed, which ends learning; what fails on a CPU is a bug."""
        try:
            yield
        except RuntimeError as error:
            if fabric.device.type == "cpu":
                raise
            self._trouble = f"The device {fabric.device} failed while it learnt ({str(error).splitlines()[0]}). "

    def _first_validation(self, fabric: Fabric) -> Validation:
        with self._noting_failure(fabric):
            judging = Unblended if self._beginning.new_head else Blends
            self._blends = judging(
                self._parent.network,
                self._parent.header,
                self._images.validation,
                self._replay.watched,
                fabric.device,
                self._parent.header.training.get("known_dice"),
            )
            return self._blends.first
        raise UserError(f"{self._trouble}Choose the device cpu to learn.")

    def _goes_on(self, fabric: Fabric) -> bool:
        over = self._stopping or self._budget.progress(self._step) >= 1
        return not (fabric.all_reduce(torch.tensor(float(over)), reduce_op="sum") if fabric.world_size > 1 else over)

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

    def _one_step(self, fabric: Fabric, network: Any, optimizer: Any, patches: Patches) -> float:
        """Make a step, one patch after the other if memory is too small for all, and return its loss."""
        self._set_rate(optimizer, fabric)
        each = self.settings.batch // fabric.world_size
        numbers = [(self._step * fabric.world_size + fabric.global_rank) * each + number for number in range(each)]
        drawn = [patches[number % len(patches)] for number in numbers]
        try:
            loss = _step(fabric, network, optimizer, drawn, self._loss)
        except torch.OutOfMemoryError:
            optimizer.zero_grad()
            loss = sum(_step(fabric, network, optimizer, [one], self._loss) for one in drawn) / len(drawn)
        if not np.isfinite(loss):
            raise DataSetError(
                f"learning step {self._step + 1}: the loss is not a number; look for extreme values in the corrected "
                "images, or lower the learning rate"
            )
        self._step += 1
        return loss

    def _set_rate(self, optimizer: Any, fabric: Fabric) -> None:
        """Set the learning rate, the same in all processes: by their own clocks, their weights would drift apart."""
        done = self._budget.progress(self._step)
        done = float(fabric.broadcast(done)) if fabric.world_size > 1 else done
        factor = min((done + 1e-3) / WARM_UP, 1.0) * 0.5 * (1 + np.cos(np.pi * min(done, 1.0)))
        for group in optimizer.param_groups:
            group["lr"] = rate_of(group, self.settings.learning_rate * float(factor), done)

    def _validate(self, network: Any) -> tuple[Validation, bool]:
        """Judge the best blend, and tell whether it is the best network so far, which is kept."""
        assert self._blends is not None
        blend = self._blends.best(network.module.state_dict())
        self._shown, dice = blend.weights, blend.validation.dice
        gained = dice >= self._start_dice + IMPROVED and blend.rank > self._rank
        if gained:
            self._best, self._best_dice, self._best_step = blend.weights, dice, self._step
            self._rank = blend.rank
        return blend.validation, gained

    def _update(self, losses: Sequence[float], validation: Validation | None, *, improved: bool) -> LearningUpdate:
        done = min(1.0, self._budget.progress(self._step))
        return LearningUpdate(
            step=self._step,
            loss=float(np.mean(losses)) if losses else float("nan"),
            validation=validation,
            start_dice=self._start_dice,
            best_dice=self._best_dice,
            improved=improved,
            done=done,
            seconds_left=self._budget.left(self._step) if done < 1 else 0.0,
            seconds_idle=self._budget.idle_left(self._step) if done < 1 else 0.0,
        )

    def _header(self, dice: float) -> ModelHeader:
        parent = self._parent.header
        knew = {} if self._blends is None or self._blends.knew is None else {"known_dice": self._blends.knew}
        training = {
            **knew,
            **self._beginning.notes(),
            "finetuned_from": parent.name,
            "parent_training": dict(parent.training),
            "corrections_sha256": self._corrections_sha256,
            "corrections": self._corrections,
            "replayed": len(self._replay.training),
            "settings": self.settings.as_dict(),
            "step": self._best_step or self._step,
            "validation_dice_before": round(self._start_dice, 4),
            "validation_dice": round(dice, 4),
            "versions": package_versions("torch", "monai"),
        }
        return learnt_header(self._parent, training, self._images.diameter)

    def _sentence(self, found: Model | None) -> str:
        best = None if found is None else self._best_dice
        if self._beginning.new_head:
            gain = new_kind_sentence(self.guess.kind.words, self._start_dice, best)
        else:
            gain = gain_sentence(self._start_dice, best, corrections=self._corrections, forgot=not self._rank[0])
        return self._trouble + self._budget.cut_short(self._step) + gain


def _step(
    fabric: Fabric, network: Any, optimizer: Any, drawn: Sequence[tuple[Tensor, Tensor]], loss_of: SegmentationLoss
) -> float:
    batch = torch.stack([image for image, _ in drawn]).to(fabric.device)
    batch = batch.contiguous(memory_format=_fastest(batch.ndim - 2))
    targets = torch.stack([target for _, target in drawn]).to(fabric.device)
    loss = step_loss(network, batch, targets, loss_of)
    fabric.backward(loss)
    fabric.clip_gradients(network, optimizer, max_norm=5.0)
    optimizer.step()
    optimizer.zero_grad()
    return float(loss.detach())


def _fastest(dimensions: int) -> torch.memory_format:
    """Return the order of numbers in memory that convolutions are fastest in."""
    return torch.channels_last if dimensions == 2 else torch.channels_last_3d
