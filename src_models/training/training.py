"""Training a network on a data set, with Lightning Fabric, so that it runs on one CPU as on several GPUs.

The best model is the one with the highest validation Dice, which is the mean over the domains of the data. A run that
was killed and resumed ends with the same weights as one that was not (:mod:`src_models.training.resumable.run_files`).
"""

from __future__ import annotations

import copy
import itertools
import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from src_models.errors import UserError
from src_models.files.dataset import DataSet
from src_models.labels.numbering import unnumbered_words
from src_models.models.architectures import create
from src_models.models.checkpoint import Model
from src_models.models.citations import as_fields, citations_of
from src_models.models.encoder_weights import begin_with_imagenet, with_encoder_weights
from src_models.models.header import ModelHeader
from src_models.nets.network import Network
from src_models.training.fabric import fastest_order
from src_models.training.masked_dice import dice_counts, mean_dice
from src_models.training.new_model import masks_without_numbers
from src_models.training.partial_labels import without_undrawn
from src_models.training.patches import Patches, TrainingImage, classes_of_labels, load_images, window_of_most
from src_models.training.resumable.training_run import TrainingRun
from src_models.training.segmentation_loss import class_logits, segmentation_loss
from src_models.training.settings import TrainSettings
from src_models.training.supervision import step_loss

__all__ = ["TrainSettings", "TrainingUpdate", "train"]


_log = logging.getLogger(__name__)

VALIDATED_SLICES = 24  # of each volume, by networks of slices: all of them would take longer than the steps between
LOG_COLUMNS = ("step", "loss", "validation_dice")
MOST_PARTS = 27  # of a volume that a network is judged by


@dataclass(frozen=True, slots=True)
class TrainingUpdate:
    """What there is to tell after a step.

    Mean loss since the last validation, and Dice if one was just made: the mean, and that of each class by its name.
    """

    step: int
    steps: int
    loss: float
    validation_dice: float | None
    best_dice: float
    dice_by_class: Mapping[str, float] = field(default_factory=dict)


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
        Model whose weights the network begins with; without one they are drawn at random. Where it finds something
        else, its last layer is made anew. The header of what is written names it as its parent.
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
        header = with_encoder_weights(header, start, encoder_weights)
    run = _Run(data, header, Path(output), settings or TrainSettings(), start, encoder_weights, on_update)
    return run.run(resume=resume, overwrite=overwrite)


def _descendant(header: ModelHeader, start: Model) -> ModelHeader:
    """Return the header of a network that begins with the weights of `start`."""
    parent = start.header
    told = replace(parent, config={**parent.config, "classes": header.config["classes"]})
    for name in ("architecture", "config", "channels"):
        old, new = getattr(told, name), getattr(header, name)
        if old != new:
            raise UserError(
                f"the model {parent.name} cannot be the start of this training: its {name} is {old}, and {new} is "
                "asked for; give the options that it was trained with, or leave it out"
            )
    inherited = {name: parent.training[name] for name in ("encoder_weights",) if name in parent.training}
    return replace(header, parent_sha256=start.sha256, training={**header.training, **inherited})


def _beginning(start: Model, header: ModelHeader) -> nn.Module:
    """Return the network of `start`, with a new last layer where it finds something else than `header` says."""
    if (start.header.classes, start.header.fields) == (header.classes, header.fields):
        return start.network
    network = copy.deepcopy(start.network)
    network.new_head(header.outputs)  # type: ignore[operator]
    return network


class _Run(TrainingRun[tuple[Tensor, Tensor], float]):
    """A training on the images of a data set; its score is the validation Dice."""

    columns = LOG_COLUMNS

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
        super().__init__(header, output, settings)
        self.start = start
        self.encoder_weights = encoder_weights
        self.on_update = on_update
        self.data = data
        self.citations = list(dict.fromkeys([*data.citations(), *(citations_of(start.header) if start else ())]))
        self.parts = False
        self.loss = segmentation_loss(header, settings.loss)
        self.images: list[TrainingImage] = []
        self.validation: list[TrainingImage] = []
        self.by_class: dict[str, float] = {}

    def load(self) -> None:
        self.parts = self.header.result == "instances" and masks_without_numbers(self.data)
        if self.parts:
            _log.warning("%s", unnumbered_words(self.data.root))
        self.images = load_images(self.data.split("train"), self.header, parts=self.parts)
        self.validation = load_images(
            self.data.split("val"), self.header, parts=self.parts, most_slices=VALIDATED_SLICES
        )

    def make_network(self, *, anew: bool) -> nn.Module:
        network = create(self.header.architecture, **self.header.config)
        if self.start is not None:
            network.load_state_dict(_beginning(self.start, self.header).state_dict())
        if self.encoder_weights is not None and anew:
            begin_with_imagenet(network, self.encoder_weights, image_channels=len(self.header.channels))
        return network.to(memory_format=fastest_order(self.header.dimensions))  # type: ignore[call-overload, no-any-return]

    def batches(self) -> Generator[tuple[Tensor, Tensor], None, None]:
        settings = self.settings
        of_volumes = self.header.dimensions == 3 or bool(self.header.slices)
        classes_of_volumes = of_volumes and self.header.result == "semantic"
        patches = Patches(
            self.images,
            self.header,
            size=(settings.patch,) * self.header.dimensions,
            recipe=settings.augment,
            seed=settings.seed,
            start=self.step * settings.batch,
            stop=settings.steps * settings.batch,
            balanced=classes_of_volumes if settings.balance == "auto" else settings.balance == "classes",
        )
        yield from self.loaded(patches)

    def loss_of(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        images, targets = batch
        images = images.contiguous(memory_format=fastest_order(self.header.dimensions))
        return step_loss(self.network, images, targets, self.loss)

    def held(self) -> Iterable[nn.Parameter]:
        """Return gates and the like, which begin to learn late."""
        network = self.network.module
        late = self.step < self.settings.gates_from and isinstance(network, Network)
        return list(network.late()) if late else ()

    def validate(self) -> float:
        """Mean over domains of the Dice score of the middles of their validation images, or of parts of volumes.

        Within a domain it is pooled over the images, and is the mean over classes but the background: so the best model
        is not the one that is best on the domain with the most images. Where a class was not drawn, it has no part.
        """
        images, fabric, classes = self.validation, self.fabric, len(self.header.classes)
        domains = list(dict.fromkeys(image.domain for image in images))
        totals = torch.zeros(len(domains), 2, classes, dtype=torch.int64, device=fabric.device)
        for image in images[fabric.global_rank :: fabric.world_size]:
            for batch, targets in _judged(image, self.settings.patch, self.header):
                with torch.inference_mode():
                    found = class_logits(self.network(batch.to(fabric.device)), self.header).argmax(1)[0]
                compared = without_undrawn(found, targets.to(fabric.device))
                totals[domains.index(image.domain)] += dice_counts(*compared, classes)
        counts: Tensor = fabric.all_reduce(totals, reduce_op="sum")  # type: ignore[assignment]
        self.by_class = _of_each_class(counts.sum(0), self.header.classes)
        return float(np.mean([mean_dice(domain, empty=0.0) for domain in counts]))

    def measure(self, score: float) -> float:
        return score

    def tell(self, score: float | None) -> None:
        if self.on_update is not None:
            best = max(self.best, score if score is not None else -1.0)
            mean = float(np.mean(self.losses))
            by_class = {} if score is None else self.by_class
            self.on_update(TrainingUpdate(self.step, self.settings.steps, mean, score, best, by_class))

    def row(self, loss: float, score: float) -> tuple[str, ...]:
        return f"{loss:.6f}", f"{score:.6f}"

    def facts(self) -> dict[str, Any]:
        state = {"step": self.step, "dice": self.score, "best_dice": self.best, "best_step": self.best_step}
        return {"state": {**state, "by_class": self.by_class}}

    def take(self, stored: dict[str, Any]) -> None:
        state = stored["state"]
        self.step, self.score = state["step"], state["dice"]
        self.best, self.best_step = state["best_dice"], state["best_step"]
        self.by_class = state.get("by_class", {})

    def told(self, score: float) -> dict[str, Any]:
        of_each = {name: round(dice, 4) for name, dice in self.by_class.items()}
        return {
            "data": self.data.root.resolve().name,
            "data_sets": as_fields(self.citations),
            "train_images": len(self.data.split("train")),
            "val_images": len(self.data.split("val")),
            "validation_dice": round(score, 4),
            **({"validation_dice_by_class": of_each} if len(self.header.classes) > 2 else {}),
            **({"drawn": "in part; the others are unknown"} if any(one.undrawn for one in self.images) else {}),
            **({"objects": "connected parts of masks without numbers"} if self.parts else {}),
        }


def _judged(image: TrainingImage, most: int, header: ModelHeader) -> Iterator[tuple[Tensor, Tensor]]:
    """Give the parts of an image that a network is judged by: each (1, C, *S), with its classes (*S)."""
    for cut in _volume_parts(image.labels.shape, most) if header.dimensions == 3 else (_middle(image, most),):
        planes = torch.from_numpy(image.image[(slice(None), *cut)].astype(np.float32))[None]
        yield planes, torch.from_numpy(classes_of_labels(image.labels[cut], header, image.undrawn))


def _volume_parts(shape: tuple[int, ...], most: int) -> list[tuple[slice, ...]]:
    """Return blocks side by side, of at most twice so many voxels along each axis; of very many blocks, some all over.

    So blocks of a volume that is larger are no smaller than the patches that were learnt from.
    """
    axes = []
    for length in shape:
        edges = np.linspace(0, length, -(-length // (2 * most)) + 1).round().astype(int)
        axes.append([slice(int(low), int(high)) for low, high in itertools.pairwise(edges)])
    parts = list(itertools.product(*axes))
    return [parts[at] for at in np.linspace(0, len(parts) - 1, min(len(parts), MOST_PARTS)).round().astype(int)]


def _middle(image: TrainingImage, most: int) -> tuple[slice, ...]:
    """Return the middle of an image; of one that counts in part, that part."""
    counts = image.labels >= 0
    if not counts.all():
        return window_of_most(counts, most)
    return tuple(slice(max(0, (length - most) // 2), max(0, (length - most) // 2) + most) for length in counts.shape)


def _of_each_class(counts: Tensor, names: tuple[str, ...]) -> dict[str, float]:
    """Return the Dice of each class but the background, as far as it is there or was found."""
    overlap, sizes = counts.cpu().double().tolist()
    return {name: over / size for name, over, size in zip(names[1:], overlap[1:], sizes[1:], strict=True) if size}
