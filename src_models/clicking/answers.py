"""How a network of clicks is asked: at which size the object is shown to it, and what its answer means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.clicking.answer import THRESHOLD, Answer, Region
from src_models.clicking.crop import Crop, crop_around, first_crops
from src_models.clicking.network import ClickNetwork
from src_models.clicking.prompts import Box, Click, Prompt, draw_box, draw_prompts
from src_models.clicking.zoom import best_zoom
from src_models.predict import PlacedMap

__all__ = ["AnswerMaker"]

# How far a click that disagrees with an answer moves the threshold towards the probability that was found there, and
# the probabilities from which on the disagreement is no matter of where an object ends.
YIELDING = 0.8
LEAST_THRESHOLD, UNDECIDED = 0.1, (0.02, 0.98)
COARSER = 2  # grid on which an object's size is found out, which needs no details
# A click that takes away where the object was thought to be more surely than this asks whether it is smaller; it is if
# another size shows one below this share of the length.
TAKEN, SMALLER = 0.5, 0.7
# The object is shown again at a better size where it takes less, or more, of the square than these.
GOOD_SHARES = (0.25, 0.8)
DISTINCT = 1.4  # ratio of areas from which on one object is taken to be larger than another


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
            rough = self._first(prompts)
            crop = rough.crop if rough.extent is None else crop_around(prompts, rough.extent)
            return self.look(crop, prompts, rough)
        smaller = self._smaller(prompts, before) if before is not None and not boxed else None
        if smaller is not None:
            return smaller
        threshold = _threshold(prompts, before) if before is not None else THRESHOLD
        answer = self.look(crop_around(prompts, extent), prompts, before, threshold)
        better = self._better(answer, prompts)
        return answer if better is None else self.look(better, prompts, answer, threshold)

    def look(
        self, crop: Crop, prompts: Sequence[Prompt], before: Answer | None = None, threshold: float = THRESHOLD
    ) -> Answer:
        """Return the answer to what was given, looked for in one square and no other."""
        size = self._network.size
        given = self._given(crop, prompts, before, size)
        image = crop.read(self._read, self._shape, size)
        return self._answer(crop, self._network(image[None], given[None])[0], given, prompts, threshold)

    def resized(self, prompts: Sequence[Prompt], before: Answer, *, larger: bool) -> Answer | None:
        """Return the next larger, or smaller, object around the same places; None if there is none.

        The places are shown in squares of growing side. Of the objects that are found in them, the one next in size
        counts whose area differs distinctly.
        """
        positive = [prompt for prompt in prompts if not isinstance(prompt, Box) and prompt.positive]
        if not positive or before.extent is None:
            return None
        y, x = np.mean([point for prompt in positive for point in prompt.points()], axis=0)
        crops = [crop for crop in first_crops(y, x, self._shape) if _holds(crop, positive)]
        roughs = [rough for rough in self._looks(crops, prompts) if rough.extent is not None] if crops else []
        area = int(before.mask.sum())
        for rough in sorted(roughs, key=lambda one: int(one.mask.sum()), reverse=not larger):
            if not _differs(rough, area, larger):
                continue
            found = self.look(crop_around(positive, rough.extent), prompts, rough)
            if _differs(found, area, larger):
                return found
        return None

    def look_for_each(self, clicks: Sequence[Click], length: int) -> list[Answer]:
        """Return the answers to first clicks on different objects of about one size, looked for in one go.

        Parameters
        ----------
        clicks
            One on each object.
        length
            Their longer side (px).
        """
        size = self._network.size
        crops = [crop_around((), (_around(click.y, length), _around(click.x, length))) for click in clicks]
        given = np.stack([self._given(crop, (click,), None, size) for crop, click in zip(crops, clicks, strict=True)])
        images = np.stack([crop.read(self._read, self._shape, size) for crop in crops])
        grids = self._network(images, given)
        return [
            self._answer(crop, grid, seen, (click,))
            for crop, grid, seen, click in zip(crops, grids, given, clicks, strict=True)
        ]

    def read(self, region: Region) -> NDArray[np.float32]:
        """Return a region of the normalised plane, (C, *region)."""
        return self._read(region)

    def carry(self, neighbour: Answer) -> tuple[tuple[Prompt, ...], Answer]:
        """Look for an object that was found in the plane before or after this one.

        Parameters
        ----------
        neighbour
            The answer there; it holds something.

        Returns
        -------
        prompts, answer
            A click in the middle of what was found there stands for those of a person.
        """
        depth = ndimage.distance_transform_edt(np.pad(neighbour.mask, 1))[1:-1, 1:-1]
        y, x = np.unravel_index(int(np.argmax(depth)), depth.shape)
        click = Click(float(y + neighbour.region[0].start), float(x + neighbour.region[1].start))
        return (click,), self.next((click,), neighbour)

    def attention(self, answer: Answer) -> list[PlacedMap]:
        """Return the attention with which an answer was found, placed on the plane, finest first."""
        size = self._network.size
        image = answer.crop.read(self._read, self._shape, size)
        cell = answer.crop.side / size  # px
        places = []
        for found in self._network.attention(image, answer.given):
            top, left = answer.crop.from_grid(found.offset, found.offset, size)
            places.append(
                PlacedMap(
                    found.name,
                    found.kind,
                    found.description,
                    found.level,
                    found.tensor[0].mean(0).float().cpu().numpy(),
                    (found.stride * cell,) * 2,
                    (top, left),
                )
            )
        return places

    def _first(self, prompts: Sequence[Prompt]) -> Answer:
        """Show the place at several sizes, and take the one at which the answer is surest and of a good size."""
        y, x = np.mean(
            [point for prompt in prompts if not isinstance(prompt, Box) for point in prompt.points()], axis=0
        )
        crops = [crop for crop in first_crops(y, x, self._shape) if _holds(crop, prompts)]
        return self._surest(crops or [crop_around(prompts, None)], prompts)

    def _smaller(self, prompts: Sequence[Prompt], before: Answer) -> Answer | None:
        """Return a smaller object than was found, where the last click lies in what was taken for the object.

        Then the object may have been looked at too far away: its size is found out anew, from all clicks.
        """
        last, positive = prompts[-1], [prompt for prompt in prompts if not isinstance(prompt, Box) and prompt.positive]
        if isinstance(last, Box) or last.positive or not positive or before.extent is None:
            return None
        found = before.probability_at(*next(iter(last.points())))
        if found is None or found < TAKEN:
            return None
        y, x = np.mean([point for prompt in positive for point in prompt.points()], axis=0)
        crops = [crop for crop in first_crops(y, x, self._shape) if _holds(crop, positive)]
        rough = self._surest(crops, prompts) if crops else None
        if rough is None or rough.extent is None or _length(rough.extent) > SMALLER * _length(before.extent):
            return None
        return self.look(crop_around(positive, rough.extent), prompts, rough)

    def _looks(self, crops: Sequence[Crop], prompts: Sequence[Prompt]) -> list[Answer]:
        """Return a rough answer for each of several squares."""
        size = self._network.size // COARSER
        given = np.stack([self._given(crop, prompts, None, size) for crop in crops])
        images = np.stack([crop.read(self._read, self._shape, size) for crop in crops])
        grids = self._network(images, given)
        return [self._answer(*one, prompts) for one in zip(crops, grids, given, strict=True)]

    def _surest(self, crops: Sequence[Crop], prompts: Sequence[Prompt]) -> Answer:
        size = self._network.size // COARSER
        given = np.stack([self._given(crop, prompts, None, size) for crop in crops])
        images = np.stack([crop.read(self._read, self._shape, size) for crop in crops])
        grids = self._network(images, given)
        best = best_zoom(crops, grids, _positive(prompts), THRESHOLD, _negative(prompts))
        return self._answer(crops[best], grids[best], given[best], prompts)

    def _better(self, answer: Answer, prompts: Sequence[Prompt]) -> Crop | None:
        """Return a square that suits what was found, where the one that was looked at does not."""
        if answer.extent is None:
            return None
        share = max(part.stop - part.start for part in answer.extent) / answer.crop.side
        if GOOD_SHARES[0] <= share <= GOOD_SHARES[1]:
            return None
        better = crop_around(prompts, answer.extent)
        return None if abs(np.log2(better.side / answer.crop.side)) < 0.3 else better

    def _given(self, crop: Crop, prompts: Sequence[Prompt], before: Answer | None, size: int) -> NDArray[np.float32]:
        """Return what the network sees besides the image, (3, size, size)."""

        def place(y: float, x: float) -> tuple[float, float]:
            return crop.to_grid(y, x, size)

        drawn = draw_prompts(prompts, place, size=size)
        if before is not None:
            previous = _on_grid(before, crop, self._shape, size)
        else:
            boxes = [draw_box(prompt, place, size=size) for prompt in prompts if isinstance(prompt, Box)]
            previous = np.max(boxes, axis=0) if boxes else np.zeros((size, size), np.float32)
        return np.concatenate([drawn, previous[None]])

    def _answer(
        self,
        crop: Crop,
        grid: NDArray[np.float32],
        given: NDArray[np.float32],
        prompts: Sequence[Prompt],
        threshold: float = THRESHOLD,
    ) -> Answer:
        region = crop.inside(self._shape)
        places = [(y - region[0].start, x - region[1].start) for y, x in _positive(prompts)]
        mask = _parts_with(crop.to_image(grid, self._shape) > threshold, places)
        return Answer(crop, region, grid, given, mask, self._shape, threshold)


def _around(place: float, length: int) -> slice:
    start = round(place - (length - 1) / 2)
    return slice(start, start + length)


def _differs(found: Answer, area: int, larger: bool) -> bool:
    """Whether an object was found that is distinctly larger, or smaller, than some area."""
    new = int(found.mask.sum())
    return new >= DISTINCT * area if larger else 0 < DISTINCT * new <= area


def _length(extent: Region) -> int:
    return max(int(part.stop - part.start) for part in extent)


def _threshold(prompts: Sequence[Prompt], before: Answer) -> float:
    """Return the threshold that the last click asks for: it says on which side of the edge its place is."""
    last = prompts[-1]
    if isinstance(last, Box):
        return before.threshold
    found = before.probability_at(*next(iter(last.points())))
    if found is None or not UNDECIDED[0] < found < UNDECIDED[1] or (found > before.threshold) == last.positive:
        return before.threshold
    moved = before.threshold + YIELDING * (found - before.threshold)
    return float(np.clip(moved, LEAST_THRESHOLD, 1 - LEAST_THRESHOLD))


def _negative(prompts: Sequence[Prompt]) -> list[tuple[float, float]]:
    return [
        point for prompt in prompts if not isinstance(prompt, Box) and not prompt.positive for point in prompt.points()
    ]


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
    if crop == answer.crop and len(answer.grid) == size:
        return answer.grid
    probability = answer.probability

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
            out[into] = probability[out_of]
        return out

    return crop.read(read, shape, size)
