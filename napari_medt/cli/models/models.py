"""``napari-medt models``: which models there are, and what each is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from src_models.models.library import ModelEntry

__all__ = ["models"]


def models(
    details: Annotated[bool, typer.Option("--details", help="Print all that is known of each model.")] = False,
) -> None:
    """List the models that ship and a person's own."""
    from rich.console import Console

    from src_models.models.library import local_folder, local_models, local_problems, shipped_models

    console = Console(soft_wrap=True, highlight=False)
    entries = [*shipped_models(), *local_models()]
    if details:
        for entry in entries:
            _print_details(console, entry)
    elif entries:
        Console(highlight=False).print(_table(entries))
    if not entries:
        console.print("There are no models yet.")
    console.print(f"Your own models live in {local_folder()}", markup=False)
    for problem in local_problems():
        typer.echo(f"Not usable: {problem}", err=True)


def _table(entries: list[ModelEntry]) -> Table:
    from rich.table import Table

    table = Table("Name", "For", "Classes", "Size", "Licence", "Architecture", "From")
    table.columns[0].no_wrap = True
    for entry in entries:
        header = entry.header
        table.add_row(
            entry.name,
            header.purpose,
            ", ".join(header.classes),
            _size(entry.size_bytes),
            header.licence,
            f"{header.architecture}, {header.dimensions}D",
            "shipped" if entry.shipped else "local",
        )
    return table


def _print_details(console: Console, entry: ModelEntry) -> None:
    from src_models.attention.gates import stored_gate_values

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
        "intensity": f"{header.intensity.kind}, {header.intensity.low:g} to {header.intensity.high:g}",
        "tile": f"{_product(header.tile)} px, overlap {_product(header.overlap)} px",
        "object diameter": f"{header.object_diameter:g} px" if header.object_diameter else "",
        "without rescaling": "{:g} to {:g} px".format(*header.diameter_range) if header.diameter_range else "",
        "object size": "" if header.estimates_diameter else "images are taken at their own scale",
        "spacing": f"{_product(header.spacing)} {header.unit or ''}".rstrip() if header.spacing else "",
        "training": ", ".join(f"{name} {value}" for name, value in header.training.items()),
        "fine-tuned from": header.parent_sha256 or "",
    }
    console.print(entry.name, style="bold", markup=False)
    for name, value in facts.items():
        if value:
            console.print(f"  {name:<18}{value}", markup=False)
    for gates in stored_gate_values(entry.path):
        values = f"G_Q {gates.g_q:.3f}, G_K {gates.g_k:.3f}, G_V1 {gates.g_v1:.3f}, G_V2 {gates.g_v2:.3f}"
        console.print(f"  {'gates':<18}{gates.layer}: {values}", markup=False)


def _product(sizes: tuple[float, ...]) -> str:
    return " x ".join(f"{size:g}" for size in sizes)


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"
