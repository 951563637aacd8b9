"""How a network of clicks is asked: at which size the object is shown to it, and what its answer means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.clicking.crop import SHARE, Crop, crop_around, first_crops
from src_models.clicking.network import ClickNetwork
from src_models.clicking.prompts import Box, Prompt, draw_box, draw_prompts

__all__ = ["Answer", "AnswerMaker"]

THRESHOLD = 0.5
# The object is shown again at a better size where it takes less, or more, of the square than these.
GOOD_SHARES = (0.25, 0.8)
Region = tuple[slice, slice]


@dataclass(frozen=True, slots=True)
class Answer:
    """Where the object is.

    Parameters
    ----------
    region
        Rows and columns of the plane that were looked at; elsewhere it is not.
    probability
        Of each pixel there, float32.
    mask
        The object's pixels there.
    """

    region: Region
    probability: NDArray[np.float32]
    mask: NDArray[np.bool_]

    @property
    def extent(self) -> Region | None:
        """Rows and columns of the plane that the object takes; None if nothing was found."""
        if not self.mask.any():
            return None
        rows, columns = (np.flatnonzero(self.mask.any(axis)) for axis in (1, 0))
        top, left = self.region[0].start, self.region[1].start
        return slice(top + rows[0], top + rows[-1] + 1), slice(left + columns[0], left + columns[-1] + 1)


class AnswerMaker:
    """Asks a network about one plane.

    Parameters
    ----------
    network
        The network.
    read
        Returns a region of the normalised plane, (C, *region).
    shape
        Rows and columns of the plane.
    """

    def __init__(
        self,
        network: ClickNetwork,
        read: Callable[[Sequence[slice]], NDArray[np.float32]],
        shape: tuple[int, int],
    ) -> None:
        self._network = network
        self._read = read
        self._shape = shape

    def next(self, prompts: Sequence[Prompt], before: Answer | None) -> Answer:
        """Return the answer to all that was given, after the answer `before` the last of it."""
        extent = before.extent if before is not None else None
        boxed = any(isinstance(prompt, Box) for prompt in prompts)
        if extent is None and not boxed:
            crop, grid = self._first(prompts)
        else:
            crop = crop_around(prompts, extent)
            grid = self._ask([crop], prompts, before)[0]
        answer = self._answer(crop, grid, prompts)
        better = self._better(crop, answer, prompts)
        if better is not None:
            return self._answer(better, self._ask([better], prompts, answer)[0], prompts)
        return answer

    def _first(self, prompts: Sequence[Prompt]) -> tuple[Crop, NDArray[np.float32]]:
        """Show the place at several sizes, and take the one at which the answer is surest and of a good size."""
        y, x = np.mean(
            [point for prompt in prompts if not isinstance(prompt, Box) for point in prompt.points()], axis=0
        )
        crops = [crop for crop in first_crops(y, x, self._shape) if _holds(crop, prompts)] or [
            crop_around(prompts, None)
        ]
        grids = self._ask(crops, prompts, None)
        worths = [self._worth(crop, grid, prompts) for crop, grid in zip(crops, grids, strict=True)]
        best = int(np.argmax(worths))
        return crops[best], grids[best]

    def _worth(self, crop: Crop, grid: NDArray[np.float32], prompts: Sequence[Prompt]) -> float:
        found = grid > THRESHOLD
        kept = _parts_with(found, [crop.to_grid(*point, self._network.size) for point in _positive(prompts)])
        if not kept.any():
            return -10.0
        rows, columns = (np.flatnonzero(kept.any(axis)) for axis in (1, 0))
        share = (max(np.ptp(rows), np.ptp(columns)) + 1) / len(grid)
        near = ndimage.binary_dilation(kept, iterations=4)
        sureness = float(np.abs(2 * grid[near] - 1).mean())
        return sureness - 0.15 * abs(float(np.log2(share / SHARE)))

    def _better(self, crop: Crop, answer: Answer, prompts: Sequence[Prompt]) -> Crop | None:
        """Return a square that suits what was found, where the one that was looked at does not."""
        if answer.extent is None:
            return None
        share = max(part.stop - part.start for part in answer.extent) / crop.side
        if GOOD_SHARES[0] <= share <= GOOD_SHARES[1]:
            return None
        better = crop_around(prompts, answer.extent)
        return None if abs(np.log2(better.side / crop.side)) < 0.3 else better

    def _ask(self, crops: Sequence[Crop], prompts: Sequence[Prompt], before: Answer | None) -> NDArray[np.float32]:
        size = self._network.size
        images = np.stack([crop.read(self._read, self._shape, size) for crop in crops])
        return self._network(images, np.stack([self._given(crop, prompts, before) for crop in crops]))

    def _given(self, crop: Crop, prompts: Sequence[Prompt], before: Answer | None) -> NDArray[np.float32]:
        """Return what the network sees besides the image, (3, size, size)."""
        size = self._network.size

        def place(y: float, x: float) -> tuple[float, float]:
            return crop.to_grid(y, x, size)

        drawn = draw_prompts(prompts, place, size=size)
        if before is not None:
            previous = _on_grid(before, crop, self._shape, size)
        else:
            boxes = [draw_box(prompt, place, size=size) for prompt in prompts if isinstance(prompt, Box)]
            previous = np.max(boxes, axis=0) if boxes else np.zeros((size, size), np.float32)
        return np.concatenate([drawn, previous[None]])

    def _answer(self, crop: Crop, grid: NDArray[np.float32], prompts: Sequence[Prompt]) -> Answer:
        region = crop.inside(self._shape)
        probability = crop.to_image(grid, self._shape)
        places = [(y - region[0].start, x - region[1].start) for y, x in _positive(prompts)]
        return Answer(region, probability, _parts_with(probability > THRESHOLD, places))


def _positive(prompts: Sequence[Prompt]) -> list[tuple[float, float]]:
    return [point for prompt in prompts if not isinstance(prompt, Box) and prompt.positive for point in prompt.points()]


def _holds(crop: Crop, prompts: Sequence[Prompt]) -> bool:
    return all(
        crop.top <= y < crop.top + crop.side and crop.left <= x < crop.left + crop.side
        for prompt in prompts
        if not isinstance(prompt, Box)
        for y, x in prompt.points()
    )


def _parts_with(found: NDArray[np.bool_], places: Sequence[tuple[float, float]]) -> NDArray[np.bool_]:
    """Return the connected parts that hold one of some places; all parts if none does."""
    parts, count = ndimage.label(found)
    if count < 2:
        return found
    cells = np.round(np.asarray(places, dtype=float).reshape(-1, 2)).astype(int)
    inside = (cells >= 0).all(1) & (cells < found.shape).all(1)
    meant = np.unique(parts[tuple(cells[inside].T)])
    meant = meant[meant > 0]
    return np.isin(parts, meant) if meant.size else found


def _on_grid(answer: Answer, crop: Crop, shape: tuple[int, int], size: int) -> NDArray[np.float32]:
    """Return an answer's probabilities on the grid of another square; 0 where it says nothing."""

    def read(part: Sequence[slice]) -> NDArray[Any]:
        out = np.zeros([cut.stop - cut.start for cut in part], np.float32)
        overlap = [
            (max(cut.start, own.start), min(cut.stop, own.stop)) for cut, own in zip(part, answer.region, strict=True)
        ]
        if all(low < high for low, high in overlap):
            into = tuple(
                slice(low - cut.start, high - cut.start) for (low, high), cut in zip(overlap, part, strict=True)
            )
            out_of = tuple(
                slice(low - own.start, high - own.start)
                for (low, high), own in zip(overlap, answer.region, strict=True)
            )
            out[into] = answer.probability[out_of]
        return out

    return crop.read(read, shape, size)
