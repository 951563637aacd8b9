"""What a person gives to say which object is meant: clicks, scribbles and a box; and how a network is shown them.

>>> import numpy as np
>>> drawn = draw_prompts([Click(2, 2), Click(6, 6, positive=False)], lambda y, x: (y, x), size=9, radius=1)
>>> drawn[0].astype(int)[1:4, 1:4].tolist()
[[0, 1, 0], [1, 1, 1], [0, 1, 0]]
>>> int(drawn[1].sum())
5
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import UserError

__all__ = [
    "PROMPT_CHANNELS",
    "Box",
    "Click",
    "Prompt",
    "Scribble",
    "draw_box",
    "draw_prompts",
    "places",
    "prompt_from_dict",
]

# What a network of clicks is given besides the image, in this order.
PROMPT_CHANNELS = ("positive", "negative", "previous mask")
RADIUS = 4.0

Place = Callable[[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Click:
    """A click on the object (positive) or beside it; px of the image, the centre of a pixel a whole number."""

    y: float
    x: float
    positive: bool = True

    def points(self) -> Iterator[tuple[float, float]]:
        """Yield the place."""
        yield self.y, self.x

    def lies_in(self, shape: tuple[int, int]) -> bool:
        """Whether it lies in a plane of so many rows and columns."""
        return _inside(self.points(), shape)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"kind": "click", "y": self.y, "x": self.x, "positive": self.positive}


@dataclass(frozen=True, slots=True)
class Scribble:
    """A stroke over the object (positive) or beside it, as the corners of a line; px of the image."""

    line: tuple[tuple[float, float], ...]
    positive: bool = True

    def __post_init__(self) -> None:
        if not self.line:
            raise UserError("a scribble needs at least one point")

    def points(self) -> Iterator[tuple[float, float]]:
        """Yield places along the line, a pixel apart or less."""
        yield self.line[0]
        for (y0, x0), (y1, x1) in zip(self.line, self.line[1:], strict=False):
            steps = max(1, int(np.ceil(np.hypot(y1 - y0, x1 - x0))))
            for step in range(1, steps + 1):
                yield y0 + (y1 - y0) * step / steps, x0 + (x1 - x0) * step / steps

    def lies_in(self, shape: tuple[int, int]) -> bool:
        """Whether all of it lies in a plane of so many rows and columns."""
        return _inside(self.points(), shape)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"kind": "scribble", "line": [list(point) for point in self.line], "positive": self.positive}


@dataclass(frozen=True, slots=True)
class Box:
    """A box around the object: edges in px of the image, which the object reaches but does not cross."""

    top: float
    left: float
    bottom: float
    right: float

    def __post_init__(self) -> None:
        if not (self.top < self.bottom and self.left < self.right):
            raise UserError(f"the box {self} has no inside: drag from one corner to the other")

    def lies_in(self, shape: tuple[int, int]) -> bool:
        """Whether any of it lies in a plane of so many rows and columns: it may be drawn over the edge."""
        below = self.bottom >= -0.5 and self.right >= -0.5
        return below and self.top <= shape[0] - 0.5 and self.left <= shape[1] - 0.5

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return {"kind": "box", "top": self.top, "left": self.left, "bottom": self.bottom, "right": self.right}


Prompt = Click | Scribble | Box


def places(prompts: Iterable[Prompt], *, positive: bool) -> list[tuple[float, float]]:
    """Return the places of clicks and scribbles on the object, or (not positive) beside it."""
    given = [prompt for prompt in prompts if not isinstance(prompt, Box) and prompt.positive == positive]
    return [point for prompt in given for point in prompt.points()]


def prompt_from_dict(stored: Mapping[str, Any]) -> Prompt:
    """Return the prompt that `to_dict` stored.

    Raises
    ------
    UserError
        If it is none.
    """
    fields = {name: value for name, value in stored.items() if name != "kind"}
    try:
        if stored["kind"] == "scribble":
            return Scribble(tuple((float(y), float(x)) for y, x in fields["line"]), bool(fields["positive"]))
        kind: type[Click] | type[Box] = {"click": Click, "box": Box}[stored["kind"]]
        return kind(**fields)
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"this is not a stored click, scribble or box: {dict(stored)!r}") from error


def draw_prompts(prompts: Iterable[Prompt], place: Place, *, size: int, radius: float = RADIUS) -> NDArray[np.float32]:
    """Draw clicks and scribbles as disks.

    Parameters
    ----------
    prompts
        What was given; boxes are left out.
    place
        Takes a place in the image to the grid.
    size
        Side of the grid.
    radius
        Of the disks, in cells.

    Returns
    -------
    ndarray, shape (2, size, size)
        1 inside of positive (first) and negative (second) disks, else 0.
    """
    drawn = np.zeros((2, size, size), np.float32)
    for prompt in prompts:
        if isinstance(prompt, Box):
            continue
        for point in prompt.points():
            _draw_disk(drawn[0 if prompt.positive else 1], place(*point), radius)
    return drawn


def draw_box(box: Box, place: Place, *, size: int) -> NDArray[np.float32]:
    """Draw a box as a previous mask that is half sure: (size, size), 0.5 inside and 0 outside."""
    drawn = np.zeros((size, size), np.float32)
    (top, left), (bottom, right) = place(box.top, box.left), place(box.bottom, box.right)
    rows, columns = (slice(*_cells(low, high, size)) for low, high in ((top, bottom), (left, right)))
    drawn[rows, columns] = 0.5
    return drawn


def _inside(points: Iterable[tuple[float, float]], shape: tuple[int, int]) -> bool:
    return all(-0.5 <= y <= shape[0] - 0.5 and -0.5 <= x <= shape[1] - 0.5 for y, x in points)


def _cells(low: float, high: float, size: int) -> Sequence[int]:
    """Return the range of cells whose centres lie between two edges, at least one."""
    first = int(np.clip(np.ceil(low), 0, size - 1))
    return first, int(np.clip(np.floor(high) + 1, first + 1, size))


def _draw_disk(plane: NDArray[np.float32], centre: tuple[float, float], radius: float) -> None:
    size = len(plane)
    starts = [max(0, int(np.ceil(c - radius))) for c in centre]
    stops = [min(size, int(np.floor(c + radius)) + 1) for c in centre]
    if any(start >= stop for start, stop in zip(starts, stops, strict=True)):
        return
    rows, columns = (np.arange(start, stop) - c for start, stop, c in zip(starts, stops, centre, strict=True))
    inside = rows[:, None] ** 2 + columns[None, :] ** 2 <= radius**2
    plane[starts[0] : stops[0], starts[1] : stops[1]][inside] = 1
