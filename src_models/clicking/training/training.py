"""Training a network of clicks with simulated people who click where it is wrong.

For each example, the network is asked as a person would ask it: a first click, box or scribble, then clicks where its
answer was most wrong, its last answer fed back; then it learns from what it makes of all that (iterative training;
Sofiiuk et al. 2022, arXiv 2102.06583, Section 3.3).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from src_models.clicking.training.asking import CLICKS, ious_after_clicks, lesson
from src_models.clicking.training.examples import ClickExamples, Example
from src_models.clicking.training.focal_loss import ClickLoss
from src_models.models.architectures import create
from src_models.models.checkpoint import Model
from src_models.models.encoder_weights import begin_with_imagenet, encoder_weights_facts
from src_models.models.header import ModelHeader
from src_models.training.drawn_ahead import drawn_ahead
from src_models.training.resumable.training_run import TrainingRun
from src_models.training.settings import TrainSettings

__all__ = ["ClickTrainingUpdate", "train_clicks"]

VALIDATED = 192
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
    run = _Run(examples, validation, header, Path(output), settings, start, encoder_weights, on_update)
    return run.run(resume=resume, overwrite=overwrite)


class _Run(TrainingRun[list[Example], tuple[float, ...]]):
    """A training with people who click; its score is the mean IoU after so many clicks of :data:`CLICKS`."""

    columns = LOG_COLUMNS
    kept = ("step", "best")

    def __init__(
        self,
        examples: ClickExamples,
        validation: ClickExamples,
        header: ModelHeader,
        output: Path,
        settings: TrainSettings,
        start: Model | None,
        encoder_weights: str | Path | None,
        on_update: Callable[[ClickTrainingUpdate], None] | None,
    ) -> None:
        super().__init__(header, output, settings)
        self.drawn, self.validation, self.on_update = examples, validation, on_update
        self.start, self.encoder_weights = start, encoder_weights
        self.loss = ClickLoss()

    def load(self) -> None:
        """Nothing: examples are drawn when their turn comes."""

    def make_network(self, *, anew: bool) -> nn.Module:
        network = create(self.header.architecture, **self.header.config)
        if self.start is not None:
            begin_with(network, self.start.network.state_dict())
        if self.encoder_weights is not None and anew:
            begin_with_imagenet(network, self.encoder_weights, image_channels=len(self.header.channels))
        return network.to(memory_format=torch.channels_last)  # type: ignore[no-any-return,call-overload]

    def batches(self) -> Generator[list[Example], None, None]:
        yield from drawn_ahead(self._examples())

    def _examples(self) -> Iterator[list[Example]]:
        batch = self.settings.batch
        for first in range(self.step * batch, self.settings.steps * batch, batch):
            yield [self.drawn[number] for number in range(first, first + batch)]

    def loss_of(self, batch: list[Example]) -> Tensor:
        random = np.random.default_rng((self.settings.seed, 1, self.step))
        asked, targets = lesson(self.network, batch, random, self.fabric.device)
        self.network.train()
        loss: Tensor = self.loss(self.network(asked), targets)
        return loss

    def validate(self) -> tuple[float, ...]:
        found = []
        for first in range(0, VALIDATED, self.settings.batch):
            examples = [self.validation[n] for n in range(first, min(first + self.settings.batch, VALIDATED))]
            random = np.random.default_rng((self.settings.seed, 2, first))
            found.append(ious_after_clicks(self.network, examples, [random] * len(examples), self.fabric.device))
        return tuple(float(value) for value in np.concatenate(found).mean(axis=0))

    def measure(self, score: tuple[float, ...]) -> float:
        return score[1]

    def tell(self, score: tuple[float, ...] | None) -> None:
        """Nothing: what is told is what was kept."""

    def keep(self, score: tuple[float, ...]) -> None:
        loss = float(np.mean(self.losses))
        super().keep(score)
        if self.on_update is not None:
            self.on_update(ClickTrainingUpdate(self.step, self.settings.steps, loss, score))

    def row(self, loss: float, score: tuple[float, ...]) -> tuple[str, ...]:
        return f"{loss:.5f}", *(f"{value:.4f}" for value in score)

    def facts(self) -> dict[str, Any]:
        assert self.score is not None
        return {"step": self.step, "best": self.best, "best_step": self.best_step, "iou": list(self.score)}

    def take(self, stored: dict[str, Any]) -> None:
        self.step, self.best = stored["step"], stored["best"]
        if (
            "iou" in stored
        ):  # a state of version 0.1 has none: its run has written its models, if it was not killed there
            self.best_step, self.score = stored["best_step"], tuple(stored["iou"])

    def told(self, score: tuple[float, ...]) -> dict[str, Any]:
        return {"validation_iou": {str(count): round(value, 4) for count, value in zip(CLICKS, score, strict=True)}}


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
