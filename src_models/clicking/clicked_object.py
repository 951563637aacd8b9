"""An object as it stands after a click, an undo or a step to the next slice: what is known of it in each plane."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from src_models.clicking.answering.answer import Answer
from src_models.clicking.prompts import Prompt

__all__ = ["End", "ObjectInPlane", "ObjectState"]

Plane = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ObjectInPlane:
    """One plane's part of an object.

    Parameters
    ----------
    answer
        What was found there.
    prompts
        What a person gave there.
    carried
        What stands for a person's prompts where the object came from the plane beside.
    """

    answer: Answer
    prompts: tuple[Prompt, ...] = ()
    carried: tuple[Prompt, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """Where an object that is carried from plane to plane stops, and why, in words for people."""

    plane: Plane
    why: str


@dataclass(frozen=True, slots=True)
class ObjectState:
    """An object.

    Parameters
    ----------
    planes
        By position along the axes besides height and width.
    origin
        The plane of the first click; None before it.
    ends
        Where the object stops: backward (-1) and forward (1).
    said
        The last planes that hold it as a person said, by the same directions; it is carried no further.
    """

    planes: Mapping[Plane, ObjectInPlane] = field(default_factory=lambda: MappingProxyType({}))
    origin: Plane | None = None
    ends: Mapping[int, End] = field(default_factory=lambda: MappingProxyType({}))
    said: Mapping[int, Plane] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def carried(self) -> bool:
        """Whether the object was carried to other planes."""
        return bool(self.ends) or len(self.planes) > 1
