"""What the numbers of labels mean: objects, or regions of named kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from src_models.errors import UserError
from src_models.labels.instances import INSTANCE_CLASSES
from src_models.models.header import ModelHeader

__all__ = ["BACKGROUND", "MOST_CLASSES", "OBJECT_CLASSES", "LabelKind", "Meaning"]

Meaning = Literal["objects", "classes"]
BACKGROUND = "background"
OBJECT_CLASSES = INSTANCE_CLASSES  # what a network that is to learn objects anew gives
MOST_CLASSES = 32


@dataclass(frozen=True, slots=True)
class LabelKind:
    """What labels mean.

    Parameters
    ----------
    meaning
        ``"objects"``: each object has a number of its own. ``"classes"``: number k is all that is of kind k.
    names
        Names of the classes from 1 on; none for objects.

    Raises
    ------
    UserError
        If objects have names, or there are no classes, or too many, or two of the same name.

    Examples
    --------
    >>> LabelKind("classes", ("axon", "myelin")).words
    '2 classes (1 axon, 2 myelin)'
    """

    meaning: Meaning
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.meaning not in ("objects", "classes"):
            raise UserError(f"labels mean objects or classes, not {self.meaning!r}")
        if self.meaning == "objects" and self.names:
            raise UserError("objects have numbers and no names: leave the names of classes out, or choose classes")
        if self.meaning == "classes" and not 0 < len(self.names) <= MOST_CLASSES:
            raise UserError(
                f"there are {len(self.names)} classes, and a network learns from 1 to {MOST_CLASSES}: number the "
                "classes 1, 2, 3 and so on, or choose objects if each number is an object"
            )
        if len({BACKGROUND, *self.names}) <= len(self.names):
            raise UserError(f"give each class a name of its own (they are: {', '.join(self.names)})")

    @classmethod
    def of(cls, header: ModelHeader) -> Self:
        """Return what a model finds."""
        return cls("objects") if header.result == "instances" else cls("classes", header.classes[1:])

    @classmethod
    def classes(cls, count: int, names: Sequence[str] = ()) -> Self:
        """Return so many classes, which are called "class 1" and so on where they have no name yet."""
        return cls("classes", (*names, *(f"class {number}" for number in range(len(names) + 1, count + 1))))

    @property
    def words(self) -> str:
        """What it is, for people."""
        if self.meaning == "objects":
            return "objects, each with a number of its own"
        numbered = ", ".join(f"{number} {name}" for number, name in enumerate(self.names, 1))
        return f"1 class ({self.names[0]})" if len(self.names) == 1 else f"{len(self.names)} classes ({numbered})"

    @property
    def outputs(self) -> tuple[str, ...]:
        """What a network that learns this gives for each pixel."""
        return OBJECT_CLASSES if self.meaning == "objects" else (BACKGROUND, *self.names)
