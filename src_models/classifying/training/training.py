"""Training a network that tells classes: steps, validation, keeping the best, and going on after an interruption.

A run writes the files of :mod:`src_models.training.run_files`. The best model is the one with the highest accuracy on
the validation pictures, or balanced accuracy (the mean over the classes of the share that is found) where some class
has more than twice as many training pictures as another; the header says which. A run that was killed and resumed ends
with the same weights as one that was not.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader

from src_models.classifying.evaluation.scores import accuracy, balanced_accuracy, confusion_of
from src_models.classifying.training.pictures import DrawnPictures, Pictures, load_pictures
from src_models.classifying.training.settings import ClassTrainSettings
from src_models.computing.memory import reused_memory
from src_models.errors import DataSetError, UserError
from src_models.files.class_sets.class_set import ClassSet
from src_models.models.architectures import create
from src_models.models.checkpoint import Model
from src_models.models.citations import as_fields, citations_of
from src_models.models.header import ModelHeader
from src_models.training.drawn_ahead import drawn_ahead
from src_models.training.fabric import make_fabric, make_optimizer, set_learning_rate
from src_models.training.run_files import RunFiles

__all__ = ["ClassTrainingState", "ClassTrainingUpdate", "class_weights", "train_classes"]

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


@dataclass
class ClassTrainingState:
    """Where a training stands; `score` and `best_score` are of the measure that is kept."""

    step: int = 0
    score: float = -1.0
    best_score: float = -1.0
    best_step: int = 0
    validated: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)


def train_classes(
    data: ClassSet,
    header: ModelHeader,
    output: str | Path,
    settings: ClassTrainSettings | None = None,
    *,
    start: Model | None = None,
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
        If `start` is another network than `header` describes.
    """
    if start is not None:
        header = _descendant(header, start)
    run = _Run(data, header, Path(output), settings or ClassTrainSettings(patch=header.tile[-1]), start, on_update)
    return run.run(resume, overwrite)


def _descendant(header: ModelHeader, start: Model) -> ModelHeader:
    parent = start.header
    known = {**parent.config, "classes": len(header.classes)}
    if (parent.architecture, known, parent.channels) != (header.architecture, dict(header.config), header.channels):
        raise UserError(
            f"the model {parent.name} cannot be the start of this training: it is {parent.architecture} with "
            f"{parent.config} of {', '.join(parent.channels)}, and {header.architecture} with {header.config} of "
            f"{', '.join(header.channels)} is asked for; give the options that it was trained with, or leave it out"
        )
    return replace(header, parent_sha256=start.sha256)


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


class _Run:
    """One training run."""

    def __init__(
        self,
        data: ClassSet,
        header: ModelHeader,
        output: Path,
        settings: ClassTrainSettings,
        start: Model | None,
        on_update: Callable[[ClassTrainingUpdate], None] | None,
    ) -> None:
        self.data, self.header, self.settings, self.start, self.on_update = data, header, settings, start, on_update
        self.files = RunFiles(output, LOG_COLUMNS, settings, header)
        self.citations = list(dict.fromkeys([*data.citations(), *(citations_of(start.header) if start else ())]))
        self.state = ClassTrainingState()
        counts = [count for count in data.counts(data.split("train")) if count]
        self.measure = "balanced accuracy" if max(counts) > UNEVEN * min(counts) else "accuracy"
        self.mean: nn.Module | None = None

    def run(self, resume: bool, overwrite: bool) -> Path:
        resume = self.files.check(resume=resume, overwrite=overwrite)
        settings = self.settings
        pictures = load_pictures(self.data, self.data.split("train"), self.header)
        validation = load_pictures(self.data, self.data.split("val"), self.header)
        fabric = make_fabric(
            settings.device, settings.devices, strategy=settings.strategy, precision=settings.precision
        )
        torch.manual_seed(settings.seed)
        network = self._network()
        if settings.average:
            self.mean = copy.deepcopy(network)
        wrapped, optimizer = fabric.setup(network, make_optimizer(network, settings))
        if self.mean is not None:
            self.mean = fabric.to_device(self.mean).eval()
        if resume:
            stored = self.files.restore(wrapped.module, optimizer, "state")
            self.state = ClassTrainingState(**stored["state"])
            if self.mean is not None:
                self.mean.load_state_dict(stored["mean"])
        if fabric.is_global_zero:
            self._begin_files(wrapped.module, resume)
        with reused_memory():
            self._loop(fabric, wrapped, optimizer, pictures, validation)
        return self.files.output

    def _network(self) -> nn.Module:
        network = create(self.header.architecture, **self.header.config)
        if self.start is not None:
            begun = copy.deepcopy(self.start.network)
            if self.start.header.classes != self.header.classes:
                begun.new_head(len(self.header.classes))  # type: ignore[operator]
            network.load_state_dict(begun.state_dict())
        return network.to(memory_format=torch.channels_last)  # type: ignore[no-any-return,call-overload]

    def _begin_files(self, network: nn.Module, resume: bool) -> None:
        if resume:
            self.files.cut_log(self.state.step)
            self._write_models(network)  # a run that was killed at the wrong moment did not come to it
        else:
            self.files.begin()

    def _loop(self, fabric: Fabric, network: Any, optimizer: Any, pictures: Pictures, validation: Pictures) -> None:
        settings = self.settings
        classes = len(self.header.classes)
        weights = class_weights(pictures.labels, classes, settings.class_weights).to(fabric.device)
        network.train()
        with closing(self._batches(fabric, pictures)) as batches:
            for batch, targets in batches:
                set_learning_rate(optimizer, self.state.step, settings)
                loss = self._step(fabric, network, optimizer, batch, targets, weights)
                self.state.step += 1
                self.state.losses.append(loss)
                score = None
                if self.state.step % settings.validate_every == 0 or self.state.step == settings.steps:
                    score = self._validate(fabric, network, validation)
                self._tell(score)
                if score is not None:
                    self._keep(fabric, network, optimizer, score)

    def _batches(self, fabric: Fabric, pictures: Pictures) -> Generator[tuple[Tensor, Tensor], None, None]:
        settings = self.settings
        drawn = DrawnPictures(
            pictures,
            recipe=settings.augment,
            seed=settings.seed,
            start=self.state.step * settings.batch,
            stop=settings.steps * settings.batch,
        )
        loader = DataLoader(
            drawn, batch_size=settings.batch // fabric.world_size, num_workers=settings.workers, drop_last=True
        )
        batches: Any = fabric.setup_dataloaders(loader)
        yield from batches if settings.workers else drawn_ahead(batches)

    def _step(
        self, fabric: Fabric, network: Any, optimizer: Any, batch: Tensor, targets: Tensor, weights: Tensor
    ) -> float:
        batch = batch.contiguous(memory_format=torch.channels_last)
        smoothing = self.settings.label_smoothing
        loss = F.cross_entropy(network(batch).float(), targets, weights, label_smoothing=smoothing)
        if not torch.isfinite(loss):
            raise DataSetError(
                f"training step {self.state.step + 1}: the loss is not a number; lower the learning rate, or look for "
                "extreme values in the pictures"
            )
        fabric.backward(loss)
        fabric.clip_gradients(network, optimizer, max_norm=5.0)
        optimizer.step()
        optimizer.zero_grad()
        if self.mean is not None:
            _move_mean(
                self.mean, network.module, min(self.settings.average, (1 + self.state.step) / (10 + self.state.step))
            )
        return float(fabric.all_reduce(loss.detach()))  # type: ignore[arg-type]

    def _validate(self, fabric: Fabric, network: Any, pictures: Pictures) -> float:
        """Measure the network on all validation pictures, and return the score that is kept."""
        network.eval()
        measured = network if self.mean is None else self.mean
        answers = []
        with torch.inference_mode():
            for first in range(0, len(pictures), VALIDATED):
                batch = torch.from_numpy(pictures.images[first : first + VALIDATED].astype(np.float32))
                answers.append(measured(batch.to(fabric.device)).float().cpu())
        network.train()
        logits, labels = torch.cat(answers), torch.from_numpy(pictures.labels)
        confusion = confusion_of(pictures.labels, logits.argmax(1).numpy(), len(self.header.classes))
        plain, balanced = accuracy(confusion), balanced_accuracy(confusion)
        self.state.validated = [float(F.cross_entropy(logits, labels)), plain, balanced]
        return balanced if self.measure == "balanced accuracy" else plain

    def _tell(self, score: float | None) -> None:
        if self.on_update is not None:
            state = self.state
            best = max(state.best_score, score if score is not None else -1.0)
            mean = float(np.mean(state.losses))
            self.on_update(ClassTrainingUpdate(state.step, self.settings.steps, mean, score, best, self.measure))

    def _keep(self, fabric: Fabric, network: Any, optimizer: Any, score: float) -> None:
        """Write the log, the state from which the run can go on, and after it the models, which follow from it."""
        state = self.state
        state.score = score
        if score > state.best_score:
            state.best_score, state.best_step = score, state.step
        mean, state.losses = float(np.mean(state.losses)), []
        if fabric.is_global_zero:
            row = (state.step, *(f"{value:.6f}" for value in (mean, *state.validated)))
            kept = {} if self.mean is None else {"mean": self.mean.state_dict()}
            self.files.keep(row, network.module, optimizer, state=dataclasses.asdict(state), **kept)
            self._write_models(network.module)
        fabric.barrier()

    def _write_models(self, network: nn.Module) -> None:
        state, data = self.state, self.data
        loss, plain, balanced = state.validated
        self.files.write_models(
            network if self.mean is None else self.mean,
            state.step,
            best=state.best_step == state.step,
            data=data.root.resolve().name,
            data_sets=as_fields(self.citations),
            train_images=len(data.split("train")),
            val_images=len(data.split("val")),
            train_counts=dict(zip(data.classes, data.counts(data.split("train")), strict=True)),
            best_by=f"validation {self.measure}",
            validation_loss=round(loss, 4),
            validation_accuracy=round(plain, 4),
            validation_balanced_accuracy=round(balanced, 4),
        )


def _move_mean(mean: nn.Module, network: nn.Module, kept: float) -> None:
    """Move the mean of the weights towards the present ones; norms' statistics, which are means already, are taken."""
    with torch.no_grad():
        for old, new in zip(mean.parameters(), network.parameters(), strict=True):
            old.lerp_(new, 1 - kept)
        for held, now in zip(mean.buffers(), network.buffers(), strict=True):
            held.copy_(now)
