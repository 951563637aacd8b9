"""A network of clicks learns from accepted objects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from monai.losses.dice import DiceCELoss

from src_models.clicking.learning.blends import ClickBlends
from src_models.clicking.learning.progress import Ious, click_gain_sentence, overall
from src_models.clicking.learning.settings import ClickLearningSettings
from src_models.clicking.learning.taught_objects import LearningExamples, TaughtObjects
from src_models.clicking.prompts import PROMPT_CHANNELS
from src_models.clicking.training.asking import CLICKS, lesson
from src_models.clicking.training.examples import ClickExamples, Example, ObjectImage
from src_models.errors import UserError
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader
from src_models.training.fabric import descend
from src_models.training.rounds.blends import Blend
from src_models.training.rounds.judged_learning import JudgedLearning

__all__ = ["ClickLearning", "KnownObjects"]

# IoU, the mean after 1, 3 and 5 clicks. Less is what chance gives on the few objects that are held back: a round that
# gained 0.01 there was worse on others (benchmarks/click_learning.py).
IMPROVED = 0.02
MADE_UP = 0.5  # share of what is known that is made up, where images of the first training ship
_SEED_OF_KNOWN = 1_000_003  # other made-up images than learning draws


@dataclass(frozen=True, slots=True)
class KnownObjects:
    """Images of a network's first training: some to learn from again, others to watch what it forgets."""

    training: tuple[ObjectImage, ...] = ()
    watched: tuple[ObjectImage, ...] = ()


class ClickLearning(JudgedLearning[Ious]):
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
        settings = settings or ClickLearningSettings()
        super().__init__(model, settings, (0.0,) * len(CLICKS))
        self.settings: ClickLearningSettings = settings
        self._objects, self._sha256 = objects, sha256
        self._known = known or KnownObjects()
        self._size = header.tile[-1]
        self._network.requires_grad_(True)
        self._examples: LearningExamples | None = None

    def _begin(self) -> None:
        sets = [self._known.training] if self._known.training else []
        known = ClickExamples(
            sets, made_up=MADE_UP if sets else 1.0, size=self._size, seed=self.settings.seed, augmented=True
        )
        self._examples = LearningExamples(
            self._objects.training, known, replay=self.settings.replay, size=self._size, seed=self.settings.seed
        )

    def _make_judge(self, device: torch.device) -> ClickBlends:
        knew = self._parent.header.training.get("known_iou")
        return ClickBlends(self._parent.network, self._held_out(), self._watched(), device, knew)

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

    def _teach(self, fabric: Fabric, network: Any, optimizer: Any) -> float:
        assert self._examples is not None
        first = self._step * self.settings.batch
        drawn = [self._examples[number] for number in range(first, first + self.settings.batch)]
        random = np.random.default_rng((self.settings.seed, 1, self._step))
        batch, targets = lesson(network, drawn, random, fabric.device)  # which leaves it in eval mode, and so do we
        loss = _LOSS(network(batch), targets)
        return float(
            descend(fabric, network, optimizer, loss, step=f"learning step {self._step + 1}", examples="images")
        )

    def _is_gain(self, blend: Blend[Ious]) -> bool:
        return overall(blend.validation) >= max(overall(self._start) + IMPROVED, overall(self._best) + 1e-6)

    def _sentence(self, best: Ious | None) -> str:
        return click_gain_sentence(self._start, best, forgot=self._forgot)

    def _header(self) -> ModelHeader:
        training = self._training(
            "known_iou",
            corrections_sha256=self._sha256,
            objects=self._objects.count,
            replayed=len(self._known.training),
            validation_iou_before=_scores(self._start),
            validation_iou=_scores(self._best),
        )
        return replace(self._parent.header, training=training, parent_sha256=self._parent.sha256)


_LOSS = DiceCELoss(include_background=False, softmax=True, to_onehot_y=True)


def _scores(iou: Ious) -> dict[str, float]:
    return {str(count): round(value, 4) for count, value in zip(CLICKS, iou, strict=True)}
