"""How a network of clicks is asked: at which size the object is shown to it, and what its answer means."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.attention.placed_map import PlacedMap
from src_models.clicking.answering.answer import THRESHOLD, Answer, Rectangle
from src_models.clicking.answering.crop import SQUARE, Crop, Pixel, best_zoom, crop_around, first_crops
from src_models.clicking.answering.filling import filling, squares_of
from src_models.clicking.answering.grey_values import GreyValues, with_evidence
from src_models.clicking.answering.mending import changed, felt, obeyed, one_way, said_of
from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.answering.parts import part_over, parts_with
from src_models.clicking.answering.spreading import cells_said, spread
from src_models.clicking.prompts import Box, Click, Prompt, Scribble, draw_box, draw_prompts, places

__all__ = ["AnswerMaker"]

FIRST = 3  # clicks up to which an object may become another one of another size
COARSER = 2  # grid on which an object's size is found out, which needs no details
# A click that takes away where the object was thought to be more surely than this asks whether it is smaller; it is if
# another size shows one below this share of the length.
TAKEN, SMALLER = 0.5, 0.7
# The object is shown again at a better size where it takes less, or more, of the square than these.
GOOD_SHARES = (0.25, 0.8)
NEXT = 2**0.5  # each square is so much larger than the one before where the next larger or smaller object is looked for
REMEMBERED = 12  # squares of which what the network sees is kept, 0.2 MB each
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
    pixel
        Height and width of a pixel, the smaller one 1.
    """

    def __init__(
        self,
        network: ClickNetwork,
        read: Callable[[Sequence[slice]], NDArray[np.float32]],
        shape: tuple[int, int],
        pixel: Pixel = SQUARE,
    ) -> None:
        self._network = network
        self._read = read
        self._shape = shape
        self._pixel = pixel
        self._images: dict[tuple[Crop, int], NDArray[np.float32]] = {}

    def next(self, prompts: Sequence[Prompt], before: Answer | None, *, stays: bool = False) -> Answer:
        """Return the answer to all that was given, after the answer `before` the last of it.

        Parameters
        ----------
        prompts
            What was given, in order.
        before
            What was found before the last of it.
        stays
            Whether that stays, in all its parts, but where the last one changes it: a person began with it. Else it may
            prove to be smaller, and parts without a click are dropped.
        """
        boxed = any(isinstance(prompt, Box) for prompt in prompts)
        if before is None or not before.seen:
            return self._obeyed(self._boxed(prompts) if boxed else self._begun(prompts), prompts)
        last = prompts[-1]
        if isinstance(last, Box):
            return self._obeyed(filling(self._again(prompts, before), last), prompts)
        other = None if stays or boxed or len(prompts) > FIRST else self._of_other_size(prompts, before)
        if other is None:
            other = self._again(prompts, before, last)
        return self._obeyed(other, prompts, before, stays=stays)

    def look(self, crop: Crop, prompts: Sequence[Prompt], before: Answer | None = None) -> Answer:
        """Return the answer to what was given, looked for in one square and no other."""
        return self._masked(self._asked(crop, prompts, before), prompts)

    def resized(self, prompts: Sequence[Prompt], before: Answer, *, larger: bool) -> Answer | None:
        """Return the next larger, or smaller, object around the same places; None if there is none.

        The places are shown in squares of growing side. Of the objects that are found in them, the one next in size
        counts whose area differs distinctly.
        """
        if before.extent is None:
            return None
        # A box says how large the object is, which is to become another one.
        clicks = [prompt for prompt in prompts if not isinstance(prompt, Box)]
        if not places(clicks, positive=True):
            clicks = [before.middle, *clicks]
        positive = [prompt for prompt in clicks if prompt.positive]
        crops = self._squares(positive, NEXT)
        looks = self._looks(crops, clicks, self._network.size // COARSER) if crops else []
        roughs = [rough for rough in looks if rough.extent is not None]
        area = int(before.mask.sum())
        for rough in sorted(roughs, key=lambda one: int(one.mask.sum()), reverse=not larger):
            if not _differs(rough, area, larger):
                continue
            found = self.look(crop_around(positive, rough.extent, self._pixel), clicks, rough)
            if _differs(found, area, larger):
                return self._obeyed(found, clicks)
        return None

    def look_for_each(self, clicks: Sequence[Click], length: int) -> list[Answer]:
        """Return the answers to first clicks on different objects of about one size, looked for in one go.

        Parameters
        ----------
        clicks
            One on each object.
        length
            Their longer side (px; where these are flat, of their shorter side).
        """
        size = self._network.size
        height, width = self._pixel
        extents = [(_around(click.y, length / height), _around(click.x, length / width)) for click in clicks]
        crops = [crop_around((), extent, self._pixel) for extent in extents]
        given = np.stack([self._given(crop, (click,), None, size) for crop, click in zip(crops, clicks, strict=True)])
        images = np.stack([self._image(crop, size) for crop in crops])
        grids = self._network(images, given)
        return [
            self._answer(crop, grid, seen, (click,))
            for crop, grid, seen, click in zip(crops, grids, given, clicks, strict=True)
        ]

    def read(self, region: Rectangle) -> NDArray[np.float32]:
        """Return a region of the normalised plane, (C, *region)."""
        return self._read(region)

    def carry(self, neighbour: Answer, looks: Sequence[GreyValues]) -> tuple[tuple[Prompt, ...], Answer, float]:
        """Look for an object that was found in the plane before or after this one.

        Parameters
        ----------
        neighbour
            The answer there; it holds something.
        looks
            The object's grey values in slices where it is known, against which the network's answer is held.

        Returns
        -------
        prompts, answer, likeness
            A click in the middle of what was found there stands for those of a person. The likeness is how much what
            is found looks like the object, on the mean; below 0 it rather looks like what surrounds it.
        """
        click = neighbour.middle
        seen = self._again((click,), neighbour)
        image = self._image(seen.crop, len(seen.grid))
        evidence = np.mean([each.evidence(image) for each in looks], axis=0)
        grid = with_evidence(seen.grid, evidence)
        mask = part_over(seen.crop.to_image(grid, self._shape) > seen.threshold, neighbour.on(seen.region))
        inside = ndimage.binary_erosion(grid > seen.threshold)
        likeness = float(evidence[inside].mean()) if inside.any() else 0.0
        return (click,), replace(seen, grid=grid, mask=mask), likeness

    def grey_values(self, answer: Answer) -> GreyValues:
        """Return the grey values of an object that was found in this plane."""
        image = self._image(answer.crop, len(answer.grid))
        inside = answer.cells > 0.5
        return GreyValues(image, inside if inside.any() else answer.grid >= answer.grid.max())

    def attention(self, answer: Answer) -> list[PlacedMap]:
        """Return the attention with which an answer was found, placed on the plane, finest first."""
        size = self._network.size
        image = self._image(answer.crop, size)
        height, width = answer.crop.cells(size)
        placed = []
        for found in self._network.attention(image, answer.given):
            top, left = answer.crop.from_grid(found.offset, found.offset, size)
            placed.append(
                PlacedMap(
                    found.name,
                    found.kind,
                    found.description,
                    found.level,
                    found.tensor[0].mean(0).float().cpu().numpy(),
                    (found.stride * height, found.stride * width),
                    (top, left),
                )
            )
        return placed

    def _begun(self, prompts: Sequence[Prompt]) -> Answer:
        rough = self._first(prompts)
        crop = rough.crop if rough.extent is None else crop_around(prompts, rough.extent, self._pixel)
        return self.look(crop, prompts, rough)

    def _boxed(self, prompts: Sequence[Prompt]) -> Answer:
        """Look for an object in its box in two squares, and take what it is on the mean of both."""
        box = next(prompt for prompt in reversed(prompts) if isinstance(prompt, Box))
        around = crop_around(prompts, None, self._pixel)
        if not all(isinstance(prompt, Box) for prompt in prompts):
            return filling(self.look(around, prompts), box)
        crops, middle = squares_of(box, around)
        far, near = self._looks(crops, (*prompts, middle), self._network.size)
        grid = np.asarray((near.grid + far.on_grid(near.crop, self._network.size)) / 2, np.float32)
        return filling(replace(near, grid=grid), box)

    def _again(self, prompts: Sequence[Prompt], before: Answer, last: Click | Scribble | None = None) -> Answer:
        """Look again where the object was found; from further or from nearer if its size has become another.

        After a click, `last`, the answer is what was found before, changed where the click changes it.
        """

        def found(crop: Crop, seen: Answer) -> Answer:
            answer = self._asked(crop, prompts, seen, heeded=last is not None)
            return self._masked(answer, prompts) if last is None else self._mended(answer, last, before)

        answer = found(before.crop.unless_moved(crop_around(prompts, before.extent, self._pixel)), before)
        better = self._better(answer, prompts)
        return answer if better is None else found(better, answer)

    def _asked(self, crop: Crop, prompts: Sequence[Prompt], before: Answer | None, *, heeded: bool = True) -> Answer:
        """Ask the network about one square; whose pixels are the object is not said yet.

        With `heeded`, what it did not follow of all that was given goes as far as cells look alike to it.
        """
        size = self._network.size
        given = self._given(crop, prompts, before, size)
        grid, features = self._network.with_features(self._image(crop, size), given)
        threshold = THRESHOLD if before is None else before.threshold
        if heeded and before is not None and before.extent is not None:
            if any(isinstance(prompt, Box) for prompt in prompts):
                # What is in a box was found in two squares: one of them alone knows less, and counts half.
                grid = np.asarray((grid + before.on_grid(crop, size)) / 2, np.float32)
            said = cells_said(prompts, lambda y, x: crop.to_grid(y, x, size))
            grid = spread(grid, features, said, crop.share(before.extent) * size, threshold)
        region = crop.inside(self._shape)
        nothing = np.zeros([part.stop - part.start for part in region], bool)
        return Answer(crop, region, grid, given, nothing, self._shape, threshold)

    def _masked(self, found: Answer, prompts: Sequence[Prompt]) -> Answer:
        """Return an answer with the pixels that are the object by its probabilities."""
        return self._answer(found.crop, found.grid, found.given, prompts, found.threshold)

    def _image(self, crop: Crop, size: int) -> NDArray[np.float32]:
        """Return what the network sees of a square (C, size, size): what was seen last is not read again."""
        if (crop, size) not in self._images:
            if len(self._images) >= REMEMBERED:
                self._images.pop(next(iter(self._images)), None)
            self._images[crop, size] = crop.read(self._read, self._shape, size)
        return self._images[crop, size]

    def _mended(self, found: Answer, last: Click | Scribble, before: Answer) -> Answer:
        """Return what was found before, changed where the last click changes it."""
        crop, size = found.crop, len(found.grid)
        drawn = draw_prompts([last], lambda y, x: crop.to_grid(y, x, size), size=size, radius=1.0).any(0)
        away = ndimage.distance_transform_edt(~drawn)
        held = before.on(found.region)
        known = replace(found, mask=held).cells > 0.5
        now = found.grid > found.threshold
        change = ndimage.binary_dilation(changed(known, now, last.positive, away))
        part = crop.under(change, self._shape)
        there = crop.to_image(change.astype(np.float32), self._shape, part) > 0.5
        above = crop.to_image(found.grid, self._shape, part) > found.threshold
        mask, inside = held.copy(), found.in_region(*part)
        mask[inside] = held[inside] | (above & there) if last.positive else held[inside] & ~(there & ~above)
        # What stays is shown to the network as it was the next time.
        stays = ~change & (known != now)
        grid = np.where(stays, before.on_grid(crop, size), found.grid)
        return replace(found, mask=mask, grid=grid)

    def _obeyed(
        self, found: Answer, prompts: Sequence[Prompt], before: Answer | None = None, *, stays: bool = False
    ) -> Answer:
        """Return an answer that has all that was clicked on in it, and nothing that was clicked beside it.

        Against an answer `before` the last click, something is otherwise near that click; and a click on the object has
        taken nothing away, one beside it added nothing.
        """
        origin, cell = (found.region[0].start, found.region[1].start), found.crop.cells(len(found.grid))
        held = None if before is None else before.on(found.region)
        said = said_of(prompts, found.mask.shape, origin)
        held_in = [place for place, positive in said.items() if positive]

        def kept(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
            mask = obeyed(mask, prompts, origin, cell)
            mask = mask if stays else parts_with(mask, held_in)
            return mask if held is None else one_way(held, mask, prompts[-1])

        mask = kept(found.mask)
        if held is not None:
            mask = kept(felt(held, mask, prompts, origin, cell))
        return replace(found, mask=mask)

    def _first(self, prompts: Sequence[Prompt]) -> Answer:
        """Show the place at several sizes, and take the one at which the answer is surest and of a good size."""
        crops = self._squares([prompt for prompt in prompts if not isinstance(prompt, Box)])
        return self._surest(crops or [crop_around(prompts, None, self._pixel)], prompts)

    def _of_other_size(self, prompts: Sequence[Prompt], before: Answer) -> Answer | None:
        """Return a smaller object than was found, where the last click lies in what was surely taken for the object.

        Then the object may have been looked at too far away: its size is found out anew, from all clicks.
        """
        last, positive = prompts[-1], [prompt for prompt in prompts if not isinstance(prompt, Box) and prompt.positive]
        if isinstance(last, Box) or last.positive or not positive or before.extent is None:
            return None
        found = before.probability_at(*next(iter(last.points())))
        if found is None or found < TAKEN:
            return None
        crops = self._squares(positive)
        rough = self._surest(crops, prompts) if crops else None
        if rough is None or rough.extent is None:
            return None
        if crops[-1].share(rough.extent) > SMALLER * crops[-1].share(before.extent):
            return None
        return self.look(crop_around(positive, rough.extent, self._pixel), prompts, rough)

    def _squares(self, given: Sequence[Click | Scribble], step: float = 2.0) -> list[Crop]:
        """Return squares of growing side around the middle of what was given, in which all of it lies."""
        points = [point for prompt in given for point in prompt.points()]
        y, x = np.mean(points, axis=0)
        crops = first_crops(y, x, self._shape, step, self._pixel)
        return [crop for crop in crops if all(crop.holds(*point) for point in points)]

    def _looks(self, crops: Sequence[Crop], prompts: Sequence[Prompt], size: int) -> list[Answer]:
        """Return an answer for each of several squares, on grids of some size."""
        grids, given = self._grids(crops, prompts, size)
        return [self._answer(*one, prompts) for one in zip(crops, grids, given, strict=True)]

    def _surest(self, crops: Sequence[Crop], prompts: Sequence[Prompt]) -> Answer:
        grids, given = self._grids(crops, prompts, self._network.size // COARSER)
        best = best_zoom(crops, grids, places(prompts, positive=True), THRESHOLD, places(prompts, positive=False))
        return self._answer(crops[best], grids[best], given[best], prompts)

    def _grids(
        self, crops: Sequence[Crop], prompts: Sequence[Prompt], size: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the probabilities in several squares, and what the network saw of each besides the image."""
        given = np.stack([self._given(crop, prompts, None, size) for crop in crops])
        images = np.stack([self._image(crop, size) for crop in crops])
        return self._network(images, given), given

    def _better(self, answer: Answer, prompts: Sequence[Prompt]) -> Crop | None:
        """Return a square that suits what was found, where the one that was looked at does not."""
        if answer.extent is None:
            return None
        share = answer.crop.share(answer.extent)
        if GOOD_SHARES[0] <= share <= GOOD_SHARES[1]:
            return None
        better = crop_around(prompts, answer.extent, self._pixel)
        return None if abs(np.log2(better.side / answer.crop.side)) < 0.3 else better

    def _given(self, crop: Crop, prompts: Sequence[Prompt], before: Answer | None, size: int) -> NDArray[np.float32]:
        """Return what the network sees besides the image, (3, size, size)."""

        def place(y: float, x: float) -> tuple[float, float]:
            return crop.to_grid(y, x, size)

        drawn = draw_prompts(prompts, place, size=size)
        if before is not None:
            previous = before.on_grid(crop, size)
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
        on = [(y - region[0].start, x - region[1].start) for y, x in places(prompts, positive=True)]
        mask = parts_with(crop.to_image(grid, self._shape) > threshold, on)
        return Answer(crop, region, grid, given, mask, self._shape, threshold)


def _around(place: float, length: float) -> slice:
    count = max(1, round(length))
    start = round(place - (count - 1) / 2)
    return slice(start, start + count)


def _differs(found: Answer, area: int, larger: bool) -> bool:
    """Whether an object was found that is distinctly larger, or smaller, than some area."""
    new = int(found.mask.sum())
    return new >= DISTINCT * area if larger else 0 < DISTINCT * new <= area
