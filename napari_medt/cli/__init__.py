"""The command line, ``napari-medt``: what the widgets do, for scripts and clusters.

Each command is a function in a module of its own, which imports what it computes with only when it runs, so that
``--help`` answers at once. Errors that a person can act on end as one line on stderr and exit code 1; anything with a
traceback is a bug.
"""

from __future__ import annotations

import errno
import inspect
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from napari_medt import __version__
from napari_medt.cli import classify, demo, measure, segment, series, serve
from napari_medt.cli.attention import attention, audit
from napari_medt.cli.clicking import click, clicks
from napari_medt.cli.console import Quiet, Verbose, complain, set_voice, show_any_letter, with_voice
from napari_medt.cli.corrections import correct, correct_classes, corrections, finetune, next_slices
from napari_medt.cli.labels import export_labels, track
from napari_medt.cli.models import convert, evaluate, export, models, train
from src_models.errors import UserError

__all__ = ["app", "main"]

NAME = "napari-medt"


def _without_types(parameters: list[Any]) -> list[Any]:
    """Leave types out of the help where they tell nothing: of flags, which take no value, and of arguments."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
        elif parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda ctx: ""
    return parameters


class _Command(TyperCommand):
    """A command, with help on its options as people type them."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _without_types(super().get_params(ctx))


class _Commands(TyperGroup):
    """The commands, with errors for people instead of tracebacks."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _without_types(super().get_params(ctx))

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            complain(str(error))
            raise typer.Exit(1) from error
        except OSError as error:  # of asking for a file that no file system can have
            if error.errno != errno.ENAMETOOLONG:
                raise
            complain(f"{error.filename}: no file can have a name of this length; check it")
            raise typer.Exit(1) from error


app = typer.Typer(
    name=NAME,
    cls=_Commands,
    help="Segment images with attention networks, and see where they look.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["--help", "-h"]},
    pretty_exceptions_enable=False,
)


def _add(panel: str, *commands: Callable[..., None], name: str | None = None) -> None:
    for command in commands:
        app.command(name, cls=_Command, help=_paragraphs(command), rich_help_panel=panel)(with_voice(command))


def _paragraphs(command: Callable[..., None]) -> str:
    """Return the docstring with a line for each paragraph, for the terminal to break."""
    return "\n\n".join(" ".join(part.split()) for part in (inspect.getdoc(command) or "").split("\n\n"))


_add("Segment", segment.segment, click.click, demo.demo)
_add("Classify", classify.classify)
_add("Measure", measure.measure, track.track)
_add("Other programs", export_labels.export_labels, name="export-labels")
_add("Scans", series.series)
_add("Attention", attention.attention, audit.audit)
_add("Correct and learn", correct.correct, corrections.corrections)
_add("Correct and learn", correct_classes.correct_classes, name="correct-classes")
_add("Correct and learn", next_slices.next_slices, name="next")
_add("Correct and learn", finetune.finetune)
_add("Serve", serve.serve)
_add("Models", models.models, train.train, convert.convert, export.export, evaluate.evaluate, clicks.clicks)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{NAME} {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True)
    ] = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Segment images with attention networks, and see where they look."""
    set_voice(quiet=quiet, verbose=verbose)


def main() -> None:
    """Run the command line."""
    show_any_letter(sys.stdout, sys.stderr)
    app(prog_name=NAME)
