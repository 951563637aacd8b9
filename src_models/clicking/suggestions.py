"""Suggestions: after one or two objects were accepted, the others in view that are like them.

Places that look like the inside of the examples are clicked on, each as a person would, at the size of the examples.
What the network then finds is suggested where it is sure, and the result has the size and the values of the examples.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from src_models.clicking.answering.answer import Answer, Rectangle
from src_models.clicking.click_image import ClickImage
from src_models.clicking.clicked_object import AcceptedObject, ObjectSlice
from src_models.clicking.likeness import ObjectLook, Scale, View, inner
from src_models.clicking.prompts import Click
from src_models.errors import UserError
from src_models.images.planes import Plane
from src_models.progress import Progress

__all__ = ["Suggestion", "suggest"]

BATCH = 8  # places that the network is asked about at once
LARGEST_VIEW = 2**24  # px
SIZES = (0.4, 2.5)  # of the examples' area
SURE = 0.6
SAME = 0.2  # IoU above which two suggestions are taken for one object
HIDDEN = 0.2  # share of a suggestion that finished objects may cover


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An object that is like the examples.

    Parameters
    ----------
    click
        What it was found with: a session that is given this click first goes on from here.
    answer
        Where it is.
    score
        How sure the network is, times how alike it is to the examples; 0 to 1.
    """

    click: Click
    answer: Answer
    score: float


def suggest(
    image: ClickImage,
    plane: Plane,
    examples: Sequence[AcceptedObject | ObjectSlice],
    view: Rectangle,
    taken: NDArray[np.bool_],
    *,
    most: int = 64,
) -> Generator[Progress, None, list[Suggestion]]:
    """Look for objects like some examples in a part of a plane.

    Of the image, that part is read, and the squares around the examples and around places that look like them.

    Parameters
    ----------
    image
        The image.
    plane
        Where to look: position along the axes besides height and width.
    examples
        Accepted objects, of this plane or others; of one with several slices, the one in this plane counts, or the
        largest.
    view
        Rows and columns to look at; objects that reach out of it are not suggested.
    taken
        Pixels of the whole plane, of its shape, that belong to finished objects.
    most
        Number of places that the network is asked about at the most.

    Yields
    ------
    Progress
        Before every few places. Closing the generator ends the search.

    Returns
    -------
    list of Suggestion
        The best first. None shares more than an IoU of 0.2 with another, or a fifth of its pixels with `taken`.

    Raises
    ------
    UserError
        If there is no example, or the view lies outside of the plane or is too large.
    ValueError
        If `taken` is not of the plane's shape.
    """
    if taken.shape != image.shape:
        raise ValueError(f"taken has the shape {taken.shape}, and the plane {image.shape}")
    parts = [part for part in (_part(example, plane) for example in examples) if part.mask.any()]
    if not parts:
        raise UserError("accept one or two objects first: what looks like them is suggested")
    return _Search(image, plane, parts, _inside(view, image), taken).run(most)


class _Search:
    """One search, in one part of a plane."""

    def __init__(
        self,
        image: ClickImage,
        plane: Plane,
        examples: Sequence[ObjectSlice],
        region: Rectangle,
        taken: NDArray[np.bool_],
    ) -> None:
        self.image = image
        self.answers = image.answers(plane)
        self.examples = examples
        self.region = region
        self.origin = region[0].start, region[1].start
        self.taken = taken[region].copy()
        for example in examples:
            if example.plane == plane:
                self._take(example.pixels)
        self.scale = Scale.of([example.mask for example in examples])
        self.length = round(float(np.mean([np.ptp(example.pixels, axis=0).max() + 1 for example in examples])))

    def run(self, most: int) -> Generator[Progress, None, list[Suggestion]]:
        yield Progress(0, most, "looking for what is alike")
        view = View(self.answers.read(self.region), self.origin, self.scale)
        looks = [self._look(example) for example in self.examples]
        clicks = [Click(float(y), float(x)) for y, x in view.places(looks, self.taken, most)]
        found: list[Suggestion] = []
        for first in range(0, len(clicks), BATCH):
            yield Progress(first, len(clicks), f"asking at {len(clicks)} places that are alike")
            batch = clicks[first : first + BATCH]
            for click, answer in zip(batch, self.answers.look_for_each(batch, self.length), strict=True):
                if self._fits(click, answer):
                    found.append(Suggestion(click, answer, answer.sureness * _likeness(answer, view, looks)))
        return _apart(found)

    def _take(self, pixels: NDArray[np.intp]) -> None:
        """Mark pixels of the plane as those of finished objects."""
        rows, columns = (pixels - self.origin).T
        height, width = self.taken.shape
        here = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        self.taken[rows[here], columns[here]] = True

    def _look(self, example: ObjectSlice) -> ObjectLook:
        """Look at an example and around it."""
        margin = int(np.ceil(2 * self.scale.radius)) + 2
        low = np.maximum(example.pixels.min(0) - margin, 0)
        high = np.minimum(example.pixels.max(0) + margin + 1, self.image.shape)
        mask = np.zeros(high - low, bool)
        mask[tuple((example.pixels - low).T)] = True
        origin = int(low[0]), int(low[1])
        region = slice(origin[0], int(high[0])), slice(origin[1], int(high[1]))
        view = View(self.image.answers(example.plane).read(region), origin, self.scale)
        return ObjectLook.of(view, mask, origin, self.scale)

    def _fits(self, click: Click, answer: Answer) -> bool:
        """Whether an answer is sure, and a whole object in view that is not among the finished ones."""
        if answer.sureness < SURE or not self._is_whole(answer):
            return False
        pixels = answer.pixels
        if not (pixels == (click.y, click.x)).all(1).any():
            return False
        return bool(self.taken[tuple((pixels - self.origin).T)].mean() <= HIDDEN)

    def _is_whole(self, answer: Answer) -> bool:
        """Whether something was found that lies in the view, and whose edge was seen all around."""
        if answer.extent is None:
            return False
        sides = zip(answer.extent, self.region, answer.region, self.image.shape, strict=True)
        return not any(
            found.start < view.start
            or found.stop > view.stop
            or found.start == seen.start > 0
            or found.stop == seen.stop < size
            for found, view, seen, size in sides
        )


def _part(example: AcceptedObject | ObjectSlice, plane: Plane) -> ObjectSlice:
    """Return what of an example is looked at."""
    if isinstance(example, ObjectSlice):
        return example
    return max(example.slices, key=lambda part: (part.plane == plane, int(part.mask.sum())))


def _inside(view: Rectangle, image: ClickImage) -> Rectangle:
    """Return what of a view lies in the plane."""
    rows, columns = (slice(max(0, cut.start), min(size, cut.stop)) for cut, size in zip(view, image.shape, strict=True))
    height, width = rows.stop - rows.start, columns.stop - columns.start
    if height <= 0 or width <= 0:
        raise UserError(f"nothing of {image.name} is in view: move it into view, then look for more")
    if height * width > LARGEST_VIEW:
        raise UserError(
            f"{height} x {width} px of {image.name} are in view, which is too much to look through: zoom in to at most "
            f"{LARGEST_VIEW // 10**6} million px"
        )
    return rows, columns


def _likeness(answer: Answer, view: View, looks: Sequence[ObjectLook]) -> float:
    """Return how alike an answer is to the example that it is most like, 0 to 1."""
    area = int(answer.mask.sum())
    look = np.median(view.at(inner(answer.mask, (answer.region[0].start, answer.region[1].start))), axis=0)
    return max(one.resemblance(look) * _size_resemblance(area, one.area) for one in looks)


def _size_resemblance(area: int, wanted: int) -> float:
    """Return 1 for the same area, less for others, and 0 beyond `SIZES`."""
    ratio = area / wanted
    return float(np.exp(-(np.log(ratio) ** 2) / 2)) if SIZES[0] <= ratio <= SIZES[1] else 0.0


def _apart(found: Sequence[Suggestion]) -> list[Suggestion]:
    """Return suggestions of different objects, the best first."""
    kept: list[Suggestion] = []
    for one in sorted(found, key=lambda each: -each.score):
        if one.score > 0 and all(one.answer.overlap(other.answer) <= SAME for other in kept):
            kept.append(one)
    return kept
