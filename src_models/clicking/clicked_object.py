"""An object as it stands after a click, an undo or a step to the next slice, and as a person accepted it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from src_models.clicking.prompts import Prompt
from src_models.errors import UserError
from src_models.images.planes import Plane

if TYPE_CHECKING:
    from src_models.clicking.answering.answer import Answer

__all__ = ["AcceptedObject", "End", "Front", "ObjectInPlane", "ObjectSlice", "ObjectState"]


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
    begun
        Whether something lay there before anything was given: clicks mend that, and what they do not reach stays.
    """

    answer: Answer
    prompts: tuple[Prompt, ...] = ()
    carried: tuple[Prompt, ...] = ()
    begun: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """Where an object that is carried from plane to plane stops, and why, in words for people."""

    plane: Plane
    why: str


@dataclass(frozen=True, slots=True)
class Front:
    """What a click changed, as far as it was followed through the planes beside.

    Parameters
    ----------
    plane
        The plane that was reached last, at first that of the click.
    side
        Where it goes on: backward (-1) or forward (1).
    positive
        Whether something was added rather than taken away.
    changed
        The pixels that changed in that plane, of its shape.
    """

    plane: Plane
    side: int
    positive: bool
    changed: NDArray[np.bool_]


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
    fronts
        What clicks changed in one plane and is still to be followed through those beside.
    """

    planes: Mapping[Plane, ObjectInPlane] = field(default_factory=lambda: MappingProxyType({}))
    origin: Plane | None = None
    ends: Mapping[int, End] = field(default_factory=lambda: MappingProxyType({}))
    said: Mapping[int, Plane] = field(default_factory=lambda: MappingProxyType({}))
    fronts: tuple[Front, ...] = ()

    @property
    def begun(self) -> bool:
        """Whether a person began with a mask."""
        return any(found.begun for found in self.planes.values())

    @property
    def carried(self) -> bool:
        """Whether the object was carried to other planes."""
        return bool(self.ends) or len(self.planes) > 1

    def check_reaches(self, plane: Plane) -> None:
        """Check that something can be given for the object in a plane.

        Raises
        ------
        UserError
            If it lies in another one, and was not carried to this.
        """
        if self.origin is None or plane in self.planes:
            return
        if plane[:-1] != self.origin[:-1]:
            raise UserError(
                f"the object lies in the stack of plane {self.origin}: accept it or drop it before you click in plane "
                f"{plane}"
            )
        if not self.carried:
            raise UserError(
                f"the object was begun in plane {self.origin}: accept it, drop it, or carry it here before you click "
                f"in plane {plane}"
            )


@dataclass(frozen=True, slots=True)
class ObjectSlice:
    """What of an object lies in one plane.

    Parameters
    ----------
    plane
        Position along the axes besides height and width; empty in an image without any.
    region
        Rows and columns that were looked at.
    mask
        The object's pixels there.
    prompts
        What a person gave in this plane, in order; nothing where the object was carried from another plane.
    """

    plane: tuple[int, ...]
    region: tuple[slice, slice]
    mask: NDArray[np.bool_]
    prompts: tuple[Prompt, ...]

    @property
    def pixels(self) -> NDArray[np.intp]:
        """Rows and columns (N, 2) of the plane that are the object."""
        rows, columns = np.nonzero(self.mask)
        return np.stack([rows + self.region[0].start, columns + self.region[1].start], axis=1)


@dataclass(frozen=True, slots=True)
class AcceptedObject:
    """An object that a person accepted.

    Parameters
    ----------
    slices
        The object, plane by plane.
    model_sha256
        The model that answered.
    time
        When it was accepted, in UTC.
    """

    slices: tuple[ObjectSlice, ...]
    model_sha256: str | None
    time: datetime

    @property
    def area(self) -> int:
        """Its pixels, over all planes."""
        return sum(int(part.mask.sum()) for part in self.slices)

    def to_dict(self) -> dict[str, Any]:
        """Return all but the pixels, as what JSON can hold."""
        return {
            "model_sha256": self.model_sha256,
            "time": self.time.isoformat(),
            "planes": [list(part.plane) for part in self.slices],
            "prompts": [
                {"plane": list(part.plane), **prompt.to_dict()} for part in self.slices for prompt in part.prompts
            ],
        }
