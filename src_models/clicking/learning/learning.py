"""A network of clicks learns from accepted objects, step by step: it can be looked at, paused and ended at any moment.

Its norms keep the statistics that they were trained with, as in :mod:`src_models.finetuning.learning`.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from monai.losses.dice import DiceCELoss
from torch import Tensor

from src_models.clicking.learning.blends import ClickBlends
from src_models.clicking.learning.progress import (
    ClickLearningResult,
    ClickLearningUpdate,
    Ious,
    click_gain_sentence,
    overall,
)
from src_models.clicking.learning.settings import ClickLearningSettings
from src_models.clicking.learning.taught_objects import LearningExamples, TaughtObjects
from src_models.clicking.prompts import PROMPT_CHANNELS
from src_models.clicking.training.asking import CLICKS, lesson
from src_models.clicking.training.examples import ClickExamples, Example, ObjectImage
from src_models.computing.memory import reused_memory
from src_models.computing.package_versions import package_versions
from src_models.errors import DataSetError, UserError
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader
from src_models.training.fabric import make_fabric

__all__ = ["ClickLearning", "KnownObjects"]

IMPROVED = 0.01  # IoU, the mean after 1, 3 and 5 clicks; less is not worth another model
WARM_UP = 0.05  # share of the learning
MADE_UP = 0.5  # share of what is known that is made up, where images of the first training ship
_SEED_OF_KNOWN = 1_000_003  # other made-up images than learning draws


@dataclass(frozen=True, slots=True)
class KnownObjects:
    """Images of a network's first training: some to learn from again, others to watch what it forgets."""

    training: tuple[ObjectImage, ...] = ()
    watched: tuple[ObjectImage, ...] = ()


class ClickLearning:
    """One round of learning.

    Parameters
    ----------
    model
        What to begin with; it stays as it is.
    objects
        What to learn from.
    known
        What is not to be forgotten, besides made-up images.
    settings
        How to learn.
    sha256
        Of what the objects were read from, for the header.

    Raises
    ------
    UserError
        If the model takes no clicks.
    """

    def __init__(
        self,
        model: Model,
        objects: TaughtObjects,
        known: KnownObjects | None = None,
        settings: ClickLearningSettings | None = None,
        sha256: str | None = None,
    ) -> None:
        header = model.header
        if header.prompts != PROMPT_CHANNELS:
            raise UserError(f"the model {header.name!r} takes no clicks: choose one of clicks to learn from objects")
        self._parent, self._objects, self._sha256 = model, objects, sha256
        self._known = known or KnownObjects()
        self.settings = settings or ClickLearningSettings()
        self._size = header.tile[-1]
        self._network = copy.deepcopy(model.network).requires_grad_(True).eval()
        self._blends: ClickBlends | None = None
        self._best_weights: dict[str, Tensor] | None = None
        self._start: Ious = (0.0,) * len(CLICKS)
        self._best = self._start
        self._step = self._best_step = 0
        self._spent = 0.0
        self._stopping = self._forgot = False

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes: it learns alone."""
        return True

    def stop(self) -> None:
        """End after the present step and a validation, with the best found; may be called from another thread."""
        self._stopping = True

    def steps(self) -> Generator[ClickLearningUpdate, None, ClickLearningResult]:
        """Learn, one step after each other; closing the generator ends it, and the best stays in :meth:`result`.

        Only the work of this thread counts as time: not a pause, and not what other programs take of the processor.

        Yields
        ------
        ClickLearningUpdate
            At once, and after each step.

        Returns
        -------
        ClickLearningResult
            When the generator is exhausted.

        Raises
        ------
        DataSetError
            If the loss is not a number any more.
        UserError
            If this machine does not have the device.
        """
        with reused_memory():
            yield from self._learn()
        return self.result()

    def best(self) -> Model | None:
        """Return the best network found so far, if it is better than the one that learning began with."""
        if self._best_weights is None:
            return None
        network = copy.deepcopy(self._parent.network)
        network.load_state_dict(self._best_weights)
        return Model(network.eval(), self._header())

    def preview(self) -> Model:
        """Return a copy of the network as it is; to be called between two steps."""
        network = copy.deepcopy(self._network).cpu().requires_grad_(False)
        return Model(network.eval(), self._header())

    def result(self) -> ClickLearningResult:
        """Return how it ended, or how it stands."""
        found = self.best()
        best = None if found is None else self._best
        sentence = click_gain_sentence(self._start, best, forgot=self._forgot)
        return ClickLearningResult(found, self._start, self._best, self._step, sentence)

    def _learn(self) -> Generator[ClickLearningUpdate, None, None]:
        began = time.thread_time()
        settings = self.settings
        fabric = make_fabric(settings.device, 1)
        torch.manual_seed(settings.seed)
        network: Any = self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer: Any = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=0.0)
        network, optimizer = fabric.setup(network, optimizer)
        examples = self._examples()
        self._blends = ClickBlends(
            self._parent.network,
            self._held_out(),
            self._watched(),
            fabric.device,
            self._parent.header.training.get("known_iou"),
        )
        self._start = self._best = self._blends.first
        self._spent += time.thread_time() - began
        yield self._update([], self._start, improved=False)
        losses: list[float] = []
        misses = 0
        while self._progress() < 1 and not self._stopping and misses < settings.patience:
            began = time.thread_time()
            losses.append(self._one_step(fabric, network, optimizer, examples))
            iou, improved = None, False
            if self._step % settings.validate_every == 0 or self._stopping or self._progress() >= 1:
                iou, improved = self._validate(network)
                misses = 0 if improved else misses + 1
            self._spent += time.thread_time() - began
            yield self._update(losses, iou, improved=improved)
            losses = losses if iou is None else []
        if losses:  # it was stopped between two validations
            iou, improved = self._validate(network)
            yield self._update(losses, iou, improved=improved)

    def _progress(self) -> float:
        if not self._step:  # else the time that it took to begin would decide the first step's learning rate
            return 0.0
        return max(self._step / self.settings.steps, self._spent / self.settings.seconds)

    def _examples(self) -> LearningExamples:
        sets = [self._known.training] if self._known.training else []
        known = ClickExamples(
            sets, made_up=MADE_UP if sets else 1.0, size=self._size, seed=self.settings.seed, augmented=True
        )
        return LearningExamples(
            self._objects.training, known, replay=self.settings.replay, size=self._size, seed=self.settings.seed
        )

    def _held_out(self) -> list[Example]:
        """Return views of held-out objects: of a few objects, several of each."""
        images, count = self._objects.validation, self.settings.judged
        chosen = [images[int(at)] for at in np.linspace(0, len(images) - 1, min(count, len(images))).round()]
        return [
            chosen[number % len(chosen)].example(np.random.default_rng((0, 5, number)), self._size)
            for number in range(count)
        ]

    def _watched(self) -> list[Example]:
        """Return views of known objects."""
        sets = [self._known.watched] if self._known.watched else []
        known = ClickExamples(
            sets, made_up=MADE_UP if sets else 1.0, size=self._size, seed=_SEED_OF_KNOWN, augmented=False
        )
        return [known[number] for number in range(self.settings.judged)]

    def _one_step(self, fabric: Any, network: Any, optimizer: Any, examples: LearningExamples) -> float:
        settings = self.settings
        first = self._step * settings.batch
        drawn = [examples[number] for number in range(first, first + settings.batch)]
        random = np.random.default_rng((settings.seed, 1, self._step))
        batch, targets = lesson(network, drawn, random, fabric.device)  # which leaves it in eval mode, and so do we
        self._set_rate(optimizer)
        loss = _LOSS(network(batch), targets)
        if not torch.isfinite(loss):
            raise DataSetError(
                f"learning step {self._step + 1}: the loss is not a number; look for extreme values in the images, or "
                "lower the learning rate"
            )
        fabric.backward(loss)
        fabric.clip_gradients(network, optimizer, max_norm=5.0)
        optimizer.step()
        optimizer.zero_grad()
        self._step += 1
        return float(loss.detach())

    def _set_rate(self, optimizer: Any) -> None:
        done = min(self._progress(), 1.0)
        factor = min((done + 1e-3) / WARM_UP, 1.0) * 0.5 * (1 + np.cos(np.pi * done))
        for group in optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * float(factor)

    def _validate(self, network: Any) -> tuple[Ious, bool]:
        """Judge the best blend, and tell whether it is the best network so far, which is kept."""
        assert self._blends is not None
        blend = self._blends.best(network.module.state_dict())
        if blend is None:
            self._forgot = self._best_weights is None
            return self._start, False
        gained = overall(blend.iou) >= max(overall(self._start) + IMPROVED, overall(self._best) + 1e-6)
        if gained:
            self._best_weights, self._best, self._best_step = blend.weights, blend.iou, self._step
        self._forgot = False
        return blend.iou, gained

    def _update(self, losses: Sequence[float], iou: Ious | None, *, improved: bool) -> ClickLearningUpdate:
        done = min(self._progress(), 1.0)
        by_steps = self._spent / self._step * (self.settings.steps - self._step) if self._step else np.inf
        left = max(0.0, min(self.settings.seconds - self._spent, float(by_steps)))
        loss = float(np.mean(losses)) if losses else float("nan")
        return ClickLearningUpdate(self._step, loss, iou, self._start, self._best, improved, done, left)

    def _header(self) -> ModelHeader:
        parent = self._parent.header
        knew = {} if self._blends is None or self._blends.knew is None else {"known_iou": self._blends.knew}
        training = {
            **knew,
            "finetuned_from": parent.name,
            "parent_training": dict(parent.training),
            "corrections_sha256": self._sha256,
            "objects": self._objects.count,
            "replayed": len(self._known.training),
            "settings": self.settings.as_dict(),
            "step": self._best_step or self._step,
            "validation_iou_before": _scores(self._start),
            "validation_iou": _scores(self._best),
            "versions": package_versions("torch", "monai"),
        }
        return replace(parent, training=training, parent_sha256=self._parent.sha256)


_LOSS = DiceCELoss(include_background=False, softmax=True, to_onehot_y=True)


def _scores(iou: Ious) -> dict[str, float]:
    return {str(count): round(value, 4) for count, value in zip(CLICKS, iou, strict=True)}
