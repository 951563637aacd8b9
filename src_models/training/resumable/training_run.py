"""A training, whatever is trained: its steps, its validations, the best network so far, and how it goes on later.

A run that was killed and resumed ends with the same weights as one that was not
(see :mod:`src_models.training.resumable.run_files`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from src_models.computing.memory import reused_memory
from src_models.models.header import ModelHeader
from src_models.training.drawn_ahead import drawn_ahead
from src_models.training.fabric import descend, make_fabric, make_optimizer, set_learning_rate
from src_models.training.resumable.run_files import RunFiles
from src_models.training.settings import TrainSettings

__all__ = ["TrainingRun"]

Batch = TypeVar("Batch")
Score = TypeVar("Score")


class TrainingRun(ABC, Generic[Batch, Score]):
    """One training.

    What it learns from, what it is judged by, and what is written of it is up to who inherits it.

    Parameters
    ----------
    header
        What is trained.
    output
        The file of the best model; the others lie beside it.
    settings
        How to train.

    Attributes
    ----------
    step, losses
        Steps made, and the losses of those since the last validation.
    score
        What the last validation gave; None before the first.
    best, best_step
        The best that was measured, -1 before the first validation, and when.
    fabric, network, optimizer
        What it runs on, and what learns; made by :meth:`run`.
    """

    columns: ClassVar[tuple[str, ...]]  #: of the log; the first is the step
    examples: ClassVar[str] = "images"  #: what it learns from, for errors
    kept: ClassVar[tuple[str, ...]] = ("state",)  #: what it cannot go on without

    fabric: Fabric
    network: Any
    optimizer: Any

    def __init__(self, header: ModelHeader, output: Path, settings: TrainSettings) -> None:
        self.header, self.settings = header, settings
        self.files = RunFiles(output, self.columns, settings, header)
        self.step = self.best_step = 0
        self.best = -1.0
        self.score: Score | None = None
        self.losses: list[float] = []

    def run(self, *, resume: bool, overwrite: bool) -> Path:
        """Train, or go on, and return the file of the best model."""
        resume = self.files.check(resume=resume, overwrite=overwrite)
        self.load()
        settings = self.settings
        self.fabric = make_fabric(
            settings.device,
            settings.devices,
            nodes=settings.nodes,
            strategy=settings.strategy,
            precision=settings.precision,
        )
        torch.manual_seed(settings.seed)
        network = self.make_network(anew=not resume)
        self.network, self.optimizer = self.fabric.setup(network, make_optimizer(network, settings))
        if resume:
            self.take(self.files.restore(self.network.module, self.optimizer, *self.kept))
        if self.fabric.is_global_zero:
            self._begin_files(resume)
        with reused_memory():
            self._loop()
        return self.files.output

    @abstractmethod
    def load(self) -> None:
        """Load what is learnt from and what is judged by, before anything is computed."""

    @abstractmethod
    def make_network(self, *, anew: bool) -> nn.Module:
        """Return the network; `anew` says that no run is gone on with."""

    @abstractmethod
    def batches(self) -> Generator[Batch, None, None]:
        """Draw what each step learns from that is still to be made."""

    @abstractmethod
    def loss_of(self, batch: Batch) -> Tensor:
        """Return the loss of what a step learns from."""

    @abstractmethod
    def validate(self) -> Score:
        """Measure the network, which is in eval mode."""

    @abstractmethod
    def measure(self, score: Score) -> float:
        """Return the number of which the most is the best."""

    @abstractmethod
    def tell(self, score: Score | None) -> None:
        """Tell how it goes after a step; the score where it was just measured."""

    @abstractmethod
    def row(self, loss: float, score: Score) -> Sequence[object]:
        """Return what the log's columns say, but for the step."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Return what it goes on from, besides the network and the optimiser."""

    @abstractmethod
    def take(self, stored: dict[str, Any]) -> None:
        """Go on from what :meth:`facts` returned."""

    @abstractmethod
    def told(self, score: Score) -> dict[str, Any]:
        """Return what the header of a model tells of the training, besides settings and versions."""

    @property
    def measured(self) -> nn.Module:
        """The network that is measured and written."""
        network: nn.Module = self.network.module
        return network

    def held(self) -> Iterable[nn.Parameter]:
        """Return parameters that stay as they are in this step."""
        return ()

    def after_step(self) -> None:
        """Do what is to be done when the weights have changed; the step is not counted yet."""

    def loaded(self, drawn: Dataset[Any]) -> Generator[Any, None, None]:
        """Draw batches from examples that are drawn one by one."""
        loader = DataLoader(
            drawn,
            batch_size=self.settings.batch // self.fabric.world_size,
            num_workers=self.settings.workers,
            drop_last=True,
        )
        batches: Any = self.fabric.setup_dataloaders(loader)
        yield from batches if self.settings.workers else drawn_ahead(batches)

    def keep(self, score: Score) -> None:
        """Write the log, the state from which the run can go on, and after it the models, which follow from it."""
        self.score = score
        if self.measure(score) > self.best:
            self.best, self.best_step = self.measure(score), self.step
        loss, self.losses = float(np.mean(self.losses)), []
        if self.fabric.is_global_zero:
            row = (self.step, *self.row(loss, score))
            self.files.keep(row, self.network.module, self.optimizer, **self.facts())
            self._write_models(score)
        self.fabric.barrier()

    def _begin_files(self, resume: bool) -> None:
        if not resume:
            self.files.begin()
            return
        self.files.cut_log(self.step)
        if self.score is not None:
            self._write_models(self.score)  # a run that was killed at the wrong moment did not come to it

    def _loop(self) -> None:
        settings = self.settings
        self.network.train()
        with closing(self.batches()) as batches:
            for batch in batches:
                set_learning_rate(self.optimizer, self.step, settings)
                self.losses.append(self._learn(batch))
                self.step += 1
                score = None
                if self.step % settings.validate_every == 0 or self.step == settings.steps:
                    self.network.eval()
                    score = self.validate()
                    self.network.train()
                if self.fabric.is_global_zero:
                    self.tell(score)
                if score is not None:
                    self.keep(score)

    def _learn(self, batch: Batch) -> float:
        loss = descend(
            self.fabric,
            self.network,
            self.optimizer,
            self.loss_of(batch),
            step=f"training step {self.step + 1}",
            examples=self.examples,
            held=self.held(),
        )
        self.after_step()
        return float(self.fabric.all_reduce(loss))  # type: ignore[arg-type]

    def _write_models(self, score: Score) -> None:
        best = self.best_step == self.step
        self.files.write_models(self.measured, self.step, best=best, **self.told(score))
