"""``napari-medt next``: which slices and regions of an image are worth correcting next."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Generator

    from rich.console import Console
    from rich.table import Table

    from src_models.finetuning.candidates import Candidate
    from src_models.progress import Progress as Done

__all__ = ["next_slices"]

Device = Literal["auto", "cpu", "cuda", "mps"]


def next_slices(
    image: Annotated[
        Path,
        typer.Argument(metavar="IMAGE", help="TIFF, OME-TIFF, PNG, JPEG, zarr, NIfTI, or a folder of DICOM slices."),
    ],
    model: Annotated[str, typer.Option(help="Name of a shipped or local model, or a path.")],
    folder: Annotated[
        Path | None, typer.Option("--set", metavar="FOLDER", help="What is corrected already, and not worth it again.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Length of the list.")] = 20,
    tile: Annotated[int, typer.Option(min=16, help="Side of a region in pixels.")] = 256,
    axes: Annotated[str | None, typer.Option(help="Axes of the image by hand, such as ZYX or CYX.")] = None,
    device: Annotated[Device, typer.Option(help="What to run on.")] = "auto",
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the list here.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing FILE.")] = False,
) -> None:
    """Rank slices and regions by what correcting them would teach the model: where it is unsure, and what is new."""
    from rich.console import Console

    from src_models.corrections.correction_set import CorrectionSet
    from src_models.disk.atomic import check_new
    from src_models.files.images import read_image
    from src_models.finetuning.candidates import rank_steps
    from src_models.models.checkpoint import load

    if json is not None:
        check_new(json, overwrite=overwrite)
    source = read_image(image, axes=axes)
    console = Console(highlight=False, markup=False)
    console.print(f"{image}: {source.reading.describe()}", soft_wrap=True)
    steps = rank_steps(
        source.data,
        load(model),
        axes=source.reading,
        corrections=None if folder is None else CorrectionSet.open(folder),
        source=str(source.path.absolute()),
        tile=tile,
        most=most,
        device=device,
        name=str(image),
    )
    ranked = _run(console, steps)
    if ranked:
        leading = "".join(letter for letter in source.reading.axes if letter not in "CYX")
        console.print(_table(ranked, leading))
    else:
        console.print("All of it is corrected.")
    if json is not None:
        _write(json, image, ranked, overwrite=overwrite)
        console.print(f"list: {json}", soft_wrap=True)


def _run(console: Console, steps: Generator[Done, None, list[Candidate]]) -> list[Candidate]:
    """Exhaust a generator behind a progress bar, and return what it returns."""
    from rich.progress import Progress

    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("looking", total=None)
        while True:
            try:
                done = next(steps)
            except StopIteration as end:
                ranked: list[Candidate] = end.value
                return ranked
            bar.update(task, completed=done.done, total=done.total, description=done.message)


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
