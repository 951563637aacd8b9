"""The command line, ``napari-medt``: what the widgets do, for scripts and clusters.

Each command is a function in a module of its own, which imports what it computes with only when it runs, so that
``--help`` answers at once. Errors that a person can act on end as one line on stderr and exit code 1; anything with a
traceback is a bug.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from napari_medt import __version__
from napari_medt.cli import click, clicks, demo, segment
from napari_medt.cli.attention import attention, audit
from napari_medt.cli.corrections import correct, corrections, finetune, next_slices
from napari_medt.cli.models import convert, evaluate, models, train
from src_models.errors import UserError

__all__ = ["app", "main"]


class _Commands(TyperGroup):
    """The commands, with errors for people instead of tracebacks."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            typer.echo(f"Error: {' '.join(str(error).split())}", err=True)
            raise typer.Exit(1) from error


app = typer.Typer(
    name="napari-medt",
    cls=_Commands,
    help="Segment images with attention networks, and see where they look.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(models.models)
app.command()(segment.segment)
app.command()(attention.attention)
app.command()(audit.audit)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(click.click)
app.command()(clicks.clicks)
app.command()(correct.correct)
app.command()(corrections.corrections)
app.command("next")(next_slices.next_slices)
app.command()(finetune.finetune)
app.command()(convert.convert)
app.command()(demo.demo)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"napari-medt {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Segment images with attention networks, and see where they look."""


def main() -> None:
    """Run the command line."""
    app()
