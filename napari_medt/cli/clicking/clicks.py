"""``napari-medt clicks``: how many clicks the objects of a data set take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_medt.cli import options, windows
from napari_medt.cli.console import Console
from napari_medt.cli.options import ClickModel, DataSetFolder, Device, JsonFile, Overwrite, Seed
from napari_medt.cli.windows import Window
from src_models.progress import Progress

if TYPE_CHECKING:
    from rich.table import Table

    from src_models.clicking.training.evaluation import ClickSummary, ObjectScore
    from src_models.files.dataset import DataSet
    from src_models.files.samples import Sample
    from src_models.images.axes import AxesReading
    from src_models.models.header import Intensity

__all__ = ["clicks"]


def clicks(
    data_set: DataSetFolder,
    model: ClickModel = "click",
    split: Annotated[str, typer.Option(metavar="WORD", help="Which images: a word of the manifest, or all.")] = "val",
    classes: Annotated[
        bool, typer.Option("--classes/--instances", help="Masks hold classes, whose parts are objects, or number them.")
    ] = False,
    most: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Objects of each image at the most, evenly spread; all unless given."),
    ] = None,
    hurried: Annotated[
        bool, typer.Option("--hurried/--careful", help="Click somewhere in the error, or in its middle.")
    ] = False,
    seed: Seed = 0,
    json: JsonFile = None,
    overwrite: Overwrite = False,
    window: Window = None,
    device: Device = "auto",
) -> None:
    """Click on every object until it is right, as a person would, and count the clicks (NoC)."""
    from src_models.files.dataset import DataSet

    windows.check_window(window)
    options.check_model(model, device)
    data = DataSet.open(data_set)
    samples = _samples(data, split)
    options.check_outputs(json, overwrite=overwrite)
    from src_models.clicking.answering.network import ClickNetwork
    from src_models.clicking.training.evaluator import by_label, click_data_set, write_scores
    from src_models.models.checkpoint import load

    loaded = load(model)
    network = ClickNetwork(loaded, device)
    console = Console()
    with console.bar("clicking") as report:
        done = 0

        def show(score: ObjectScore) -> None:
            nonlocal done
            done += 1
            report(Progress(done, 0, f"{score.image}: {done} objects"))

        def look(image: Any, reading: AxesReading) -> Intensity | None:
            return None if window is None and reading.rgb else windows.window_intensity(window, image, reading)

        scores = click_data_set(
            samples,
            network,
            classes=classes,
            most=most,
            hurried=hurried,
            seed=seed,
            intensity=look,
            class_names=data.class_names,
            on_object=show,
        )
    console.show(_table(by_label(scores)))
    if json:
        notes = {
            "data_set": str(data_set),
            "split": split,
            "model": loaded.header.name,
            "model_sha256": loaded.sha256,
            "clicks": "hurried" if hurried else "careful",
            "window": window or "soft tissue for what looks like CT",
        }
        console.say(f"scores: {write_scores(json, scores, notes, overwrite=overwrite)}")


def _samples(data: DataSet, split: str) -> tuple[Sample, ...]:
    return data.samples if split == "all" and "all" not in data.splits else data.split(split)


def _table(summaries: dict[str, ClickSummary]) -> Table:
    from rich.box import SIMPLE
    from rich.table import Table

    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    table.add_column("objects", overflow="fold")
    for column in ("number", "NoC@80/85/90", "never 85", "IoU after 1/3/5/10", "first/later answer"):
        table.add_column(column, justify="right", overflow="fold")
    for label, one in summaries.items():
        table.add_row(
            f"class {label}" if label.isdigit() else label,
            str(one.objects),
            " ".join(f"{one.clicks[iou]:.2f}" for iou in (0.8, 0.85, 0.9)),
            f"{one.failures[0.85]:.0%}",
            " ".join(f"{one.iou[count]:.2f}" for count in (1, 3, 5, 10)),
            f"{1e3 * one.first_seconds:.0f} / {1e3 * one.later_seconds:.0f} ms",
        )
    return table
