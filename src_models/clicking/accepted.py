"""An object that a person accepted, with what it was made by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.clicking.prompts import Prompt

__all__ = ["AcceptedObject", "ObjectSlice"]


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
