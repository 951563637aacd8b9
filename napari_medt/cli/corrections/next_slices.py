"""``napari-medt next``: which slices and regions of an image are worth correcting next."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_medt.cli import options
from napari_medt.cli.console import Console
from napari_medt.cli.options import Axes, Channels, Device, Image, JsonFile, Model, Overwrite, Series, Uneven

if TYPE_CHECKING:
    from collections.abc import Generator

    from rich.table import Table

    from src_models.finetuning.candidates import Candidate
    from src_models.progress import Progress as Done

__all__ = ["next_slices"]


def next_slices(
    image: Image,
    model: Model = "nuclei",
    folder: Annotated[
        Path | None, typer.Option("--set", metavar="FOLDER", help="What is corrected already, and not worth it again.")
    ] = None,
    most: Annotated[int, typer.Option(metavar="N", min=1, help="Length of the list.")] = 20,
    tile: Annotated[int, typer.Option(metavar="PX", min=16, help="Side of a region in pixels.")] = 256,
    json: JsonFile = None,
    overwrite: Overwrite = False,
    axes: Axes = None,
    series: Series = None,
    channels: Channels = None,
    uneven: Uneven = "refuse",
    device: Device = "auto",
) -> None:
    """Rank slices and regions by what correcting them would teach the model: where it is unsure, and what is new."""
    from src_models.corrections.correction import Source
    from src_models.corrections.correction_set import CorrectionSet

    options.check_model(model, device)
    options.check_files(image)
    options.check_outputs(json, overwrite=overwrite)
    source = options.open_image(image, axes, channels, uneven, series)
    console = Console()
    console.say(f"{source.title}: {source.reading.describe()}")
    console.notes(source.notes)
    from src_models.finetuning.candidates import rank_steps
    from src_models.models.checkpoint import load

    steps = rank_steps(
        source.data,
        load(model),
        axes=source.reading,
        corrections=None if folder is None else CorrectionSet.open(folder),
        source=Source(layer=source.name, file=str(source.path.absolute()), series=source.apart).image,
        tile=tile,
        most=most,
        device=device,
        name=source.title,
    )
    ranked = _run(console, steps)
    if ranked:
        leading = "".join(letter for letter in source.reading.axes if letter not in "CYX")
        console.show(_table(ranked, leading))
    else:
        console.say("All of it is corrected.")
    if json is not None:
        _write(json, image, ranked, overwrite=overwrite)
        console.say(f"list: {json}")


def _run(console: Console, steps: Generator[Done, None, list[Candidate]]) -> list[Candidate]:
    """Exhaust a generator behind a progress bar, and return what it returns."""
    with console.bar("looking") as report:
        while True:
            try:
                done = next(steps)
            except StopIteration as end:
                ranked: list[Candidate] = end.value
                return ranked
            report(done)


def _table(ranked: list[Candidate], leading: str) -> Table:
    from rich.table import Table

    table = Table("", *leading, "Rows", "Columns", "Score", "Unsure (nats)", "Unlike")
    for column in table.columns[-3:]:
        column.justify = "right"
    for number, found in enumerate(ranked, start=1):
        rows, columns = ("{}:{}".format(*part) for part in found.region)
        scores = (found.score, found.uncertainty, found.novelty)
        table.add_row(str(number), *map(str, found.plane), rows, columns, *(f"{score:.3f}" for score in scores))
    return table


def _write(path: Path, image: Path, ranked: list[Candidate], *, overwrite: bool) -> None:
    from json import dumps

    from src_models.disk.atomic import atomic_path

    content = {"image": str(image), "candidates": [dataclasses.asdict(found) for found in ranked]}
    with atomic_path(path, overwrite=overwrite) as beside:
        beside.write_text(dumps(content, indent=1), encoding="utf-8")
