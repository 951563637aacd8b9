"""Training a network on a data set, with Lightning Fabric, so that it runs on one CPU as on several GPUs.

The best model is the one with the highest validation Dice, which is the mean over the domains of the data. A run that
was killed and resumed ends with the same weights as one that was not (see :mod:`src_models.training.run_files`).
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader

from src_models.computing.memory import reused_memory
from src_models.errors import DataSetError, UserError
from src_models.files.dataset import DataSet
from src_models.labels.numbering import unnumbered_words
from src_models.models.architectures import create
from src_models.models.checkpoint import Model
from src_models.models.citations import as_fields, citations_of
from src_models.models.encoder_weights import begin_with_imagenet, encoder_weights_facts
from src_models.models.header import ModelHeader
from src_models.nets.network import Network
from src_models.training.drawn_ahead import drawn_ahead
from src_models.training.fabric import make_fabric, make_optimizer, set_learning_rate
from src_models.training.masked_dice import dice_counts, mean_dice
from src_models.training.new_model import masks_without_numbers
from src_models.training.patches import Patches, TrainingImage, classes_of_labels, load_images, window_of_most
from src_models.training.run_files import RunFiles
from src_models.training.segmentation_loss import class_logits, segmentation_loss
from src_models.training.settings import TrainSettings
from src_models.training.supervision import step_loss

__all__ = ["TrainSettings", "TrainingState", "TrainingUpdate", "train"]


_log = logging.getLogger(__name__)

LOG_COLUMNS = ("step", "loss", "validation_dice")


@dataclass(frozen=True, slots=True)
class TrainingUpdate:
    """What there is to tell after a step: mean loss since the last validation, and Dice if one was just made."""

    step: int
    steps: int
    loss: float
    validation_dice: float | None
    best_dice: float


@dataclass
class TrainingState:
    """Where a training stands."""

    step: int = 0
    dice: float = -1.0
    best_dice: float = -1.0
    best_step: int = 0
    losses: list[float] = field(default_factory=list)


def train(
    data: DataSet,
    header: ModelHeader,
    output: str | Path,
    settings: TrainSettings | None = None,
    *,
    start: Model | None = None,
    encoder_weights: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_update: Callable[[TrainingUpdate], None] | None = None,
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
        Model whose weights the network begins with; without one they are drawn at random. The header of what is written
        names it as its parent.
    encoder_weights
        File of published weights that the encoder begins with; see :mod:`src_models.models.encoder_weights`. The header
        of what is written tells whose they are.
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
    ModelFileError
        If `encoder_weights` cannot be read, or are those of another network.
    OutputError
        If `output` exists and neither `resume` nor `overwrite` is given.
    UserError
        If `start` is another network than `header` describes, or `encoder_weights` do not go with it or with `start`.
    """
    if start is not None:
        header = _descendant(header, start)
    if encoder_weights is not None:
        header = _with_encoder_weights(header, start, encoder_weights)
    run = _Run(data, header, Path(output), settings or TrainSettings(), start, encoder_weights, on_update)
    return run.run(resume, overwrite)


def _descendant(header: ModelHeader, start: Model) -> ModelHeader:
    """Return the header of a network that begins with the weights of `start`."""
    parent = start.header
    for name in ("architecture", "config", "classes", "channels"):
        old, new = getattr(parent, name), getattr(header, name)
        if old != new:
            raise UserError(
                f"the model {parent.name} cannot be the start of this training: its {name} is {old}, and {new} is "
                "asked for; give the options that it was trained with, or leave it out"
            )
    inherited = {name: parent.training[name] for name in ("encoder_weights",) if name in parent.training}
    return replace(header, parent_sha256=start.sha256, training={**header.training, **inherited})


def _with_encoder_weights(header: ModelHeader, start: Model | None, path: str | Path) -> ModelHeader:
    """Return the header of a network whose encoder begins with published weights."""
    if start is not None:
        raise UserError(
            f"the encoder would begin with {path} and with the weights of the model {start.header.name}: leave one out"
        )
    if header.intensity.kind not in ("percentile", "window"):
        raise UserError(
            f"weights for the encoder go with images from 0 to 1, and intensity {header.intensity.kind} gives others: "
            "choose percentile or window"
        )
    return replace(header, training={**header.training, "encoder_weights": encoder_weights_facts(path)})


class _Run:
    """One training run."""

    def __init__(
        self,
        data: DataSet,
        header: ModelHeader,
        output: Path,
        settings: TrainSettings,
        start: Model | None,
        encoder_weights: str | Path | None,
        on_update: Callable[[TrainingUpdate], None] | None,
    ) -> None:
        self.header = header
        self.files = RunFiles(output, LOG_COLUMNS, settings, header)
        self.settings = settings
        self.start = start
        self.encoder_weights = encoder_weights
        self.on_update = on_update
        self.data = data
        self.citations = list(dict.fromkeys([*data.citations(), *(citations_of(start.header) if start else ())]))
        self.state = TrainingState()
        self.parts = False
        self.loss = segmentation_loss(header, settings.loss)

    def run(self, resume: bool, overwrite: bool) -> Path:
        resume = self.files.check(resume=resume, overwrite=overwrite)
        self.parts = self.header.result == "instances" and masks_without_numbers(self.data)
        if self.parts:
            _log.warning("%s", unnumbered_words(self.data.root))
        images = load_images(self.data.split("train"), self.header, parts=self.parts)
        validation = load_images(self.data.split("val"), self.header, parts=self.parts)
        settings = self.settings
        fabric = make_fabric(
            settings.device, settings.devices, strategy=settings.strategy, precision=settings.precision
        )
        torch.manual_seed(settings.seed)
        network = create(self.header.architecture, **self.header.config)
        if self.start is not None:
            network.load_state_dict(self.start.network.state_dict())
        if self.encoder_weights is not None and not resume:
            begin_with_imagenet(network, self.encoder_weights, image_channels=len(self.header.channels))
        if self.header.dimensions == 2:
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        wrapped, optimizer = fabric.setup(network, make_optimizer(network, settings))
        if resume:
            stored = self.files.restore(wrapped.module, optimizer, "state")
            self.state = TrainingState(**stored["state"])
        if fabric.is_global_zero:
            self._begin_files(wrapped.module, resume)
        with reused_memory():
            self._loop(fabric, wrapped, optimizer, images, validation)
        return self.files.output

    def _begin_files(self, network: nn.Module, resume: bool) -> None:
        if resume:
            self.files.cut_log(self.state.step)
            self._write_models(network)  # a run that was killed at the wrong moment did not come to it
        else:
            self.files.begin()

    def _loop(
        self,
        fabric: Fabric,
        network: Any,
        optimizer: Any,
        images: Sequence[TrainingImage],
        validation: Sequence[TrainingImage],
    ) -> None:
        settings = self.settings
        network.train()
        with closing(self._batches(fabric, images)) as batches:
            for batch, targets in batches:
                set_learning_rate(optimizer, self.state.step, settings)
                loss = self._step(fabric, network, optimizer, batch, targets)
                self.state.step += 1
                self.state.losses.append(loss)
                dice = None
                if self.state.step % settings.validate_every == 0 or self.state.step == settings.steps:
                    dice = self._validate(fabric, network, validation)
                self._tell(dice)
                if dice is not None:
                    self._keep(fabric, network, optimizer, dice)

    def _batches(self, fabric: Fabric, images: Sequence[TrainingImage]) -> Generator[tuple[Tensor, Tensor], None, None]:
        settings = self.settings
        patches = Patches(
            images,
            self.header,
            size=(settings.patch,) * self.header.dimensions,
            recipe=settings.augment,
            seed=settings.seed,
            start=self.state.step * settings.batch,
            stop=settings.steps * settings.batch,
        )
        loader = DataLoader(
            patches, batch_size=settings.batch // fabric.world_size, num_workers=settings.workers, drop_last=True
        )
        batches: Any = fabric.setup_dataloaders(loader)
        yield from batches if settings.workers else drawn_ahead(batches)

    def _step(self, fabric: Fabric, network: Any, optimizer: Any, batch: Tensor, targets: Tensor) -> float:
        if batch.ndim == 4:
            batch = batch.contiguous(memory_format=torch.channels_last)
        loss = step_loss(network, batch, targets, self.loss)
        if not torch.isfinite(loss):
            raise DataSetError(
                f"training step {self.state.step + 1}: the loss is not a number; lower the learning rate, or look for "
                "extreme values in the images"
            )
        fabric.backward(loss)
        if self.state.step < self.settings.gates_from:
            _forget_gradients_of_what_learns_late(network.module)
        fabric.clip_gradients(network, optimizer, max_norm=5.0)
        optimizer.step()
        optimizer.zero_grad()
        return float(fabric.all_reduce(loss.detach()))  # type: ignore[arg-type]

    def _validate(self, fabric: Fabric, network: Any, images: Sequence[TrainingImage]) -> float:
        """Mean over domains of the Dice score of the middles of their validation images.

        Within a domain it is pooled over the images, and is the mean over classes but the background: so the best model
        is not the one that is best on the domain with the most images.
        """
        network.eval()
        classes = len(self.header.classes)
        domains = list(dict.fromkeys(image.domain for image in images))
        totals = torch.zeros(len(domains), 2, classes, dtype=torch.int64, device=fabric.device)
        for image in images[fabric.global_rank :: fabric.world_size]:
            batch, targets = _middle(image, self.settings.patch, self.header)
            with torch.inference_mode():
                found = class_logits(network(batch.to(fabric.device)), self.header).argmax(1)[0]
            totals[domains.index(image.domain)] += dice_counts(found, targets.to(fabric.device), classes)
        network.train()
        counts: Tensor = fabric.all_reduce(totals, reduce_op="sum")  # type: ignore[assignment]
        return float(np.mean([mean_dice(domain, empty=0.0) for domain in counts]))

    def _tell(self, dice: float | None) -> None:
        if self.on_update is not None:
            recent = self.state.losses
            best = max(self.state.best_dice, dice if dice is not None else -1.0)
            self.on_update(TrainingUpdate(self.state.step, self.settings.steps, float(np.mean(recent)), dice, best))

    def _keep(self, fabric: Fabric, network: Any, optimizer: Any, dice: float) -> None:
        """Write the log, the state from which the run can go on, and after it the models, which follow from it."""
        state = self.state
        state.dice = dice
        if dice > state.best_dice:
            state.best_dice, state.best_step = dice, state.step
        mean, state.losses = float(np.mean(state.losses)), []
        if fabric.is_global_zero:
            row = (state.step, f"{mean:.6f}", f"{dice:.6f}")
            self.files.keep(row, network.module, optimizer, state=dataclasses.asdict(state))
            self._write_models(network.module)
        fabric.barrier()

    def _write_models(self, network: nn.Module) -> None:
        state = self.state
        self.files.write_models(
            network,
            state.step,
            best=state.best_step == state.step,
            data=self.data.root.resolve().name,
            data_sets=as_fields(self.citations),
            train_images=len(self.data.split("train")),
            val_images=len(self.data.split("val")),
            validation_dice=round(state.dice, 4),
            **({"objects": "connected parts of masks without numbers"} if self.parts else {}),
        )


def _forget_gradients_of_what_learns_late(network: nn.Module) -> None:
    """Leave gates and the like as they are: an optimiser passes over what has no gradient."""
    for parameter in network.late() if isinstance(network, Network) else ():
        parameter.grad = None


def _middle(image: TrainingImage, most: int, header: ModelHeader) -> tuple[Tensor, Tensor]:
    """Return the middle of an image, (1, C, *S), and its classes (*S); of one that counts in part, that part."""
    counts = image.labels >= 0
    cut = window_of_most(counts, most)
    if counts.all():
        cut = tuple(slice(max(0, (length - most) // 2), max(0, (length - most) // 2) + most) for length in counts.shape)
    planes = torch.from_numpy(image.image[(slice(None), *cut)].astype(np.float32))[None]
    return planes, torch.from_numpy(classes_of_labels(image.labels, header)[cut])
