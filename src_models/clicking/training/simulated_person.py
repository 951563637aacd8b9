"""A simulated person who segments an object by clicks: what is given first, and what after each answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.clicking.prompts import Box, Click, Prompt, Scribble, draw_box, draw_prompts
from src_models.clicking.training.examples import Example
from src_models.clicking.training.simulation import hurried_click, next_click

__all__ = ["SimulatedPerson"]

# Shares of people who begin so: with a box, a scribble, the object of the slice before, a mask that is nearly right.
BOXES, SCRIBBLES, CARRIED, MENDING = 0.17, 0.06, 0.14, 0.13
HURRY = 0.5  # share of clicks that do not go to the middle
FORGOTTEN = 0.1  # share of answers that are not fed back
STROKE = 12.0  # cells, the longest piece of a scribble
MOVED, GROWN = 3.0, 4.0  # cells by which an object differs from that of the slice before, standard deviations


class SimulatedPerson:
    """One person and one object.

    Parameters
    ----------
    example
        The object.
    random
        Decides what the person does.
    """

    def __init__(self, example: Example, random: np.random.Generator) -> None:
        self.truth = example.truth
        self._random = random
        size = len(example.truth)
        self.drawn = np.zeros((2, size, size), np.float32)
        self.previous = np.zeros((size, size), np.float32)
        self._begin()

    def channels(self) -> NDArray[np.float32]:
        """Return what the network gets besides the image, (3, size, size)."""
        return np.concatenate([self.drawn, self.previous[None]])

    def react(self, probability: NDArray[np.float32]) -> None:
        """See an answer (size, size), and click where it is wrong."""
        kept = self._random.random() >= FORGOTTEN
        self.previous = probability if kept else np.zeros_like(probability)
        found, clicked = probability > 0.5, np.asarray(self.drawn.any(axis=0))
        if self._random.random() < HURRY:
            click = hurried_click(self.truth, found, self._random, clicked)
        else:
            click = next_click(self.truth, found, clicked)
        if click is not None:
            self._draw(click)

    def _begin(self) -> None:
        kind = self._random.random()
        if kind < (before := BOXES):
            self.previous = draw_box(self._box(), _as_is, size=len(self.truth))
        elif kind < (before := before + SCRIBBLES):
            self._draw(self._scribble())
        elif kind < (before := before + CARRIED):
            self._carry()
        elif kind < before + MENDING:
            self._mend()
        else:
            self._draw(self._first())

    def _first(self) -> Click:
        """Click on the object for the first time."""
        nothing = np.zeros_like(self.truth)
        hurried = self._random.random() < HURRY
        click = hurried_click(self.truth, nothing, self._random) if hurried else next_click(self.truth, nothing)
        return click or self._anywhere()

    def _carry(self) -> None:
        """Begin with the object of the slice before, and a click in what both have in common."""
        neighbour = self._neighbour()
        click = next_click(neighbour & self.truth, np.zeros_like(self.truth)) if neighbour.any() else None
        if click is None:
            self._draw(self._first())
            return
        self.previous = _smooth(neighbour)
        self._draw(click)

    def _mend(self) -> None:
        """Begin as after some clicks: with what is nearly right, a place on the object, and one where it is wrong."""
        self._draw(self._first())
        nearly = self._neighbour()
        if nearly.any():
            self.react(_smooth(nearly))

    def _box(self) -> Box:
        """Draw a box around the object, a little too large or too small at each edge."""
        rows, columns = (np.flatnonzero(self.truth.any(axis)) for axis in (1, 0))
        slack = 0.06 * max(len(rows), len(columns), 8)
        low = [line[0] - 0.5 + self._random.normal(0, slack) for line in (rows, columns)]
        high = [line[-1] + 0.5 + self._random.normal(0, slack) for line in (rows, columns)]
        ends = [max(end, start + 1) for start, end in zip(low, high, strict=True)]
        return Box(low[0], low[1], ends[0], ends[1])

    def _neighbour(self) -> NDArray[np.bool_]:
        """Return the object as it might be in the slice before: moved a little, larger or smaller, its edge uneven."""
        truth = self.truth
        slight = min(1.0, float(np.sqrt(truth.sum())) / 40)  # a small object seldom changes by more than a part of it
        depth = ndimage.distance_transform_edt(truth) - ndimage.distance_transform_edt(~truth)
        uneven = ndimage.zoom(self._random.normal(size=(4, 4)), len(truth) / 4, order=1)
        level = slight * GROWN * (self._random.normal() + 0.5 * uneven)
        moved = ndimage.shift(depth, slight * MOVED * self._random.normal(size=2), order=1, mode="nearest")
        return np.asarray(moved > level)

    def _scribble(self) -> Scribble:
        """Draw a stroke through the inner part of the object."""
        depth = ndimage.distance_transform_edt(self.truth)
        inner = np.argwhere(depth > depth.max() / 2)
        line = [inner[self._random.integers(len(inner))]]
        for _ in range(int(self._random.integers(1, 4))):
            near = inner[np.abs(inner - line[-1]).max(1) <= STROKE]
            line.append(near[self._random.integers(len(near))])
        return Scribble(tuple((float(y), float(x)) for y, x in line))

    def _anywhere(self) -> Click:
        y, x = np.argwhere(self.truth)[0]
        return Click(float(y), float(x))

    def _draw(self, prompt: Prompt) -> None:
        drawn = draw_prompts([prompt], _as_is, size=len(self.truth))
        self.drawn = np.maximum(self.drawn, drawn)


def _smooth(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return a mask as a network's probabilities show it."""
    return np.asarray(ndimage.gaussian_filter(mask.astype(np.float32), 1.5))


def _as_is(y: float, x: float) -> tuple[float, float]:
    return y, x
