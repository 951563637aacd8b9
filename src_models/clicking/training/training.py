"""Training a network of clicks with simulated people who click where it is wrong.

For each example, the network is asked as a person would ask it: a first click, box or scribble, then clicks where its
answer was most wrong, its last answer fed back; then it learns from what it makes of all that (iterative training;
Sofiiuk et al. 2022, arXiv 2102.06583, Section 3.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from src_models.clicking.training.asking import CLICKS, ious_after_clicks, lesson
from src_models.clicking.training.examples import ClickExamples, Example
from src_models.clicking.training.focal_loss import ClickLoss
from src_models.computing.memory import reused_memory
from src_models.errors import DataSetError
from src_models.models.architectures import create
from src_models.models.checkpoint import Model
from src_models.models.encoder_weights import begin_with_imagenet, encoder_weights_facts
from src_models.models.header import ModelHeader
from src_models.training.drawn_ahead import drawn_ahead
from src_models.training.fabric import make_fabric, make_optimizer, set_learning_rate
from src_models.training.run_files import RunFiles
from src_models.training.settings import TrainSettings

__all__ = ["ClickTrainingUpdate", "train_clicks"]

VALIDATED = 64
LOG_COLUMNS = ("step", "loss", *(f"iou_{count}" for count in CLICKS))


@dataclass(frozen=True, slots=True)
class ClickTrainingUpdate:
    """What there is to tell at a validation: mean loss since the last one, and IoU after 1, 3 and 5 clicks."""

    step: int
    steps: int
    loss: float
    iou: tuple[float, ...]


def train_clicks(
    examples: ClickExamples,
    validation: ClickExamples,
    header: ModelHeader,
    output: str | Path,
    settings: TrainSettings,
    *,
    start: Model | None = None,
    encoder_weights: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_update: Callable[[ClickTrainingUpdate], None] | None = None,
) -> Path:
    """Train a network of clicks, and write the one that was best after three clicks.

    Parameters
    ----------
    examples, validation
        What it learns from, and what it is judged on: the first `VALIDATED` of them.
    header
        Describes the network to make, `prompts` included.
    output
        Model file to write; the other files of the run lie beside it.
    settings
        How to train; `patch` and `augment` are those of `examples`.
    start
        A model whose weights are begun with, as far as they fit: one that segments images by itself has learnt much of
        what clicks need. Where the network takes more channels than it, those begin without effect.
    encoder_weights
        File of published weights that the encoder begins with; see :mod:`src_models.models.encoder_weights`. What a
        person gave has no effect on it at first, and the header of what is written tells whose weights they are.
    resume
        Go on with the run that wrote to `output`, if there is one.
    overwrite
        Whether an existing `output` may be replaced.
    on_update
        Called after every validation.

    Raises
    ------
    DataSetError
        If a loss is NaN, or the state to resume from cannot be read or is that of another run.
    ModelFileError
        If `encoder_weights` cannot be read, or are those of another network.
    OutputError
        If `output` exists and neither `resume` nor `overwrite` is given.
    UserError
        If `encoder_weights` do not go with the network.
    """
    if encoder_weights is not None:
        header = replace(
            header, training={**header.training, "encoder_weights": encoder_weights_facts(encoder_weights)}
        )
    run = _Run(examples, validation, header, Path(output), settings, start, encoder_weights)
    return run.run(resume, overwrite, on_update)


class _Run:
    """One training run."""

    def __init__(
        self,
        examples: ClickExamples,
        validation: ClickExamples,
        header: ModelHeader,
        output: Path,
        settings: TrainSettings,
        start: Model | None,
        encoder_weights: str | Path | None,
    ) -> None:
        self.examples, self.validation, self.settings = examples, validation, settings
        self.files = RunFiles(output, LOG_COLUMNS, settings, header)
        self.header, self.encoder_weights = header, encoder_weights
        self.step, self.best, self.best_step = 0, -1.0, 0
        self.loss = ClickLoss()
        self.fabric = make_fabric(
            settings.device, settings.devices, strategy=settings.strategy, precision=settings.precision
        )
        torch.manual_seed(settings.seed)
        network = create(header.architecture, **header.config).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        if start is not None:
            begin_with(network, start.network.state_dict())
        self.network, self.optimizer = self.fabric.setup(network, make_optimizer(network, settings))

    def run(self, resume: bool, overwrite: bool, on_update: Callable[[ClickTrainingUpdate], None] | None) -> Path:
        if self.files.check(resume=resume, overwrite=overwrite):
            self._restore()
        else:
            self._begin()
        losses: list[float] = []
        with reused_memory(), closing(drawn_ahead(self._drawn())) as batches:
            for examples in batches:
                losses.append(self._learn(examples))
                if self.step % self.settings.validate_every == 0 or self.step == self.settings.steps:
                    iou = self._validate()
                    self._keep(float(np.mean(losses)), iou)
                    if on_update is not None:
                        on_update(ClickTrainingUpdate(self.step, self.settings.steps, float(np.mean(losses)), iou))
                    losses = []
        return self.files.output

    def _begin(self) -> None:
        if self.encoder_weights is not None:
            images = len(self.header.channels)
            begin_with_imagenet(self.network.module, self.encoder_weights, image_channels=images)
        self.files.begin()

    def _drawn(self) -> Iterator[list[Example]]:
        """Draw the examples of each step that is still to be made."""
        batch = self.settings.batch
        for first in range(self.step * batch, self.settings.steps * batch, batch):
            yield [self.examples[number] for number in range(first, first + batch)]

    def _learn(self, examples: list[Example]) -> float:
        """Make one step."""
        random = np.random.default_rng((self.settings.seed, 1, self.step))
        batch, targets = lesson(self.network, examples, random, self.fabric.device)
        set_learning_rate(self.optimizer, self.step, self.settings)
        self.network.train()
        loss = self.loss(self.network(batch), targets)
        if not torch.isfinite(loss):
            raise DataSetError(f"training step {self.step + 1}: the loss is not a number; lower the learning rate")
        self.fabric.backward(loss)
        self.fabric.clip_gradients(self.network, self.optimizer, max_norm=5.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        return float(loss.detach())

    def _validate(self) -> tuple[float, ...]:
        """Return the mean IoU after so many clicks of :data:`CLICKS`."""
        found = []
        for first in range(0, VALIDATED, self.settings.batch):
            examples = [self.validation[n] for n in range(first, min(first + self.settings.batch, VALIDATED))]
            random = np.random.default_rng((self.settings.seed, 2, first))
            found.append(ious_after_clicks(self.network, examples, [random] * len(examples), self.fabric.device))
        return tuple(float(value) for value in np.concatenate(found).mean(axis=0))

    def _keep(self, loss: float, iou: tuple[float, ...]) -> None:
        """Write the log, the state from which the run can go on, and the models."""
        if iou[1] > self.best:
            self.best, self.best_step = iou[1], self.step
        row = (self.step, f"{loss:.5f}", *(f"{value:.4f}" for value in iou))
        facts = {"step": self.step, "best": self.best, "best_step": self.best_step, "iou": list(iou)}
        self.files.keep(row, self.network.module, self.optimizer, **facts)
        self._write_models(iou)

    def _write_models(self, iou: Sequence[float]) -> None:
        scores = {str(count): round(value, 4) for count, value in zip(CLICKS, iou, strict=True)}
        best = self.best_step == self.step
        self.files.write_models(self.network.module, self.step, best=best, validation_iou=scores)

    def _restore(self) -> None:
        stored = self.files.restore(self.network.module, self.optimizer, "step", "best")
        self.step, self.best = stored["step"], stored["best"]
        self.files.cut_log(self.step)
        if (
            "iou" in stored
        ):  # not in a state of version 0.1, whose run has written its models unless it was killed there
            self.best_step = stored["best_step"]
            self._write_models(stored["iou"])


@torch.no_grad()
def begin_with(network: nn.Module, weights: Mapping[str, Tensor]) -> int:
    """Copy the weights that fit into a network, in place.

    Parameters
    ----------
    network
        The network.
    weights
        Of another one. Those of equal name and shape are taken, and those that lack input channels, which then begin
        with 0.

    Returns
    -------
    int
        How many tensors were taken.
    """
    taken = 0
    for name, own in network.state_dict().items():
        given = weights.get(name)
        if given is None or given.ndim != own.ndim:
            continue
        if given.shape == own.shape:
            own.copy_(given)
        elif given.ndim > 1 and given.shape[0] == own.shape[0] and given.shape[2:] == own.shape[2:]:
            if given.shape[1] > own.shape[1]:
                continue
            own.zero_()
            own[:, : given.shape[1]] = given
        else:
            continue
        taken += 1
    return taken
