"""Training a network that tells classes: steps, validation, keeping the best, and going on after an interruption.

The best model is the one with the highest accuracy on the validation pictures, or balanced accuracy (the mean over the
classes of the share that is found) where some class has more than twice as many training pictures as another; the
header says which. A run writes the files of :mod:`src_models.training.resumable.run_files`; one that was killed and
resumed ends with the same weights as one that was not.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from src_models.classifying.evaluation.scores import accuracy, balanced_accuracy, confusion_of
from src_models.classifying.training.pictures import DrawnPictures, load_pictures
from src_models.classifying.training.settings import ClassTrainSettings
from src_models.errors import UserError
from src_models.files.class_sets.class_set import ClassSet
from src_models.models.architectures import create
from src_models.models.checkpoint import Model
from src_models.models.citations import as_fields, citations_of
from src_models.models.encoder_weights import begin_with_imagenet, with_encoder_weights
from src_models.models.header import ModelHeader
from src_models.training.resumable.training_run import TrainingRun

__all__ = ["ClassTrainingUpdate", "class_weights", "train_classes"]

LOG_COLUMNS = ("step", "loss", "validation_loss", "validation_accuracy", "validation_balanced_accuracy")
UNEVEN = 2  # times as many pictures of one class as of another
VALIDATED = 64  # pictures at a time


@dataclass(frozen=True, slots=True)
class ClassTrainingUpdate:
    """What there is to tell after a step: mean loss since the last validation, and the score if it was just measured.

    `measure` says what the score is: ``"accuracy"`` or ``"balanced accuracy"``.
    """

    step: int
    steps: int
    loss: float
    validation_score: float | None
    best_score: float
    measure: str


class Scores(NamedTuple):
    """What a validation measures."""

    loss: float
    accuracy: float
    balanced: float


def train_classes(
    data: ClassSet,
    header: ModelHeader,
    output: str | Path,
    settings: ClassTrainSettings | None = None,
    *,
    start: Model | None = None,
    encoder_weights: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_update: Callable[[ClassTrainingUpdate], None] | None = None,
) -> Path:
    """Train a network, new or from the weights of another model, and write the best one found.

    Parameters
    ----------
    data
        Its splits ``"train"`` and ``"val"`` are used.
    header
        Describes the network to make; its field `training` is filled in.
    output
        Model file to write; the other files of the run lie beside it.
    settings
        How to train.
    start
        Model whose weights the network begins with. Where it tells other classes, its last layer is left out. The
        header of what is written names it as its parent.
    encoder_weights
        File of published weights that the encoder begins with; see :mod:`src_models.models.encoder_weights`. The header
        of what is written says which.
    resume
        Go on with the run that wrote to `output`, if there is one; otherwise start it.
    overwrite
        Whether an existing `output` may be replaced.
    on_update
        Called after every step.

    Returns
    -------
    Path
        `output`.

    Raises
    ------
    DataSetError
        If the data do not fit the network, or a loss is NaN.
    OutputError
        If `output` exists and neither `resume` nor `overwrite` is given.
    UserError
        If `start` is another network than `header` describes, or `encoder_weights` do not go with it or with `start`.
    ModelFileError
        If `encoder_weights` cannot be read, or are those of another network.
    """
    if start is not None:
        header = _descendant(header, start)
    if encoder_weights is not None:
        header = with_encoder_weights(header, start, encoder_weights)
    settings = settings or ClassTrainSettings(patch=header.tile[-1])
    run = _Run(data, header, Path(output), settings, start, encoder_weights, on_update)
    return run.run(resume=resume, overwrite=overwrite)


def _descendant(header: ModelHeader, start: Model) -> ModelHeader:
    parent = start.header
    known = {**parent.config, "classes": len(header.classes)}
    if (parent.architecture, known, parent.channels) != (header.architecture, dict(header.config), header.channels):
        raise UserError(
            f"the model {parent.name} cannot be the start of this training: it is {parent.architecture} with "
            f"{parent.config} of {', '.join(parent.channels)}, and {header.architecture} with {header.config} of "
            f"{', '.join(header.channels)} is asked for; give the options that it was trained with, or leave it out"
        )
    inherited = {name: parent.training[name] for name in ("encoder_weights",) if name in parent.training}
    return replace(header, parent_sha256=start.sha256, training={**header.training, **inherited})


def class_weights(labels: NDArray[np.int64], classes: int, how: str) -> Tensor:
    """Return what a picture of each class counts: the same, or, ``"balanced"``, each class the same.

    Parameters
    ----------
    labels
        The classes of all pictures.
    classes
        How many there are; one without pictures counts nothing.
    how
        ``"none"`` or ``"balanced"``.
    """
    if how == "none":
        return torch.ones(classes)
    counts = np.bincount(labels, minlength=classes)
    balanced = len(labels) / (np.maximum(counts, 1) * (counts > 0).sum())
    return torch.from_numpy(np.where(counts, balanced, 0)).float()


class _Run(TrainingRun[tuple[Tensor, Tensor], Scores]):
    """A training on pictures with classes."""

    columns = LOG_COLUMNS
    examples = "pictures"

    def __init__(
        self,
        data: ClassSet,
        header: ModelHeader,
        output: Path,
        settings: ClassTrainSettings,
        start: Model | None,
        encoder_weights: str | Path | None,
        on_update: Callable[[ClassTrainingUpdate], None] | None,
    ) -> None:
        super().__init__(header, output, settings)
        self.settings: ClassTrainSettings = settings
        self.data, self.start, self.on_update = data, start, on_update
        self.encoder_weights = encoder_weights
        self.citations = list(dict.fromkeys([*data.citations(), *(citations_of(start.header) if start else ())]))
        counts = [count for count in data.counts(data.split("train")) if count]
        self.by = "balanced accuracy" if max(counts) > UNEVEN * min(counts) else "accuracy"
        self.mean: nn.Module | None = None

    def load(self) -> None:
        self.pictures = load_pictures(self.data, self.data.split("train"), self.header)
        self.validation = load_pictures(self.data, self.data.split("val"), self.header)
        self.weights = class_weights(self.pictures.labels, len(self.header.classes), self.settings.class_weights)

    def make_network(self, *, anew: bool) -> nn.Module:
        network = create(self.header.architecture, **self.header.config)
        if self.start is not None:
            begun = copy.deepcopy(self.start.network)
            if self.start.header.classes != self.header.classes:
                begun.new_head(len(self.header.classes))  # type: ignore[operator]
            network.load_state_dict(begun.state_dict())
        if self.encoder_weights is not None and anew:
            begin_with_imagenet(network, self.encoder_weights)
        network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if self.settings.average:
            self.mean = self.fabric.to_device(copy.deepcopy(network)).eval()
        return network  # type: ignore[no-any-return]

    def batches(self) -> Generator[tuple[Tensor, Tensor], None, None]:
        settings = self.settings
        drawn = DrawnPictures(
            self.pictures,
            recipe=settings.augment,
            seed=settings.seed,
            start=self.step * settings.batch,
            stop=settings.steps * settings.batch,
        )
        yield from self.loaded(drawn)

    def loss_of(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        pictures, targets = batch
        logits = self.network(pictures.contiguous(memory_format=torch.channels_last)).float()
        weights = self.weights.to(self.fabric.device)
        return F.cross_entropy(logits, targets, weights, label_smoothing=self.settings.label_smoothing)

    def after_step(self) -> None:
        if self.mean is not None:
            _move_mean(self.mean, self.network.module, min(self.settings.average, (1 + self.step) / (10 + self.step)))

    @property
    def measured(self) -> nn.Module:
        """The mean of the weights, where one is kept."""
        return super().measured if self.mean is None else self.mean

    def validate(self) -> Scores:
        """Measure the network on all validation pictures."""
        measured: nn.Module = self.network if self.mean is None else self.mean
        pictures, answers = self.validation, []
        with torch.inference_mode():
            for first in range(0, len(pictures), VALIDATED):
                batch = torch.from_numpy(pictures.images[first : first + VALIDATED].astype(np.float32))
                answers.append(measured(batch.to(self.fabric.device)).float().cpu())
        logits, labels = torch.cat(answers), torch.from_numpy(pictures.labels)
        confusion = confusion_of(pictures.labels, logits.argmax(1).numpy(), len(self.header.classes))
        return Scores(float(F.cross_entropy(logits, labels)), accuracy(confusion), balanced_accuracy(confusion))

    def measure(self, score: Scores) -> float:
        return score.balanced if self.by == "balanced accuracy" else score.accuracy

    def tell(self, score: Scores | None) -> None:
        if self.on_update is not None:
            now = None if score is None else self.measure(score)
            best = max(self.best, -1.0 if now is None else now)
            mean = float(np.mean(self.losses))
            self.on_update(ClassTrainingUpdate(self.step, self.settings.steps, mean, now, best, self.by))

    def row(self, loss: float, score: Scores) -> tuple[str, ...]:
        return tuple(f"{value:.6f}" for value in (loss, *score))

    def facts(self) -> dict[str, Any]:
        assert self.score is not None
        state = {
            "step": self.step,
            "validated": list(self.score),
            "best_score": self.best,
            "best_step": self.best_step,
        }
        return {"state": state, **({} if self.mean is None else {"mean": self.mean.state_dict()})}

    def take(self, stored: dict[str, Any]) -> None:
        state = stored["state"]
        self.step, self.score = state["step"], Scores(*state["validated"])
        self.best, self.best_step = state["best_score"], state["best_step"]
        if self.mean is not None:
            self.mean.load_state_dict(stored["mean"])

    def told(self, score: Scores) -> dict[str, Any]:
        data = self.data
        return {
            "data": data.root.resolve().name,
            "data_sets": as_fields(self.citations),
            "train_images": len(data.split("train")),
            "val_images": len(data.split("val")),
            "train_counts": dict(zip(data.classes, data.counts(data.split("train")), strict=True)),
            "best_by": f"validation {self.by}",
            "validation_loss": round(score.loss, 4),
            "validation_accuracy": round(score.accuracy, 4),
            "validation_balanced_accuracy": round(score.balanced, 4),
        }


def _move_mean(mean: nn.Module, network: nn.Module, kept: float) -> None:
    """Move the mean of the weights towards the present ones; norms' statistics, which are means already, are taken."""
    with torch.no_grad():
        for old, new in zip(mean.parameters(), network.parameters(), strict=True):
            old.lerp_(new, 1 - kept)
        for held, now in zip(mean.buffers(), network.buffers(), strict=True):
            held.copy_(now)
