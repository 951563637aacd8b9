"""What a model says of pictures, tiles or objects: a probability for each class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClassProbabilities", "Classified"]


@dataclass(frozen=True, slots=True, eq=False)
class ClassProbabilities:
    """A probability of each class for each of N things.

    Parameters
    ----------
    classes
        Names of the K classes.
    probabilities
        (N, K) float32; each row sums to 1.

    Examples
    --------
    >>> found = ClassProbabilities(("round", "long"), np.float32([[0.9, 0.1], [0.25, 0.75]]))
    >>> found.names, found.best.tolist(), found.certainty.tolist()
    (('round', 'long'), [0, 1], [0.8999999761581421, 0.75])
    """

    classes: tuple[str, ...]
    probabilities: NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of things."""
        return len(self.probabilities)

    @property
    def best(self) -> NDArray[np.intp]:
        """The likeliest class of each, counted from 0: (N,)."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def names(self) -> tuple[str, ...]:
        """The name of the likeliest class of each."""
        return tuple(self.classes[index] for index in self.best)

    @property
    def certainty(self) -> NDArray[np.float32]:
        """The probability of the likeliest class of each: (N,)."""
        return np.asarray(self.probabilities.max(axis=1, initial=0.0))

    @property
    def counts(self) -> dict[str, int]:
        """How many are likeliest of each class, by its name; classes of which there are none as well."""
        counts = np.bincount(self.best, minlength=len(self.classes))
        return {name: int(count) for name, count in zip(self.classes, counts, strict=True)}


@dataclass(frozen=True, slots=True, eq=False)
class Classified(ClassProbabilities):
    """What a model says of an image, of tiles of it, or of objects in it.

    Parameters
    ----------
    ids
        (N,) Numbers of the objects in the labels; of tiles and planes, numbers from 1.
    positions
        (N, axes) Middles, along the image's axes less its channels (px; middles of pixels are whole numbers).
    boxes
        (N, 4) What of its plane belongs to each: y0, x0, y1, x1 (px; ends excluded).
    planes
        (N, axes) In which plane each lies: its position along the axes besides Y, X and the channels.
    kind
        ``"image"``, ``"tiles"`` or ``"objects"``.
    read_as
        How the image was read, in a line.
    notes
        What a person should know, in a sentence each.
    provenance
        By which model, settings and versions: what JSON can hold.
    """

    ids: NDArray[np.int64]
    positions: NDArray[np.float64]
    boxes: NDArray[np.int64]
    planes: NDArray[np.int64]
    kind: str = "image"
    read_as: str = ""
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """What was found, in a line: the classes that occur, the most frequent first."""
        seen = sorted(((count, name) for name, count in self.counts.items() if count), key=lambda each: -each[0])
        if self.kind == "image" and len(self) == 1:
            return f"{self.names[0]} ({self.certainty[0]:.0%})"
        what = {"image": "plane", "tiles": "tile", "objects": "object"}[self.kind] + ("" if len(self) == 1 else "s")
        return f"{len(self)} {what}" + (": " if seen else "") + ", ".join(f"{count} {name}" for count, name in seen)
