"""``napari-medt evaluate``: measure a model on a data set."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console
from napari_medt.cli.models.evaluate_classes import evaluate_on_classes
from napari_medt.cli.options import (
    Channels,
    DataSetFolder,
    Device,
    Diameter,
    Drawn,
    GreyValues,
    JsonFile,
    Model,
    Overwrite,
)
from src_models.progress import Progress

if TYPE_CHECKING:
    from rich.table import Table

    from src_models.evaluating.scores import Evaluation, ImageScore, Scores
    from src_models.files.dataset import DataSet
    from src_models.images.grey.grey_range import GreyRange
    from src_models.models.checkpoint import Model as LoadedModel

__all__ = ["evaluate"]

LISTED = 40  # images in the table; the JSON file has no limit


def evaluate(
    data_set: DataSetFolder,
    model: Model = "nuclei",
    split: Annotated[
        str | None,
        typer.Option(
            metavar="WORD",
            help="Which images: a word of the manifest. Default: test, else val, else all without splits.",
        ),
    ] = None,
    json: JsonFile = None,
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help="Draw the best, the median and the worst image here, with outlines; of classes, the surest mistakes.",
        ),
    ] = None,
    overwrite: Overwrite = False,
    channels: Channels = None,
    drawn: Drawn = None,
    grey_range: GreyValues = None,
    diameter: Diameter = None,
    device: Device = "auto",
) -> None:
    """Measure a model on a data set: Dice, IoU and F1 of pixels, average precision of objects.

    Of a model that tells classes, on a set of classes as `train` takes it: accuracy, balanced accuracy, precision and
    recall of each class, and what was taken for what.
    """
    from src_models.files.dataset import DataSet
    from src_models.images.channels import parse_channels
    from src_models.images.grey.grey_range import GreyRange

    grey = GreyRange.of(grey_range)
    chosen = None if channels is None else parse_channels(channels)
    if options.check_model(model, device).use == "classify":
        _refuse(("--diameter", diameter), ("--grey-range", grey), ("--drawn", drawn))
        _check_outputs(json, sheet, overwrite=overwrite)
        evaluate_on_classes(
            data_set, model, split=split, json=json, sheet=sheet, overwrite=overwrite, channels=chosen, device=device
        )
        return
    images = DataSet.open(data_set, drawn=drawn).with_channels(chosen)
    _check_outputs(json, sheet, overwrite=overwrite)
    from src_models.evaluating.scores import write_json
    from src_models.evaluating.sheet import write_sheet
    from src_models.models.checkpoint import load

    loaded = load(model)
    console = Console()
    evaluation = _run(console, images, loaded, split=split, device=device, diameter=diameter, grey_range=grey)
    console.show(_image_table(evaluation))
    console.show(_overall_table(evaluation))
    if evaluation.split is None:
        console.say("All images were measured. Were some of them trained on? --split val leaves those out.")
    if json:
        console.say(f"scores: {write_json(evaluation, json, overwrite=overwrite)}")
    if sheet:
        console.say(f"sheet: {write_sheet(evaluation, loaded, sheet, device=device, overwrite=overwrite)}")


def _refuse(*options_of_pixels: tuple[str, object]) -> None:
    """Refuse what only models that segment heed."""
    from src_models.errors import UserError

    for name, value in options_of_pixels:
        if value is not None:
            raise UserError(f"{name} is for models that segment, and this one tells classes: leave it out")


def _check_outputs(json: Path | None, sheet: Path | None, *, overwrite: bool) -> None:
    """Refuse what cannot be written before the work, not after it."""
    from src_models.errors import OutputError

    if sheet and sheet.suffix.lower() != ".png":
        raise OutputError(f"{sheet}: the sheet is a PNG; give it a name that ends in .png")
    options.check_outputs(json, sheet, overwrite=overwrite)


def _run(
    console: Console,
    images: DataSet,
    model: LoadedModel,
    *,
    split: str | None,
    device: str,
    diameter: float | None,
    grey_range: GreyRange | None,
) -> Evaluation:
    """Measure behind a progress bar."""
    from src_models.evaluating.evaluate import evaluate as run

    with console.bar("measuring") as report:

        def show(done: int, total: int, name: str) -> None:
            report(Progress(done, total, name))

        return run(
            images, model, split=split, device=device, diameter=diameter, grey_range=grey_range, on_progress=show
        )


def _image_table(evaluation: Evaluation) -> Table:
    """List images from worst to best, since the worst ones tell most."""
    from rich.box import SIMPLE
    from rich.table import Table

    instances = evaluation.header.result == "instances"
    ranked = sorted(evaluation.images, key=_order)
    shown = ranked[:LISTED]
    title = f"{evaluation.header.name} on {evaluation.data_set}, {evaluation.split or 'all images'}: worst images first"
    if len(shown) < len(ranked):
        title += f" ({len(shown)} of {len(ranked)}; --json FILE holds all)"
    table = Table(title=title, box=SIMPLE, title_justify="left", padding=(0, 1, 0, 0))
    for heading in ("image", *_headings(instances=instances), *(("true", "found") if instances else ())):
        table.add_column(heading, justify="left" if heading == "image" else "right", overflow="fold")
    for image in shown:
        cells = [image.sample.name, *_cells(image.scores)]
        if image.object_counts:
            cells += map(str, image.object_counts)
        table.add_row(*cells)
    return table


def _overall_table(evaluation: Evaluation) -> Table:
    from rich.box import SIMPLE
    from rich.table import Table

    instances = evaluation.header.result == "instances"
    title = f"overall, {len(evaluation.images)} images"
    if instances:
        title += "; AP 0.5: TP / (TP + FP + FN) of objects at IoU 0.5; mean AP: over IoU 0.5, 0.55, ... 0.95"
    table = Table(title=title, box=SIMPLE, title_justify="left", padding=(0, 1, 0, 0))
    for heading in ("", *_headings(instances=instances)):
        table.add_column(heading, justify="right" if heading else "left")
    for name, scores in (("mean over images", evaluation.mean), ("pooled", evaluation.pooled)):
        table.add_row(name, *_cells(scores))
        if not instances:
            for index, label in enumerate(evaluation.classes):
                row = (_text(values[index]) for values in (scores.dice, scores.iou, scores.f1))
                table.add_row(f"  {label}", *row, style="dim")
    return table


def _headings(*, instances: bool) -> tuple[str, ...]:
    return ("Dice", "IoU", "F1", *(("AP 0.5", "mean AP") if instances else ()))


def _cells(scores: Scores) -> list[str]:
    """Means over the classes but the background; objects' scores after them."""
    cells = [_text(value) for value in scores.foreground.values()]
    if scores.ap50 is not None and scores.mean_ap is not None:
        cells += [_text(scores.ap50), _text(scores.mean_ap)]
    return cells


def _order(image: ImageScore) -> tuple[bool, tuple[float, float]]:
    return image.blank, image.rank


def _text(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
