"""``napari-medt train``: a new model from a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_medt.cli.models.network_options import (
    architecture_help,
    configuration,
    refuse_options_of_others,
    with_network_options,
)

if TYPE_CHECKING:
    from src_models.models.header import ModelHeader
    from src_models.training.training import TrainSettings

__all__ = ["train"]

RECIPE = "the architecture's recipe"


@with_network_options(before="steps")
def train(
    context: typer.Context,
    dataset: Annotated[Path, typer.Argument(help="Folder with images/, masks/ and, if you like, manifest.csv.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Model file to write: NAME.safetensors.")],
    architecture: Annotated[str, typer.Option(help=architecture_help())] = "attention-unet",
    instances: Annotated[
        bool, typer.Option("--instances/--classes", help="Masks number objects, or hold classes.")
    ] = True,
    class_names: Annotated[str, typer.Option(help="Names of classes 1, 2, ..., separated by commas.")] = "",
    augment: Annotated[str, typer.Option(help="How images are varied: microscopy, ct, light, flip or none.")] = "",
    intensity: Annotated[
        str, typer.Option(help="Normalisation: percentile:0.5:99.8, zscore:0.5:99.5 or window:LOW:HIGH (HU).")
    ] = "percentile:0.5:99.8",
    steps: Annotated[int | None, typer.Option(help="Training steps.", show_default=RECIPE)] = None,
    batch: Annotated[int | None, typer.Option(help="Patches per step.", show_default=RECIPE)] = None,
    patch: Annotated[
        int | None, typer.Option(help="Patch size in px; axial networks get this window.", show_default=RECIPE)
    ] = None,
    optimizer: Annotated[str, typer.Option(help="adamw or adam.", show_default=RECIPE)] = "",
    learning_rate: Annotated[float | None, typer.Option(help="Peak learning rate.", show_default=RECIPE)] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Weight decay.", show_default=RECIPE)] = None,
    schedule: Annotated[str, typer.Option(help="Learning rate: cosine or constant.", show_default=RECIPE)] = "",
    loss: Annotated[str, typer.Option(help="dice-ce or ce.", show_default=RECIPE)] = "",
    gates_from: Annotated[
        int | None, typer.Option(help="Step from which gates of axial attention are trained.", show_default=RECIPE)
    ] = None,
    validate_every: Annotated[int | None, typer.Option(help="Steps between validations.", show_default=RECIPE)] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    devices: Annotated[int, typer.Option(help="How many GPUs (or CPU processes).")] = 1,
    precision: Annotated[str, typer.Option(help="32-true, bf16-mixed or 16-mixed.")] = "32-true",
    workers: Annotated[int, typer.Option(help="Processes that prepare patches.")] = 1,
    name: Annotated[str, typer.Option(help="The model's name; by default the file's.")] = "",
    purpose: Annotated[str, typer.Option(help="One line on what it is for.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the weights (SPDX).")] = "unknown",
    start: Annotated[
        str, typer.Option(metavar="MODEL", help="Begin with the weights of this model: a name, or a .safetensors file.")
    ] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing model.")] = False,
    **of_network: Any,
) -> None:
    """Train a network on your own images.

    Four files lie beside each other afterwards: the best model (NAME.safetensors), the last one, the state to resume
    from, and a log of loss and validation Dice.
    """
    from dataclasses import replace

    from napari_medt.cli.options import parse_intensity
    from src_models.files.dataset import DataSet
    from src_models.models.checkpoint import load
    from src_models.training.new_model import new_header
    from src_models.training.training import TrainSettings

    refuse_options_of_others(context, architecture)
    data = DataSet.open(dataset)
    chosen = {
        "steps": steps,
        "batch": batch,
        "patch": patch,
        "optimizer": _choice(optimizer, ("adamw", "adam"), "--optimizer"),
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "schedule": _choice(schedule, ("cosine", "constant"), "--schedule"),
        "loss": _choice(loss, ("dice-ce", "ce"), "--loss"),
        "gates_from": gates_from,
        "augment": _choice(augment, ("microscopy", "ct", "light", "flip", "none"), "--augment"),
        "validate_every": validate_every,
    }
    settings = replace(
        TrainSettings.recipe(architecture, len(data.split("train"))),
        **{option: value for option, value in chosen.items() if value is not None},
        seed=seed,
        device=device,
        devices=devices,
        precision=precision,
        workers=workers,
    )
    header = new_header(
        data,
        architecture=architecture,
        name=name or output.stem,
        purpose=purpose,
        result="instances" if instances else "semantic",
        class_names=[part.strip() for part in class_names.split(",") if part.strip()],
        config=configuration(architecture, of_network, settings.patch),
        intensity=parse_intensity(intensity),
        licence=licence,
    )
    _run(data, header, output, settings, start=load(start) if start else None, resume=resume, overwrite=overwrite)


def _choice(value: str, allowed: tuple[str, ...], option: str) -> Any:
    """Return a choice, None where none was made."""
    from src_models.errors import UserError

    if not value:
        return None
    if value not in allowed:
        raise UserError(f"{option} {value!r} is not one of {', '.join(allowed)}")
    return value


def _run(data: Any, header: ModelHeader, output: Path, settings: TrainSettings, **options: Any) -> None:
    """Train with a progress bar, and say where the model is."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from src_models.training.training import TrainingUpdate, train

    console = Console()
    console.print(
        f"Training {header.architecture} on {len(data.split('train'))} images "
        f"({len(data.split('val'))} for validation): {', '.join(header.classes)}"
    )
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("loss -", total=settings.steps)

        def show(update: TrainingUpdate) -> None:
            best = f", best validation Dice {update.best_dice:.3f}" if update.best_dice >= 0 else ""
            bar.update(task, completed=update.step, description=f"loss {update.loss:.3f}{best}")
            if update.validation_dice is not None:
                bar.console.print(
                    f"step {update.step}: loss {update.loss:.4f}, validation Dice {update.validation_dice:.4f}"
                )

        train(data, header, output, settings, **options, on_update=show)
    console.print(f"Wrote {output}", soft_wrap=True)
