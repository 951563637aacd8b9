"""``napari-medt train`` on a set with masks: training a network that segments."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_medt.cli.console import Console
from src_models.errors import UserError
from src_models.progress import Progress

if TYPE_CHECKING:
    from napari_medt.cli.models.asked_training import AskedTraining
    from src_models.models.header import ModelHeader
    from src_models.training.settings import TrainSettings

__all__ = ["train_on_masks"]


def train_on_masks(
    asked: AskedTraining, *, instances: bool, pieces: str, drawn: str | None, slices: int | None, **of_header: Any
) -> None:
    """Train a network that segments behind a progress bar, and say where the model is.

    Parameters
    ----------
    asked
        What was asked for.
    instances, pieces, drawn, slices
        As the command has them.
    **of_header
        What else :func:`~src_models.training.new_model.new_header` takes.
    """
    from src_models.files.dataset import DataSet

    data = DataSet.open(asked.dataset, drawn=drawn).with_channels(asked.channels)
    if drawn and instances:
        raise UserError("--drawn lists classes, and masks number objects unless you give --classes: give it, too")
    from src_models.labels.pieces import with_pieces
    from src_models.training.new_model import new_header, shown_as_to
    from src_models.training.settings import TrainSettings

    images = len(data.split("train"))
    chosen = ({"augment": "ct"} if slices is not None else {}) | dict(asked.settings)
    settings = replace(TrainSettings.recipe(asked.architecture, images), **chosen)
    header = new_header(
        data,
        architecture=asked.architecture,
        result="instances" if instances else "semantic",
        class_names=asked.class_names,
        config=asked.configuration(settings.patch),
        slices=slices,
        **of_header,
        **asked.about,
    )
    header = with_pieces(header if asked.known is None else shown_as_to(asked.known, header), pieces)
    settings = replace(TrainSettings.recipe(asked.architecture, images, header.dimensions), **chosen)
    _run(data, header, asked, settings)


def _run(data: Any, header: ModelHeader, asked: AskedTraining, settings: TrainSettings) -> None:
    from src_models.training.fabric import leads
    from src_models.training.training import TrainingUpdate, train

    console = Console(quiet=not leads())
    console.say(
        f"Training {header.architecture} on {len(data.split('train'))} images "
        f"({len(data.split('val'))} for validation): {', '.join(header.classes)}"
    )
    with console.bar("training") as report:

        def show(update: TrainingUpdate) -> None:
            best = f", best validation Dice {update.best_dice:.3f}" if update.best_dice >= 0 else ""
            report(Progress(update.step, settings.steps, f"loss {update.loss:.3f}{best}"))
            if update.validation_dice is not None:
                of_each = ", ".join(f"{name} {dice:.3f}" for name, dice in update.dice_by_class.items())
                classes = f" ({of_each})" if len(update.dice_by_class) > 1 else ""
                score = f"validation Dice {update.validation_dice:.4f}{classes}"
                console.say(f"step {update.step}: loss {update.loss:.4f}, {score}")

        train(data, header, asked.output, settings, **asked.run(), on_update=show)
    console.say(f"Wrote {asked.output}")
