"""``napari-medt finetune``: a model learns from corrections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console
from napari_medt.cli.options import Devices, Overwrite, Seed
from src_models.errors import UserError
from src_models.finetuning.settings import FULL, part_names
from src_models.progress import Progress

if TYPE_CHECKING:
    from src_models.files.class_sets.class_set import ClassSet
    from src_models.finetuning.versions import ModelVersion
    from src_models.training.rounds.judged_learning import JudgedLearning
    from src_models.training.rounds.progress import RoundUpdate

__all__ = ["finetune"]

if TYPE_CHECKING:
    PartName = str
else:
    PartName = Literal[tuple(part_names())]


def finetune(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="SET",
            help="The set of corrections, or of objects that were accepted in Click; or a folder of images/ and masks/ "
            "with equal names, all of which counts. For a model of classes, a set of these as `train` takes it.",
        ),
    ],
    model: Annotated[str | None, options.MODEL] = None,
    output: Annotated[Path | None, options.MODEL_FILE] = None,
    part: Annotated[
        PartName,
        typer.Option(help="What changes: the whole network, its decoder, or its attention gates alone."),
    ] = FULL,
    kind: Annotated[
        Literal["objects", "classes"] | None,
        typer.Option(help="What the labels mean; guessed from them unless given."),
    ] = None,
    class_names: Annotated[
        str, typer.Option(metavar="NAMES", help="Names of classes 1, 2, ..., separated by commas.")
    ] = "",
    seconds: Annotated[
        float,
        typer.Option(
            metavar="S",
            help="Time to learn at most, in seconds of a computer that does nothing else.",
            rich_help_panel=options.LEARNING,
        ),
    ] = 55.0,
    steps: Annotated[int, typer.Option(metavar="N", help="Steps at most.", rich_help_panel=options.LEARNING)] = 300,
    batch: Annotated[
        int, typer.Option(metavar="N", help="Patches per step, over all devices.", rich_help_panel=options.LEARNING)
    ] = 6,
    patch: Annotated[
        int,
        typer.Option(
            metavar="PX",
            help="Patch size in pixels; axial networks learn at their own.",
            rich_help_panel=options.LEARNING,
        ),
    ] = 128,
    learning_rate: Annotated[
        float, typer.Option(metavar="RATE", help="Peak learning rate.", rich_help_panel=options.LEARNING)
    ] = 1e-3,
    replay: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            help="Share of images that the shipped model was trained on, against forgetting.",
            rich_help_panel=options.LEARNING,
        ),
    ] = 0.5,
    known: Annotated[
        Path | None,
        typer.Option(
            metavar="DATASET",
            help="Of a model of classes: the set that it was first trained on, against forgetting, if you have it.",
            rich_help_panel=options.LEARNING,
        ),
    ] = None,
    seed: Seed = 0,
    device: Annotated[str, options.DEVICE] = "auto",
    devices: Devices = 1,
    strategy: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="How Lightning divides the work, such as auto or ddp.",
            rich_help_panel=options.RUNNING,
        ),
    ] = "auto",
    versions: Annotated[
        bool, typer.Option("--versions", help="List the models that were learnt from this set in napari, and end.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Let a model learn from a set of corrections, or from images and masks that any other tool made.

    A model of clicks learns from objects: those that were accepted in Click, or those of the masks. A model of classes
    learns from pictures with classes, such as `correct-classes` keeps; classes that it does not know are added. A part
    of what was corrected is held out to judge by: a model is written only if it got better at that. Where manifest.csv
    has a split, train is learnt from, val judges, and test is left alone. Nothing is written into the folder. Ctrl+C
    ends learning and keeps the best so far.
    """
    from src_models.finetuning.settings import FinetuneSettings

    console = Console()
    if versions:
        _list_versions(console, folder)
        return
    if model is None or output is None:
        raise UserError("say which model learns and where it goes: --model NAME --output NAME.safetensors")
    if output.suffix != ".safetensors":
        raise UserError(f"{output}: the name of a model file ends in .safetensors")
    options.check_model(model, device)
    options.check_outputs(output, overwrite=overwrite)
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
    from src_models.models.checkpoint import load
    from src_models.teaching.learner import learner

    names = [name.strip() for name in class_names.split(",") if name.strip()]
    first = None if known is None else _open_known(known)
    learning = learner(load(model), folder, settings, kind=kind, class_names=names, known=first)
    _learn(console, learning)
    _keep(console, learning, output, overwrite=overwrite)


def _open_known(folder: Path) -> ClassSet:
    from src_models.files.class_sets.opening import open_class_set

    return open_class_set(folder)


def _learn(console: Console, learning: JudgedLearning[Any]) -> None:
    """Learn behind a progress bar, until it ends or is interrupted."""
    from src_models.finetuning.learning import Learning

    told = False
    try:
        with console.bar() as report:
            for update in learning.steps():
                if not learning.leads:  # of several processes, one speaks
                    continue
                if update.step == 0 and isinstance(learning, Learning):
                    console.say(f"It learns {learning.guess.kind.words}. {learning.guess.why}")
                words = f"step {update.step}: loss {update.loss:.3f}" if update.step else "step 0"
                best, judged = _scores(update)
                left, busy = _time_left(update)
                report(Progress(round(100 * update.done), 100, f"{words}, best {best}. {left}"))
                if busy and not told:
                    told = True
                    console.say(left)
                if judged is not None:
                    console.say(f"step {update.step}: {judged} on what was held out")
    except KeyboardInterrupt:
        console.say("Interrupted: the best so far is kept.")


def _scores(update: RoundUpdate[Any]) -> tuple[str, str | None]:
    """Return the best score so far, and that of the network as it is if it was just judged, in words."""
    from src_models.classifying.learning.progress import Judged
    from src_models.clicking.learning.progress import iou_words

    best, now = update.best, update.validation
    if isinstance(best, tuple):
        return iou_words(best), None if now is None else iou_words(now)
    if isinstance(best, Judged):
        judged = None if now is None else f"accuracy {now.accuracy:.3f} ({now.right} of {now.count})"
        return f"accuracy {best.accuracy:.3f}", judged
    return f"Dice {best.dice:.3f}", None if now is None else f"Dice {now.dice:.4f}"


def _time_left(update: RoundUpdate[Any]) -> tuple[str, bool]:
    """Return how long it still takes, in words, and whether that is longer than on an idle machine."""
    from src_models.training.rounds.work import is_busy, words_of_time_left

    left, idle = update.seconds_left, update.seconds_idle
    return words_of_time_left(left, idle), bool(update.step) and is_busy(left, idle)


def _keep(console: Console, learning: JudgedLearning[Any], output: Path, *, overwrite: bool) -> None:
    from dataclasses import replace

    from src_models.models.checkpoint import Model, save

    if not learning.leads:  # of several processes, one writes
        return
    result = learning.result()
    if result.model is None:
        raise UserError(result.sentence)
    named = Model(result.model.network, replace(result.model.header, name=output.stem))
    save(named, output, overwrite=overwrite)
    console.say(result.sentence)
    console.say(f"Wrote {output}")


def _list_versions(console: Console, folder: Path) -> None:
    from rich.table import Table

    from src_models.finetuning.versions import ModelVersions

    found = ModelVersions(folder / "models")
    entries = found.list()
    if not entries:
        console.say(f"There are no versions in {found.folder} yet.")
        return
    measure = _measure(entries)
    table = Table("Name", "In use", f"{measure} before", measure, "Written", "Learnt from", "Note")
    names = {version.sha256: version.name for version in entries}
    for version in entries:
        before, after = _scores_of(version)
        parent = version.parent_sha256 or ""
        table.add_row(
            version.name,
            "yes" if version.name == found.active else "",
            before,
            after,
            version.time[:16].replace("T", " "),
            names.get(parent, parent[:12]),
            version.note,
        )
    console.show(table)


def _measure(entries: Sequence[ModelVersion]) -> str:
    """Return what versions were judged by."""
    if any(version.iou is not None for version in entries):
        return "IoU after 1, 3, 5 clicks"
    return "Accuracy" if any(version.accuracy is not None for version in entries) else "Dice"


def _scores_of(version: ModelVersion) -> tuple[str, str]:
    """Return what a version's parent reached, and the version, in digits."""
    if version.iou is not None:
        return _clicked_score(version.iou_before), _clicked_score(version.iou)
    if version.accuracy is not None:
        return _score(version.accuracy_before), _score(version.accuracy)
    return _score(version.dice_before), _score(version.dice)


def _score(score: float | None) -> str:
    return "" if score is None else f"{score:.3f}"


def _clicked_score(scores: Mapping[str, float] | None) -> str:
    return ", ".join(f"{score:.2f}" for score in (scores or {}).values())
