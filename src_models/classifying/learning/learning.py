"""A model of classes learns from given classes, step by step: it can be looked at and ended at any moment.

Its norms keep the statistics that they were trained with, as in :mod:`src_models.finetuning.learning`.
"""

from __future__ import annotations

import copy
import hashlib
import time
from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from src_models.classifying.asking import check_classifies
from src_models.classifying.learning.blends import ClassBlends
from src_models.classifying.learning.known_pictures import KnownPictures, known_pictures
from src_models.classifying.learning.new_classes import with_classes
from src_models.classifying.learning.progress import (
    ClassLearningResult,
    ClassLearningUpdate,
    Judged,
    class_gain_sentence,
)
from src_models.classifying.learning.settings import ClassLearningSettings
from src_models.classifying.training.augmentation import class_augmentation
from src_models.classifying.training.pictures import Pictures, load_pictures
from src_models.computing.memory import reused_memory
from src_models.computing.package_versions import package_versions
from src_models.errors import DataSetError, UserError
from src_models.files.class_sets.class_set import ClassSet
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader
from src_models.nets.network import Network
from src_models.training.augmentation import AugmentationName, Recipe
from src_models.training.fabric import make_fabric

__all__ = ["LEAST_JUDGING", "LEAST_TEACHING", "ClassLearning", "DrawnLessons"]

LEAST_TEACHING, LEAST_JUDGING = 4, 2  # pictures
SURER = 0.02  # mean probability of the right class; less, with as many right, is not worth another model
WARM_UP = 0.05  # share of the learning


class ClassLearning:
    """A round of learning; nothing is computed before :meth:`steps`.

    Parameters
    ----------
    model
        What to begin with; it stays as it is.
    data
        Pictures with classes: its split "train" teaches, "val" judges. Classes that the model does not know are added
        to its own; where it knows none of them, it tells these alone from then on.
    settings
        How to learn.
    known
        The set that the model was first trained on, where a person has it; without it, what ships of it.

    Attributes
    ----------
    leads
        True: of several processes, one learns.
    settings
        How it learns.
    added
        The classes that are new.

    Raises
    ------
    UserError
        If the model segments, the network cannot learn so, or there is too little to learn from.
    DataSetError
        If the pictures do not fit the model.
    """

    leads = True

    def __init__(
        self,
        model: Model,
        data: ClassSet,
        settings: ClassLearningSettings | None = None,
        *,
        known: ClassSet | None = None,
    ) -> None:
        check_classifies(model.header)
        self.settings = settings or ClassLearningSettings()
        teaching, judging = data.split("train"), data.split("val")
        if len(teaching) < LEAST_TEACHING or len(judging) < LEAST_JUDGING:
            raise UserError(
                f"{data.root}: {len(teaching)} pictures would teach and {len(judging)} judge, and it takes "
                f"{LEAST_TEACHING} and {LEAST_JUDGING}: give classes to more objects"
            )
        self._parent = model
        self._begun = with_classes(model, data.classes, self.settings.seed)
        header = self._begun.header
        self.added = tuple(name for name in header.classes if name not in model.header.classes)
        self._teaching, self._judging = (load_pictures(data, each, header) for each in (teaching, judging))
        kept = set(model.header.classes) <= set(header.classes)
        self._known = known_pictures(header, known) if kept and self.settings.replay else KnownPictures.none(header)
        self._network = copy.deepcopy(self._begun.network).eval()
        self._blends: ClassBlends | None = None
        self._best_weights: dict[str, Tensor] | None = None
        self._start = self._best = Judged(0, 0.0, len(self._judging))
        self._step = self._best_step = 0
        self._spent = 0.0
        self._stopping = self._forgot = False
        self._learns = _learning_parts(self._network, self.settings.part)

    def stop(self) -> None:
        """End after the present step and a validation, with the best found; may be called from another thread."""
        self._stopping = True

    def steps(self) -> Generator[ClassLearningUpdate, None, ClassLearningResult]:
        """Learn, one step after each other; closing the generator ends it, and the best stays in :meth:`result`.

        Yields
        ------
        ClassLearningUpdate
            At once, and after each step.

        Returns
        -------
        ClassLearningResult
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
        network = copy.deepcopy(self._begun.network)
        network.load_state_dict(self._best_weights)
        return Model(network.eval(), self._header())

    def result(self) -> ClassLearningResult:
        """Return how it ended, or how it stands."""
        found = self.best()
        best, watched = None if found is None else self._best, len(self._known.watched)
        sentence = class_gain_sentence(self._start, best, forgot=self._forgot, watched=watched)
        return ClassLearningResult(found, self._start, self._best, self._step, sentence)

    def _learn(self) -> Generator[ClassLearningUpdate, None, None]:
        began = time.thread_time()
        settings = self.settings
        fabric = make_fabric(settings.device, 1)
        torch.manual_seed(settings.seed)
        network: Any = self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer: Any = torch.optim.AdamW(self._learns, lr=settings.learning_rate, weight_decay=0.0)
        network, optimizer = fabric.setup(network, optimizer)
        lessons = DrawnLessons(self._teaching, self._known.training, settings, _recipe(self._parent.header))
        knew = self._parent.header.training.get("known_accuracy")
        self._blends = ClassBlends(self._begun.network, self._judging, self._known.watched, fabric.device, knew)
        self._start = self._best = self._blends.first
        self._spent += time.thread_time() - began
        yield self._update([], self._start, improved=False)
        losses: list[float] = []
        misses = 0
        while self._progress() < 1 and not self._stopping and misses < settings.patience:
            began = time.thread_time()
            losses.append(self._one_step(fabric, network, optimizer, lessons))
            judged, improved = None, False
            if self._step % settings.validate_every == 0 or self._stopping or self._progress() >= 1:
                judged, improved = self._validate(network)
                misses = 0 if improved else misses + 1
            self._spent += time.thread_time() - began
            yield self._update(losses, judged, improved=improved)
            losses = losses if judged is None else []
        if losses:  # it was stopped between two validations
            judged, improved = self._validate(network)
            yield self._update(losses, judged, improved=improved)

    def _progress(self) -> float:
        if not self._step:  # else the time that it took to begin would decide the first step's learning rate
            return 0.0
        return max(self._step / self.settings.steps, self._spent / self.settings.seconds)

    def _one_step(self, fabric: Any, network: Any, optimizer: Any, lessons: DrawnLessons) -> float:
        batch, targets = lessons.batch(self._step)
        done = min(self._progress(), 1.0)
        factor = min((done + 1e-3) / WARM_UP, 1.0) * 0.5 * (1 + np.cos(np.pi * done))
        for group in optimizer.param_groups:
            group["lr"] = self.settings.learning_rate * float(factor)
        loss = F.cross_entropy(network(batch.to(fabric.device)).float(), targets.to(fabric.device))
        if not torch.isfinite(loss):
            raise DataSetError(
                f"learning step {self._step + 1}: the loss is not a number; look for extreme values in the pictures, "
                "or lower the learning rate"
            )
        fabric.backward(loss)
        fabric.clip_gradients(network, optimizer, max_norm=5.0)
        optimizer.step()
        optimizer.zero_grad()
        self._step += 1
        return float(loss.detach())

    def _validate(self, network: Any) -> tuple[Judged, bool]:
        """Judge the best blend, and tell whether it is the best network so far, which is kept."""
        assert self._blends is not None
        blend = self._blends.best(network.module.state_dict())
        if blend is None:
            self._forgot = self._best_weights is None
            return self._start, False
        judged, start = blend.judged, self._start
        worth = judged.right > start.right or (
            judged.right == start.right and judged.likelihood >= start.likelihood + SURER
        )
        gained = worth and judged > self._best
        if gained:
            self._best_weights, self._best, self._best_step = blend.weights, judged, self._step
        self._forgot = False
        return judged, gained

    def _update(self, losses: Sequence[float], judged: Judged | None, *, improved: bool) -> ClassLearningUpdate:
        by_steps = self._spent / self._step * (self.settings.steps - self._step) if self._step else np.inf
        left = max(0.0, min(self.settings.seconds - self._spent, float(by_steps)))
        loss = float(np.mean(losses)) if losses else float("nan")
        done = min(self._progress(), 1.0)
        return ClassLearningUpdate(self._step, loss, judged, self._start, self._best, improved, done, left)

    def _header(self) -> ModelHeader:
        parent = self._parent.header
        knew = {} if self._blends is None or self._blends.knew is None else {"known_accuracy": self._blends.knew}
        training = {
            **knew,
            "finetuned_from": parent.name,
            "parent_training": dict(parent.training),
            "corrections_sha256": _sha256(self._teaching, self._judging),
            "corrections": len(self._teaching) + len(self._judging),
            "added_classes": list(self.added),
            "replayed": len(self._known.training),
            "settings": self.settings.as_dict(),
            "step": self._best_step or self._step,
            "validation_accuracy_before": round(self._start.accuracy, 4),
            "validation_accuracy": round(self._best.accuracy, 4),
            "versions": package_versions("torch", "monai"),
        }
        return replace(self._begun.header, training=training, parent_sha256=self._parent.sha256)


class DrawnLessons:
    """Draws what a model learns from, by number: each class of what was given equally often, and what it knew.

    Parameters
    ----------
    own, known
        What was given, and what the model was first trained on.
    settings
        Batch, share of what was known, and seed.
    recipe
        How pictures are varied.
    """

    def __init__(
        self, own: Pictures, known: Pictures, settings: ClassLearningSettings, recipe: AugmentationName
    ) -> None:
        self._own, self._known, self._settings = own, known, settings
        self._replay = settings.replay if len(known) else 0.0
        self._classes = [np.flatnonzero(own.labels == label) for label in np.unique(own.labels)]
        self._transform: Recipe = class_augmentation(recipe, own.images.shape[-1])

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return the pictures of a step, (N, C, size, size), and their classes."""
        first = step * self._settings.batch
        drawn = [self._one(number) for number in range(first, first + self._settings.batch)]
        pictures, labels = zip(*drawn, strict=True)
        return torch.stack(pictures).contiguous(memory_format=torch.channels_last), torch.tensor(labels)

    def _one(self, number: int) -> tuple[Tensor, int]:
        random = np.random.default_rng((self._settings.seed, 7, number))
        source = self._own
        if random.random() < self._replay:
            source = self._known
            chosen = int(random.integers(len(source)))
        else:
            chosen = int(random.choice(self._classes[random.integers(len(self._classes))]))
        self._transform.set_random_state(seed=int(random.integers(2**31)))
        varied = self._transform(torch.from_numpy(source.images[chosen].astype(np.float32)))
        return torch.as_tensor(varied).as_subclass(Tensor).float(), int(source.labels[chosen])


def _learning_parts(network: nn.Module, part: str) -> list[nn.Parameter]:
    """Return the parameters that learn; all others are held still."""
    if part == "full":
        return list(network.requires_grad_(True).parameters())
    parts = {each.name: found for each, found in network.learnable().items()} if isinstance(network, Network) else {}
    if part not in parts:
        names = ", ".join(("full", *parts))
        raise UserError(f"this network has no part {part!r} that could learn; choose from: {names}")
    network.requires_grad_(False)
    for parameter in parts[part]:
        parameter.requires_grad_(True)
    return list(parts[part])


def _recipe(header: ModelHeader) -> AugmentationName:
    """Return how pictures were varied when the model was trained first; orientation and light where that is unknown."""
    training = header.training
    while "parent_training" in training:
        training = training["parent_training"]
    name: AugmentationName = training.get("settings", {}).get("augment", "light")
    return name


def _sha256(*sides: Pictures) -> str:
    digest = hashlib.sha256()
    for side in sides:
        digest.update(side.images.tobytes())
        digest.update(side.labels.tobytes())
    return digest.hexdigest()
