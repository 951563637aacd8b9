"""``napari-medt finetune``: a model learns from corrections."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from src_models.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from src_models.finetuning.learning import Learning

__all__ = ["finetune"]


def finetune(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="SET",
            help="The set of corrections; or a folder of images/ and masks/ with equal names, all of which counts.",
        ),
    ],
    model: Annotated[str | None, typer.Option(help="Name of a shipped or local model, or a path.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Model file to write: NAME.safetensors.")
    ] = None,
    part: Annotated[
        Literal["full", "decoder", "gates"],
        typer.Option(help="What changes: the whole network, its decoder, or its attention gates alone."),
    ] = "full",
    seconds: Annotated[float, typer.Option(help="Time to learn at most.")] = 55.0,
    steps: Annotated[int, typer.Option(help="Steps at most.")] = 300,
    batch: Annotated[int, typer.Option(help="Patches per step, over all devices.")] = 6,
    patch: Annotated[int, typer.Option(help="Patch size in px; axial networks learn at their own.")] = 128,
    learning_rate: Annotated[float, typer.Option(help="Peak learning rate.")] = 1e-3,
    replay: Annotated[
        float, typer.Option(help="Share of images that the shipped model was trained on, against forgetting.")
    ] = 0.5,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    devices: Annotated[int, typer.Option(help="How many GPUs (or CPU processes).")] = 1,
    strategy: Annotated[str, typer.Option(help="How Lightning divides the work, such as auto or ddp.")] = "auto",
    versions: Annotated[
        bool, typer.Option("--versions", help="List the models that were learnt from this set in napari, and end.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing model.")] = False,
) -> None:
    """Let a model learn from a set of corrections, or from images and masks that any other tool made.

    A part of what was corrected is held out to judge by: a model is written only if it got better at that. Where
    manifest.csv has a split, train is learnt from, val judges, and test is left alone. Nothing is written into the
    folder. Ctrl+C ends learning and keeps the best so far.
    """
    from rich.console import Console

    from src_models.disk.atomic import check_new, check_writable
    from src_models.finetuning.learning import Learning
    from src_models.finetuning.settings import FinetuneSettings
    from src_models.models.checkpoint import load

    console = Console(highlight=False)
    if versions:
        _list_versions(console, folder)
        return
    if model is None or output is None:
        raise UserError("say which model learns and where it goes: --model NAME --output NAME.safetensors")
    if output.suffix != ".safetensors":
        raise UserError(f"{output}: the name of a model file ends in .safetensors")
    check_new(output, overwrite=overwrite)
    check_writable(output.parent)
    settings = FinetuneSettings(
        part=part,
        seconds=seconds,
        steps=steps,
        batch=batch,
        patch=patch,
        learning_rate=learning_rate,
        replay=replay,
        seed=seed,
        device=device,
        devices=devices,
        strategy=strategy,
    )
    learning = Learning(load(model), folder, settings)
    _learn(console, learning)
    _keep(console, learning, output, overwrite=overwrite)


def _learn(console: Console, learning: Learning) -> None:
    """Learn behind a progress bar, until it ends or is interrupted."""
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"))
    try:
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("beginning", total=None, left="")
            for update in learning.steps():
                words = f"step {update.step}: loss {update.loss:.3f}" if update.step else "step 0"
                bar.update(
                    task,
                    total=learning.settings.steps,
                    completed=update.step,
                    description=f"{words}, best Dice {update.best_dice:.3f}",
                    left=f"{update.seconds_left:.0f} s at most",
                    visible=learning.leads,
                )
                if update.validation is not None and learning.leads:
                    bar.console.print(f"step {update.step}: Dice {update.validation.dice:.4f} on what was held out")
    except KeyboardInterrupt:
        console.print("Interrupted: the best so far is kept.")


def _keep(console: Console, learning: Learning, output: Path, *, overwrite: bool) -> None:
    from dataclasses import replace

    from src_models.models.checkpoint import Model, save

    if not learning.leads:  # of several processes, one writes
        return
    result = learning.result()
    if result.model is None:
        raise UserError(result.sentence)
    named = Model(result.model.network, replace(result.model.header, name=output.stem))
    save(named, output, overwrite=overwrite)
    console.print(result.sentence, soft_wrap=True)
    console.print(f"Wrote {output}", soft_wrap=True)


def _list_versions(console: Console, folder: Path) -> None:
    from rich.table import Table

    from src_models.finetuning.versions import ModelVersions

    found = ModelVersions(folder / "models")
    entries = found.list()
    if not entries:
        console.print(f"There are no versions in {found.folder} yet.", markup=False, soft_wrap=True)
        return
    table = Table("Name", "In use", "Dice before", "Dice", "Written", "Learnt from", "Note")
    names = {version.sha256: version.name for version in entries}
    for version in entries:
        before, dice = ("" if score is None else f"{score:.3f}" for score in (version.dice_before, version.dice))
        parent = version.parent_sha256 or ""
        table.add_row(
            version.name,
            "yes" if version.name == found.active else "",
            before,
            dice,
            version.time[:16].replace("T", " "),
            names.get(parent, parent[:12]),
            version.note,
        )
    console.print(table)
