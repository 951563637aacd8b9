"""Doing again what a stored session of clicks holds, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from src_models.clicking.answering.crop import Crop, Pixel
from src_models.clicking.history import BEGIN, CARRY, END_HERE, FOLLOW, LARGER, SMALLER
from src_models.clicking.mends.beginning import from_stored
from src_models.clicking.prompts import Click, prompt_from_dict
from src_models.errors import UserError

if TYPE_CHECKING:
    from src_models.clicking.session import ClickSession

__all__ = ["do_again"]

_BESIDES = ("plane", "crop", "mends")  # what a stored prompt holds that is not the prompt's


def do_again(session: ClickSession, what: Mapping[str, Any]) -> None:
    """Do a stored step in a session.

    Raises
    ------
    UserError
        If it is none.
    """
    try:
        plane = tuple(int(at) for at in what["plane"])
        kind = what["kind"]
        low, high = (int(at) for at in what["between"]) if kind == CARRY else (0, 0)
        steps = int(what["steps"]) if kind == FOLLOW and "steps" in what else None
        masks = from_stored(what["masks"], session.shape) if kind == BEGIN else {}
        crop = _crop(what["crop"], session.image.pixel) if "crop" in what else None
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise UserError(f"this is not a stored step of a session of clicks: {dict(what)!r}") from error
    if kind == BEGIN:
        session.begin_with(masks, plane)
    elif kind == CARRY:
        for _ in session.carry(plane, between=(low, high)):
            pass
    elif kind == FOLLOW:
        for _ in session.follow(steps):
            pass
    elif kind in (LARGER, SMALLER):
        (session.larger if kind == LARGER else session.smaller)(plane)
    elif kind == END_HERE:
        session.end_here(plane)
    else:
        prompt = prompt_from_dict({name: value for name, value in what.items() if name not in _BESIDES})
        if crop is not None and isinstance(prompt, Click):
            session.take(prompt, session.image.answers(plane).look(crop, (prompt,)), plane)
        else:
            session.give(prompt, plane)


def _crop(stored: Sequence[int], pixel: Pixel) -> Crop:
    top, left, side = (int(part) for part in stored)
    return Crop(top, left, side, pixel)
