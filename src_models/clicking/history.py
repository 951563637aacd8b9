"""What was done to an object, step by step, and which of it counts: undo and redo of any depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from src_models.clicking.clicked_object import ObjectState
from src_models.errors import UserError

__all__ = [
    "BEGIN",
    "CARRY",
    "END_HERE",
    "FOLLOW",
    "LARGER",
    "SMALLER",
    "History",
    "Step",
    "stored_steps",
]

VERSION = 4
# Kinds of steps besides those of prompts.
BEGIN, CARRY, FOLLOW, LARGER, SMALLER, END_HERE = "begin with", "carry", "follow", "larger", "smaller", "end here"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done, and how the object stands after it.

    Parameters
    ----------
    what
        As JSON can hold it; its kind under ``"kind"``.
    state
        The object.
    mends
        Whether this follows by itself from what was done before it, and is undone with it.
    """

    what: dict[str, Any]
    state: ObjectState
    mends: bool = False


class History:
    """Steps, and a place among them."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.at = 0

    @property
    def state(self) -> ObjectState:
        """The object after the steps that count."""
        return self.steps[self.at - 1].state if self.at else ObjectState()

    @property
    def last_kind(self) -> str | None:
        """The kind of the last step that counts; None if there is none."""
        return str(self.steps[self.at - 1].what["kind"]) if self.at else None

    @property
    def can_undo(self) -> bool:
        """Whether there is anything to undo."""
        return self.at > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is anything to do again."""
        return self.at < len(self.steps)

    def add(self, step: Step) -> None:
        """Add a step; what was undone before cannot be done again afterwards."""
        del self.steps[self.at :]
        self.steps.append(step)
        self.at += 1

    def undo(self) -> bool:
        """Take the last step back, with what followed from it by itself; False if there is none."""
        if not self.can_undo:
            return False
        while self.at > 1 and self.steps[self.at - 1].mends:
            self.at -= 1
        self.at -= 1
        return True

    def redo(self) -> bool:
        """Do again what was taken back last; False if there is none."""
        if not self.can_redo:
            return False
        self.at += 1
        while self.at < len(self.steps) and self.steps[self.at].mends:
            self.at += 1
        return True

    def to_dict(self) -> dict[str, Any]:
        """Return all steps, undone ones as well, and how many of them count, as what JSON can hold."""
        done = [{**step.what, **({"mends": True} if step.mends else {})} for step in self.steps]
        return {"version": VERSION, "done": done, "at": self.at}


def stored_steps(stored: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], int]:
    """Return the steps that :meth:`History.to_dict` stored, and how many of them count.

    Raises
    ------
    UserError
        If this is no stored session, or it comes from a newer version.
    """
    try:
        version = int(stored["version"])
        if version > VERSION:
            raise UserError(f"this session of clicks was stored by a newer napari-medt (version {version}): update it")
        return list(stored["done"]), int(stored["at"])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError("this is not a stored session of clicks") from error
