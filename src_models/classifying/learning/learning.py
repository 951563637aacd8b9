"""A model of classes learns from given classes."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from torch import Tensor, nn

from src_models.classifying.asking import check_classifies
from src_models.classifying.learning.blends import ClassBlends
from src_models.classifying.learning.known_pictures import KnownPictures, known_pictures
from src_models.classifying.learning.new_classes import with_classes
from src_models.classifying.learning.progress import Judged, class_gain_sentence
from src_models.classifying.learning.settings import ClassLearningSettings
from src_models.classifying.training.augmentation import class_augmentation
from src_models.classifying.training.pictures import Pictures, load_pictures
from src_models.errors import UserError
from src_models.files.class_sets.class_set import ClassSet
from src_models.models.checkpoint import Model
from src_models.models.header import ModelHeader
from src_models.nets.network import Network
from src_models.training.augmentation import AugmentationName, Recipe
from src_models.training.fabric import descend
from src_models.training.rounds.blends import Blend
from src_models.training.rounds.judged_learning import JudgedLearning

__all__ = ["LEAST_JUDGING", "LEAST_TEACHING", "ClassLearning", "DrawnLessons"]

LEAST_TEACHING, LEAST_JUDGING = 4, 2  # pictures
SURER = 0.02  # mean probability of the right class; less, with as many right, is not worth another model


class ClassLearning(JudgedLearning[Judged]):
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
        settings = settings or ClassLearningSettings()
        teaching, judging = data.split("train"), data.split("val")
        if len(teaching) < LEAST_TEACHING or len(judging) < LEAST_JUDGING:
            raise UserError(
                f"{data.root}: {len(teaching)} pictures would teach and {len(judging)} judge, and it takes "
                f"{LEAST_TEACHING} and {LEAST_JUDGING}: give classes to more objects"
            )
        super().__init__(with_classes(model, data.classes, settings.seed), settings, Judged(0, 0.0, len(judging)))
        self.settings: ClassLearningSettings = settings
        header = self._parent.header
        self.added = tuple(name for name in header.classes if name not in model.header.classes)
        self._teaching, self._judging = (load_pictures(data, each, header) for each in (teaching, judging))
        kept = set(model.header.classes) <= set(header.classes)
        self._known = known_pictures(header, known) if kept and settings.replay else KnownPictures.none(header)
        self._learning = _learning_parts(self._network, settings.part)
        self._lessons: DrawnLessons | None = None

    def _begin(self) -> None:
        recipe = _recipe(self._parent.header)
        self._lessons = DrawnLessons(self._teaching, self._known.training, self.settings, recipe)

    def _make_judge(self, device: torch.device) -> ClassBlends:
        knew = self._parent.header.training.get("known_accuracy")
        return ClassBlends(self._parent.network, self._judging, self._known.watched, device, knew)

    def _teach(self, fabric: Fabric, network: Any, optimizer: Any) -> float:
        assert self._lessons is not None
        batch, targets = self._lessons.batch(self._step)
        loss = F.cross_entropy(network(batch.to(fabric.device)).float(), targets.to(fabric.device))
        return float(
            descend(fabric, network, optimizer, loss, step=f"learning step {self._step + 1}", examples="pictures")
        )

    def _is_gain(self, blend: Blend[Judged]) -> bool:
        judged, start = blend.validation, self._start
        surer = judged.right == start.right and judged.likelihood >= start.likelihood + SURER
        return (judged.right > start.right or surer) and judged > self._best

    def _sentence(self, best: Judged | None) -> str:
        return class_gain_sentence(self._start, best, forgot=self._forgot, watched=len(self._known.watched))

    def _header(self) -> ModelHeader:
        training = self._training(
            "known_accuracy",
            corrections_sha256=_sha256(self._teaching, self._judging),
            corrections=len(self._teaching) + len(self._judging),
            added_classes=list(self.added),
            replayed=len(self._known.training),
            validation_accuracy_before=round(self._start.accuracy, 4),
            validation_accuracy=round(self._best.accuracy, 4),
        )
        return replace(self._parent.header, training=training, parent_sha256=self._parent.sha256)


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
