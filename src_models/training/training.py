"""Training a network on a data set, with Lightning Fabric, so that it runs on one CPU as on several GPUs.

A run keeps four files beside each other: ``NAME.safetensors``, the model with the best validation Dice so far;
``NAME.last.safetensors``, the model as it is now; ``NAME.training.pt``, all that is needed to go on; and
``NAME.log.csv``. A run that was killed and resumed ends with the same weights as one that was not.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.fabric import Fabric
from monai.losses.dice import DiceCELoss
from torch import Tensor, nn
from torch.utils.data import DataLoader

from src_models.computing.memory import reused_memory
from src_models.disk.atomic import atomic_path, check_new, check_writable
from src_models.errors import DataSetError, UserError
from src_models.files.dataset import DataSet
from src_models.models.architectures import create
from src_models.models.checkpoint import Model, save
from src_models.models.header import ModelHeader
from src_models.nets.network import Network
from src_models.training.fabric import make_fabric, set_learning_rate
from src_models.training.masked_loss import IGNORED, masked_ce, masked_dice_ce
from src_models.training.patches import Patches, TrainingImage, load_images, targets_of, window_of_most
from src_models.training.settings import TrainSettings

__all__ = ["TrainSettings", "TrainingState", "TrainingUpdate", "train"]


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
    return _Run(data, header, Path(output), settings or TrainSettings(), start, on_update).run(resume, overwrite)


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
    return replace(header, parent_sha256=start.sha256)


class _Run:
    """One training run."""

    def __init__(
        self,
        data: DataSet,
        header: ModelHeader,
        output: Path,
        settings: TrainSettings,
        start: Model | None,
        on_update: Callable[[TrainingUpdate], None] | None,
    ) -> None:
        self.header = header
        self.output = output
        self.last = output.with_suffix(".last.safetensors")
        self.checkpoint = output.with_suffix(".training.pt")
        self.log = output.with_suffix(".log.csv")
        self.settings = settings
        self.start = start
        self.on_update = on_update
        self.data = data
        self.state = TrainingState()
        whole = settings.loss == "dice-ce"
        self.loss = DiceCELoss(softmax=True, to_onehot_y=True, lambda_dice=1.0 if whole else 0.0)
        self.masked_loss = masked_dice_ce if whole else masked_ce

    def run(self, resume: bool, overwrite: bool) -> Path:
        if self.output.suffix != ".safetensors":
            raise UserError(f"{self.output}: the name of a model file ends in .safetensors")
        resume = resume and self.checkpoint.exists()
        for path in (self.output, self.last, self.checkpoint):
            check_new(path, overwrite=overwrite or resume)
        check_writable(self.output.parent)
        images = load_images(self.data.split("train"), self.header)
        validation = load_images(self.data.split("val"), self.header)
        fabric = make_fabric(self.settings)
        torch.manual_seed(self.settings.seed)
        network = create(self.header.architecture, **self.header.config)
        if self.start is not None:
            network.load_state_dict(self.start.network.state_dict())
        if self.header.dimensions == 2:
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        kind = torch.optim.Adam if self.settings.optimizer == "adam" else torch.optim.AdamW
        optimizer = kind(network.parameters(), lr=self.settings.learning_rate, weight_decay=self.settings.weight_decay)
        wrapped, optimizer = fabric.setup(network, optimizer)
        if resume:
            self._restore(wrapped, optimizer)
            if fabric.is_global_zero:  # a run that was killed at the wrong moment did not come to it
                self._write_models(wrapped.module)
        elif fabric.is_global_zero:
            self._write_log_row(LOG_COLUMNS, new=True)
        with reused_memory():
            self._loop(fabric, wrapped, optimizer, images, validation)
        return self.output

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
        for batch, targets in self._loader(fabric, images):
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

    def _loader(self, fabric: Fabric, images: Sequence[TrainingImage]) -> DataLoader[tuple[Tensor, Tensor]]:
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
        return fabric.setup_dataloaders(loader)  # type: ignore[return-value]

    def _step(self, fabric: Fabric, network: Any, optimizer: Any, batch: Tensor, targets: Tensor) -> float:
        if batch.ndim == 4:
            batch = batch.contiguous(memory_format=torch.channels_last)
        partly = bool((targets == IGNORED).any())
        logits = network(batch)
        loss = self.masked_loss(logits, targets) if partly else self.loss(logits, targets[:, None])
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
        """Mean over classes but the background of Dice, pooled over the middles of all validation images."""
        network.eval()
        totals = torch.zeros(2, len(self.header.classes), device=fabric.device)
        for image in images[fabric.global_rank :: fabric.world_size]:
            batch, targets = _middle(image, self.settings.patch, self.header)
            with torch.inference_mode():
                found = network(batch.to(fabric.device)).argmax(1)[0]
            truth = targets.to(fabric.device)
            for index in range(len(self.header.classes)):
                here, there = (found == index) & (truth != IGNORED), truth == index
                totals[0, index] += 2 * (here & there).sum()
                totals[1, index] += here.sum() + there.sum()
        network.train()
        totals = fabric.all_reduce(totals, reduce_op="sum")  # type: ignore[assignment]
        present = totals[1, 1:] > 0
        dice = totals[0, 1:][present] / totals[1, 1:][present]
        return float(dice.mean()) if present.any() else 0.0

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
            self._write_log_row((state.step, f"{mean:.6f}", f"{dice:.6f}"))
            self._store(network.module, optimizer)
            self._write_models(network.module)
        fabric.barrier()

    def _write_models(self, network: nn.Module) -> None:
        """Write the last model, and the best if that is the last."""
        model = Model(network, self._header(self.state.dice))
        save(model, self.last, overwrite=True)
        if self.state.best_step == self.state.step:
            save(model, self.output, overwrite=True)

    def _header(self, dice: float) -> ModelHeader:
        packages = ("torch", "monai", "lightning", "numpy", "scikit-image")
        training = {
            **self.header.training,
            "data": self.data.root.resolve().name,
            "train_images": len(self.data.split("train")),
            "val_images": len(self.data.split("val")),
            "settings": dataclasses.asdict(self.settings),
            "step": self.state.step,
            "validation_dice": round(dice, 4),
            "versions": {"python": platform.python_version(), **{name: version(name) for name in packages}},
        }
        return replace(self.header, training=training)

    def _store(self, network: nn.Module, optimizer: Any) -> None:
        content = {
            "settings": json.dumps(self.settings.repeatable(), sort_keys=True),
            "header": _what_decides(self.header),
            "state": dataclasses.asdict(self.state),
            "network": network.state_dict(),
            "optimizer": optimizer.state_dict(),
        }
        with atomic_path(self.checkpoint, overwrite=True) as beside:
            torch.save(content, beside)

    def _restore(self, network: Any, optimizer: Any) -> None:
        try:
            content: Mapping[str, Any] = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
            self.state = TrainingState(**content["state"])
            stored = content["settings"]
        except Exception as error:  # torch's own words advise to load it unsafely
            raise DataSetError(
                f"{self.checkpoint}: this training state cannot be read; start anew with --overwrite"
            ) from error
        if stored != json.dumps(self.settings.repeatable(), sort_keys=True):
            raise DataSetError(
                f"{self.checkpoint}: the run was started with other settings ({stored}); give the same ones to resume"
            )
        if content.get("header", _what_decides(self.header)) != _what_decides(self.header):
            raise DataSetError(
                f"{self.checkpoint}: the run was started with another network, or other classes or channels "
                f"({content['header']}); give the same options to resume"
            )
        network.module.load_state_dict(content["network"])
        optimizer.load_state_dict(content["optimizer"])
        self._cut_log()

    def _cut_log(self) -> None:
        """Drop rows written after the state that the run resumes from."""
        if not self.log.exists():
            self._write_log_row(LOG_COLUMNS, new=True)
        with self.log.open(newline="") as file:
            rows = list(csv.reader(file))
        kept = rows[:1] + [row for row in rows[1:] if int(row[0]) <= self.state.step]
        with atomic_path(self.log, overwrite=True) as beside, beside.open("w", newline="") as file:
            csv.writer(file).writerows(kept)

    def _write_log_row(self, row: Sequence[object], *, new: bool = False) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("w" if new else "a", newline="") as file:
            csv.writer(file).writerow(row)


def _what_decides(header: ModelHeader) -> str:
    """Return, as JSON, the fields of a header that decide what the network is and learns."""
    everything = dataclasses.asdict(header)
    names = ("architecture", "config", "classes", "channels", "dimensions", "intensity", "result", "parent_sha256")
    return json.dumps({name: everything[name] for name in names}, sort_keys=True)


def _forget_gradients_of_what_learns_late(network: nn.Module) -> None:
    """Leave gates and the like as they are: an optimiser passes over what has no gradient."""
    for parameter in network.late() if isinstance(network, Network) else ():
        parameter.grad = None


def _middle(image: TrainingImage, most: int, header: ModelHeader) -> tuple[Tensor, Tensor]:
    """Return the middle of an image, (1, C, *S), and its target classes (*S); of one that counts in part, that part."""
    counts = image.labels >= 0
    cut = window_of_most(counts, most)
    if counts.all():
        cut = tuple(slice(max(0, (length - most) // 2), max(0, (length - most) // 2) + most) for length in counts.shape)
    planes = torch.from_numpy(image.image[(slice(None), *cut)].astype(np.float32))[None]
    return planes, torch.from_numpy(targets_of(image.labels, header)[cut])
