"""``napari-medt evaluate`` of a model that tells classes: accuracy, what was taken for what, and each class."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medt.cli.console import Console
from src_models.progress import Progress

if TYPE_CHECKING:
    from rich.table import Table

    from src_models.classifying.evaluation.evaluate import ClassEvaluation

__all__ = ["evaluate_on_classes"]


def evaluate_on_classes(
    dataset: Path,
    model: str,
    *,
    split: str | None,
    json: Path | None,
    sheet: Path | None,
    overwrite: bool,
    channels: tuple[int, ...] | None,
    device: str,
) -> None:
    """Measure a model behind a progress bar, and show and write what was found; as the command has the parameters."""
    from src_models.classifying.evaluation.class_sheet import write_class_sheet
    from src_models.classifying.evaluation.evaluate import evaluate_classes, write_class_json
    from src_models.files.class_sets.opening import open_class_set
    from src_models.models.checkpoint import load

    data = replace(open_class_set(dataset), channels=channels)
    console = Console()
    with console.bar("measuring") as report:

        def show(done: int, total: int, name: str) -> None:
            report(Progress(done, total, name))

        evaluation = evaluate_classes(data, load(model), split=split, device=device, on_progress=show)
    console.show(_class_table(evaluation))
    console.show(_confusion_table(evaluation))
    console.say(_overall(evaluation))
    if evaluation.split is None:
        console.say("All pictures were measured. Were some of them trained on? --split val leaves those out.")
    if json:
        console.say(f"scores: {write_class_json(evaluation, json, overwrite=overwrite)}")
    if sheet:
        console.say(f"sheet: {write_class_sheet(evaluation, sheet, overwrite=overwrite)}")


def _overall(evaluation: ClassEvaluation) -> str:
    auc = "" if evaluation.auc is None else f", AUC {evaluation.auc:.3f} (mean over classes)"
    return (
        f"accuracy {evaluation.accuracy:.3f}, balanced accuracy {evaluation.balanced_accuracy:.3f}{auc}, of "
        f"{len(evaluation.samples)} pictures"
    )


def _class_table(evaluation: ClassEvaluation) -> Table:
    from rich.box import SIMPLE
    from rich.table import Table

    title = f"{evaluation.header.name} on {evaluation.data.root}, {evaluation.split or 'all pictures'}"
    table = Table(title=title, box=SIMPLE, title_justify="left", padding=(0, 1, 0, 0))
    for heading in ("class", "precision", "recall", "F1", "pictures"):
        table.add_column(heading, justify="left" if heading == "class" else "right", overflow="fold")
    for name, scores in evaluation.per_class.items():
        values = (scores.precision, scores.recall, scores.f1)
        table.add_row(name, *("-" if math.isnan(value) else f"{value:.3f}" for value in values), str(scores.count))
    return table


def _confusion_table(evaluation: ClassEvaluation) -> Table:
    """Show what each class was taken for; columns are numbered like the rows, since names would not fit."""
    from rich.box import SIMPLE
    from rich.table import Table

    title = "rows: what it is; columns: what was found, in the same order"
    table = Table(title=title, box=SIMPLE, title_justify="left", padding=(0, 1, 0, 0))
    table.add_column("", overflow="fold")
    for number in range(1, len(evaluation.header.classes) + 1):
        table.add_column(str(number), justify="right")
    for number, (name, row) in enumerate(zip(evaluation.header.classes, evaluation.confusion.tolist(), strict=True)):
        table.add_row(f"{number + 1} {name}", *(str(count) if count else "." for count in row))
    return table
