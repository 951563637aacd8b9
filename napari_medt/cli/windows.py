"""In which window of CT an image is looked at, as commands are told it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_medt.cli.options import IMAGES

if TYPE_CHECKING:
    from src_models.images.axes import AxesReading
    from src_models.models.header import Intensity

__all__ = ["WINDOWS", "Window", "check_window", "window_intensity"]

WINDOWS = ("soft tissue", "lung", "bone", "brain", "liver", "none")
Window = Annotated[
    str | None,
    typer.Option(
        "--window",
        metavar="|".join((*WINDOWS, "LEVEL:WIDTH")),
        help="Window of CT in which it is looked at: one with a name, or your own by level and width in HU, such as "
        "60:350. Soft tissue for what looks like CT, unless given.",
        rich_help_panel=IMAGES,
        autocompletion=lambda incomplete: [name for name in WINDOWS if name.startswith(incomplete)],
    ),
]


def check_window(window: str | None) -> None:
    """Refuse what is no window of CT, before anything is opened.

    Raises
    ------
    UserError
        If it is neither a name nor a level and a width.
    """
    from src_models.images.grey.ct_windows import parse_ct_window

    if window is not None and window != "none":
        parse_ct_window(window)


def window_intensity(window: str | None, data: Any, reading: AxesReading | None = None) -> Intensity | None:
    """Return how an image's grey values are normalised for a window; None as the model's header says.

    Parameters
    ----------
    window
        Its name, ``"LEVEL:WIDTH"``, or ``"none"``; None takes that of soft tissue for a CT, and else none.
    data
        The image, (..., y, x); of it, a part of the middle slice is read where no file says whether it is a CT.
    reading
        How it is read; None where nothing but the data is known.
    """
    from src_models.images.grey.ct_windows import ct_window, parse_ct_window, shows_ct

    if window is not None:
        return None if window == "none" else parse_ct_window(window).intensity
    return ct_window("soft tissue").intensity if shows_ct(data, reading) else None
