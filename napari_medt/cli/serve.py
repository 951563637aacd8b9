"""``napari-medt serve``: models, clicks and corrections for 3D Slicer, without a window."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import platformdirs
import typer

from napari_medt.cli.console import Console
from napari_medt.cli.options import complete_model
from src_models.errors import UserError

if TYPE_CHECKING:
    from napari_medt.serving.settings import ServeSettings

__all__ = ["serve"]

_NEEDED = ("multipart", "starlette", "uvicorn")


def serve(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="FOLDER", help="Images to offer; without it, those alone that clients send."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="A model to offer, by name or file; all unless given. Repeatable.",
            autocompletion=complete_model,
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Where to listen; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", help="Port to listen at.")] = 8000,
    token: Annotated[
        str | None, typer.Option(metavar="WORD", help="What clients have in the address; a new one unless given.")
    ] = None,
    no_token: Annotated[
        bool, typer.Option("--no-token", help="Let in every program of this machine, without a token.")
    ] = False,
    store: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder for labels, and for images that clients send; the user's own unless given."
        ),
    ] = None,
) -> None:
    """Serve models, clicks and a folder of images to 3D Slicer (MONAI Label, nnInteractive).

    The images stay where they are. Labels that people submit are kept in the store. Ctrl+C ends the server.
    """
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise UserError(
            f"the server needs more than is installed here ({', '.join(missing)}): pip install 'napari-medt[server]'"
        )
    from napari_medt.serving.running import serve as run

    settings = _settings(folder, model or [], host, port, token, store, no_token=no_token)
    console = Console()
    run(settings, lambda address: _tell(console, settings, address))


def _settings(
    folder: Path | None,
    models: list[str],
    host: str,
    port: int,
    token: str | None,
    store: Path | None,
    *,
    no_token: bool,
) -> ServeSettings:
    from napari_medt.serving.access import new_token
    from napari_medt.serving.settings import ServeSettings

    if no_token and token is not None:
        raise UserError("give --token or --no-token, not both")
    return ServeSettings(
        folder=folder,
        models=tuple(models),
        host=host,
        port=port,
        token=None if no_token else token or new_token(),
        store=store or platformdirs.user_data_path("napari-medt", appauthor=False) / "server",
    )


def _tell(console: Console, settings: ServeSettings, address: str) -> None:
    """Say where the server is, and how it is entered."""
    images = "images that clients send" if settings.folder is None else str(settings.folder)
    console.say(f"Serving {images} at")
    console.say(f"  {address}", style="bold")
    console.say("In 3D Slicer: module MONAI Label, field MONAI Label server, and press Refresh;")
    console.say("  or module nnInteractive, tab Configuration, field Server.")
    console.say(f"Labels go to {settings.store}. Ctrl+C ends the server.")
    if settings.token is None:
        console.say("Every program of this machine is let in: there is no token.", style="yellow")
    sys.stdout.flush()  # also where it goes into a log, which nobody else would write to
