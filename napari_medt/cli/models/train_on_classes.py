"""``napari-medt train`` on a set of classes: which network suits a data set, and training one that tells classes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medt.cli.console import Console
from napari_medt.cli.models.network_options import was_given
from src_models.errors import DataSetError
from src_models.models.architectures import ARCHITECTURES, architectures, find_architecture
from src_models.progress import Progress

if TYPE_CHECKING:
    import typer

    from napari_medt.cli.models.asked_training import AskedTraining

__all__ = ["suited", "train_on_classes"]

PREFERRED = ("med-former", "resnet18")


def suited(context: typer.Context, dataset: Path, architecture: str) -> str:
    """Return the architecture for a data set: the one that was asked for, or, of a set of classes, one that tells them.

    Raises
    ------
    ModelFileError
        If there is no architecture of the name that was given.
    DataSetError
        If the data set cannot teach what the architecture learns.
    """
    from src_models.files.class_sets.opening import truths_of

    task, truths = find_architecture(architecture).task, truths_of(dataset)
    if not truths or task in truths:
        return architecture
    if not was_given(context, "architecture") and truths == ("classification",):
        return next(name for name in PREFERRED if name in architectures())
    others = [record.name for record in ARCHITECTURES if record.task in truths]
    if task == "segmentation":
        raise DataSetError(
            f"{dataset} tells which class a picture shows, and {architecture} says what each pixel is: choose "
            f"--architecture {' or '.join(others)}, or a data set with masks/"
        )
    raise DataSetError(
        f"{dataset} holds masks, and {architecture} tells which class a whole picture shows: choose --architecture "
        f"{others[0]} or another that segments, or a folder of pictures for each class"
    )


def train_on_classes(asked: AskedTraining) -> None:
    """Train a network that tells classes behind a progress bar, and say where the model is."""
    from src_models.classifying.training.new_classifier import new_classifier
    from src_models.classifying.training.settings import ClassTrainSettings
    from src_models.classifying.training.training import ClassTrainingUpdate, train_classes
    from src_models.files.class_sets.opening import open_class_set

    data = replace(open_class_set(asked.dataset), channels=asked.channels)
    data = data.named(asked.class_names) if asked.class_names else data
    training, validation = data.split("train"), data.split("val")
    recipe = ClassTrainSettings.recipe(asked.architecture, len(training), size=data.size)
    settings = replace(recipe, **asked.settings)
    header = new_classifier(
        data,
        architecture=asked.architecture,
        size=settings.patch,
        config=asked.configuration(settings.patch),
        **asked.about,
    )
    console = Console()
    console.say(
        f"{asked.dataset} is a set of classes: training {asked.architecture} on {len(training)} pictures of "
        f"{settings.patch} px ({len(validation)} for validation): {', '.join(data.classes)}"
    )
    if data.size != settings.patch:
        console.say(
            f"Pictures are usually {data.size} px and are brought to {settings.patch} px, their proportions kept"
        )
    with console.bar("training") as report:

        def show(update: ClassTrainingUpdate) -> None:
            best = f", best validation {update.measure} {update.best_score:.3f}" if update.best_score >= 0 else ""
            report(Progress(update.step, settings.steps, f"loss {update.loss:.3f}{best}"))
            if update.validation_score is not None:
                score = f"validation {update.measure} {update.validation_score:.4f}"
                console.say(f"step {update.step}: loss {update.loss:.4f}, {score}")

        train_classes(data, header, asked.output, settings, **asked.run(), on_update=show)
    console.say(f"Wrote {asked.output}")
