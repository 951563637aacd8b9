"""``napari-medt models``: which models there are, and what each is for."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_medt.cli.console import Console
from src_models.errors import UserError

if TYPE_CHECKING:
    from rich.table import Table

    from src_models.models.header import Intensity
    from src_models.models.library import ModelEntry

__all__ = ["models"]

ENCODER_WEIGHTS = "encoder_weights"
_MOST_CLASSES = 3  # that a line names


def models(
    details: Annotated[bool, typer.Option("--details", help="Print all that is known of each model.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print all that is known of each model as JSON.")] = False,
) -> None:
    """List the models that ship and a person's own."""
    from src_models.models.library import local_folder, local_models, local_problems, shipped_models

    if details and json:
        raise UserError("--details and --json exclude each other: give one of them")
    console = Console()
    entries = [*shipped_models(), *local_models()]
    if json:
        typer.echo(_as_json(entries))
    else:
        _print(console, entries, details=details)
        console.say(f"Your own models live in {local_folder()}")
    for problem in local_problems():
        typer.echo(f"Not usable: {problem}", err=True)


def _as_json(entries: list[ModelEntry]) -> str:
    from json import dumps

    from src_models.models.citations import as_fields, citations_of
    from src_models.models.loaded import file_sha256

    def content(entry: ModelEntry) -> dict[str, Any]:
        return {
            "name": entry.name,
            "path": str(entry.path),
            "size_bytes": entry.size_bytes,
            "shipped": entry.shipped,
            "sha256": file_sha256(entry.path),
            "header": dataclasses.asdict(entry.header),
            "data_sets": as_fields(citations_of(entry.header)),
        }

    return dumps([content(entry) for entry in entries], indent=1)


def _print(console: Console, entries: list[ModelEntry], *, details: bool) -> None:
    if not entries:
        console.say("There are no models yet.")
    elif details:
        for entry in entries:
            _print_details(console, entry)
    elif _width(table := _table(entries)) <= console.width:
        console.show(table)
    else:
        console.show(_narrow_table(entries, console.width))


def _width(table: Table) -> int:
    """Return the columns that a table needs for no cell to be folded."""
    from rich.console import Console as RichConsole

    wide = RichConsole(width=10_000)
    return table.__rich_measure__(wide, wide.options).maximum


def _table(entries: list[ModelEntry]) -> Table:
    """Return a line for each model."""
    from rich.table import Table

    table = Table("Name", "For", "Classes", "Size", "Licence", "Architecture", "From")
    for entry in entries:
        header = entry.header
        table.add_row(entry.name, header.purpose, _few(header.classes), *_facts(entry))
    return table


def _few(classes: Sequence[str]) -> str:
    """Return classes as a cell holds them."""
    if len(classes) <= _MOST_CLASSES:
        return ", ".join(classes)
    return f"{', '.join(classes[: _MOST_CLASSES - 1])} and {len(classes) - _MOST_CLASSES + 1} more"


def _narrow_table(entries: list[ModelEntry], width: int) -> Table:
    """Return two columns, in which a model's facts stand below what it is for."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table("Name", "For", box=SIMPLE_HEAD, pad_edge=False, width=width)
    table.columns[0].no_wrap = True
    for entry in entries:
        table.add_row(entry.name, entry.header.purpose)
        table.add_row("", f"classes {', '.join(entry.header.classes)}", style="dim")
        table.add_row("", ", ".join(_facts(entry)), style="dim")
    return table


def _facts(entry: ModelEntry) -> tuple[str, str, str, str]:
    """Return size, licence, architecture, and where it is from."""
    header = entry.header
    return (
        _size(entry.size_bytes),
        header.licence,
        f"{header.architecture}, {header.dimensions}D",
        "shipped" if entry.shipped else "local",
    )


def _print_details(console: Console, entry: ModelEntry) -> None:
    from src_models.attention.gates import stored_gate_values
    from src_models.labels.pieces import pieces_words
    from src_models.models.citations import citation_lines, citations_of

    header = entry.header
    facts = {
        "for": header.purpose,
        "file": f"{entry.path} ({_size(entry.size_bytes)}, {'shipped' if entry.shipped else 'local'})",
        "licence": header.licence,
        "architecture": f"{header.architecture}, {header.dimensions}D",
        "configuration": ", ".join(f"{name} {value}" for name, value in header.config.items()),
        "classes": ", ".join(header.classes),
        "result": header.result,
        "channels": ", ".join(header.channels),
        "intensity": _scaling(header.intensity),
        "tile": f"{_product(header.tile)} px, overlap {_product(header.overlap)} px",
        "object diameter": f"{header.object_diameter:g} px" if header.object_diameter else "",
        "without rescaling": "{:g} to {:g} px".format(*header.diameter_range) if header.diameter_range else "",
        "object size": "" if header.estimates_diameter else _scale(header.image_zoom),
        "spacing": f"{_product(header.spacing)} {header.unit or ''}".rstrip() if header.spacing else "",
        "pieces": pieces_words(header.largest_pieces),
        "training": _training(header.training),
        "encoder began with": _encoder_weights(header.training),
        "fine-tuned from": header.parent_sha256 or "",
    }
    console.say(entry.name, style="bold")
    for name, value in facts.items():
        if value:
            console.say(f"  {name:<18}{value}" if len(name) < 18 else f"  {name} {value}")
    for line in citation_lines(citations_of(header)):
        console.say(f"  {'learnt from':<18}{line}")
    for gates in stored_gate_values(entry.path):
        values = f"G_Q {gates.g_q:.3f}, G_K {gates.g_k:.3f}, G_V1 {gates.g_v1:.3f}, G_V2 {gates.g_v2:.3f}"
        console.say(f"  {'gates':<18}{gates.layer}: {values}")


def _scale(zoom: float) -> str:
    return "images are taken at their own scale" if zoom == 1 else f"images are resized {zoom:g} times, as it learnt"


def _scaling(intensity: Intensity) -> str:
    if intensity.kind == "unscaled":
        return "grey values as they are"
    return f"{intensity.kind}, {intensity.low:g} to {intensity.high:g}"


def _training(training: Mapping[str, Any]) -> str:
    """Return what is known of a training, besides what has lines of its own."""
    told = ("data_sets", ENCODER_WEIGHTS)
    return ", ".join(f"{name} {value}" for name, value in training.items() if name not in told)


def _encoder_weights(training: Mapping[str, Any]) -> str:
    """Return whose weights the encoder began with, also of a model that learnt further."""
    while ENCODER_WEIGHTS not in training:
        if "parent_training" not in training:
            return ""
        training = training["parent_training"]
    told = training[ENCODER_WEIGHTS]
    return f"{told['name']} ({told['authors']}), {told['licence']}, SHA-256 {told['sha256']}"


def _product(sizes: tuple[float, ...]) -> str:
    return " x ".join(f"{size:g}" for size in sizes)


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
