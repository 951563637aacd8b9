"""What was done to an object, step by step, and which of it counts: undo and redo of any depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from src_models.clicking.clicked_object import ObjectState

__all__ = ["History", "Step"]


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

    def to_list(self) -> list[dict[str, Any]]:
        """Return all steps, undone ones as well, as what JSON can hold."""
        return [{**step.what, **({"mends": True} if step.mends else {})} for step in self.steps]
