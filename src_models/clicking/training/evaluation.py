"""How many clicks an object takes: the usual measure of interactive segmentation.

A simulated person clicks in the middle of the largest error until the mask is right, at most 20 times (Xu et al. 2016,
arXiv 1603.04042). NoC@85 is the number of clicks until the IoU is 0.85, or 20 where it never is: a failure.

>>> score = ObjectScore("a.png", 1, "", (0.5, 0.86, 0.91), (0.1, 0.1, 0.1))
>>> score.clicks_to(0.85), score.clicks_to(0.9), score.clicks_to(0.95), score.iou_after(2)
(2, 3, 20, 0.86)
>>> ObjectScore("a.png", 1, "", (0.5, 0.86, 0.4, 0.38, 0.9), (0.1,) * 5).lowered()
[False, True, False, False]
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from src_models.clicking.prompts import Box, Click, Prompt
from src_models.clicking.training.promises import Kept, kept
from src_models.clicking.training.simulation import hurried_click, next_click

__all__ = [
    "MOST_CLICKS",
    "RIGHT",
    "ClickSummary",
    "Clickable",
    "Clicked",
    "ObjectScore",
    "click_until_right",
    "summarise",
]

MOST_CLICKS = 20
RIGHT = 0.95  # IoU at which the simulated person stops: none of the measures asks for more
THRESHOLDS = (0.8, 0.85, 0.9)
COUNTS = (1, 3, 5, 10)
WORSE = 0.05  # by which a click that was to mend an answer must lower its IoU to count as one that made it worse


@dataclass(frozen=True, slots=True)
class ObjectScore:
    """What clicking on one object gave.

    Parameters
    ----------
    image, number, label
        The image, the object's number in it, and its class, "" if there is none.
    ious
        After each click; the first may be a box.
    seconds
        That each answer took.
    kept
        Of each click after the first thing given, which of its promises it kept.
    """

    image: str
    number: int
    label: str
    ious: tuple[float, ...]
    seconds: tuple[float, ...]
    kept: tuple[Kept, ...] = ()

    def clicks_to(self, iou: float) -> int:
        """Return the number of clicks until the IoU was reached; `MOST_CLICKS` if it was not."""
        return next((count for count, found in enumerate(self.ious, start=1) if found >= iou), MOST_CLICKS)

    def fails(self, iou: float) -> bool:
        """Whether the IoU was never reached."""
        return all(found < iou for found in self.ious)

    def iou_after(self, clicks: int) -> float:
        """Return the IoU after so many clicks, or after the last one if fewer were needed."""
        return self.ious[min(clicks, len(self.ious)) - 1]

    def lowered(self) -> list[bool]:
        """Return of each click but the first whether it lowered the IoU by more than 0.05."""
        return [after < before - WORSE for before, after in pairwise(self.ious)]


@dataclass(frozen=True, slots=True)
class ClickSummary:
    """Means over objects.

    Parameters
    ----------
    objects
        Their number.
    clicks
        Mean number of clicks by IoU: NoC.
    failures
        Share of objects that never reach it, by IoU.
    iou
        Mean IoU by number of clicks.
    worse
        Share of clicks, after the first, that lower the IoU by more than 0.05; 0 where there are none.
    first_seconds, later_seconds
        Median time of the first answer, and 95th percentile of the others.
    broken
        Share of clicks, after the first thing given, that broke a promise, by its name in
        :class:`~src_models.clicking.training.promises.Kept`.
    """

    objects: int
    clicks: dict[float, float]
    failures: dict[float, float]
    iou: dict[int, float]
    worse: float
    first_seconds: float
    later_seconds: float
    broken: dict[str, float]


class Clickable(Protocol):
    """What can be clicked in: a session of clicks, or a peer that is measured alike."""

    @property
    def mask(self) -> NDArray[np.bool_]:
        """The object's pixels."""

    def give(self, prompt: Prompt, /) -> None:
        """Give a click, or a box."""

    def reset(self) -> None:
        """Begin a new object."""


class Clicked(NamedTuple):
    """IoU after each click on an object, the seconds that each answer took, and the promises that clicks kept.

    There are promises of clicks alone, and not of the first thing given, before which nothing had been found.
    """

    ious: tuple[float, ...]
    seconds: tuple[float, ...]
    kept: tuple[Kept, ...]


def click_until_right(
    session: Clickable,
    truth: NDArray[np.bool_],
    *,
    hurried: np.random.Generator | None = None,
    box: bool = False,
    right: float = RIGHT,
) -> Clicked:
    """Click on one object until it is right.

    Parameters
    ----------
    session
        A session on the plane; it is reset first.
    truth
        The object's pixels, of the shape of the plane.
    hurried
        Lets a person in a hurry click, who does not hit the middle; None lets a careful one.
    box
        Whether a box around the object comes first, which counts as a click.
    right
        IoU at which the person stops.
    """
    session.reset()
    clicked = np.zeros_like(truth)
    ious: list[float] = []
    seconds: list[float] = []
    promises: list[Kept] = []
    clicks: list[Click] = []
    found = np.zeros_like(truth)
    while len(ious) < MOST_CLICKS and (not ious or ious[-1] < right):
        given = _around(truth) if box and not ious else _next(truth, found, clicked, hurried)
        if given is None or (isinstance(given, Click) and not ious and not given.positive):
            break
        if isinstance(given, Click):
            clicked[int(given.y), int(given.x)] = True
            clicks.append(given)
        start = time.perf_counter()
        session.give(given)
        seconds.append(time.perf_counter() - start)
        before, found = found, session.mask
        if ious and isinstance(given, Click):
            promises.append(kept(before, found, truth, clicks))
        ious.append(float((found & truth).sum() / (found | truth).sum()))
    return Clicked(tuple(ious), tuple(seconds), tuple(promises))


def summarise(scores: Sequence[ObjectScore]) -> ClickSummary:
    """Return means over objects."""

    def mean(values: Any) -> float:
        return float(np.mean(list(values)))

    lowered = [worse for score in scores for worse in score.lowered()]
    promises = [one for score in scores for one in score.kept]
    later = [second for score in scores for second in score.seconds[1:]]
    return ClickSummary(
        objects=len(scores),
        clicks={iou: mean(score.clicks_to(iou) for score in scores) for iou in THRESHOLDS},
        failures={iou: mean(score.fails(iou) for score in scores) for iou in THRESHOLDS},
        iou={count: mean(score.iou_after(count) for score in scores) for count in COUNTS},
        worse=mean(lowered) if lowered else 0.0,
        first_seconds=float(np.median([score.seconds[0] for score in scores])),
        later_seconds=float(np.percentile(later, 95)) if later else float("nan"),
        broken={
            name: mean(not one[at] for one in promises) if promises else 0.0 for at, name in enumerate(Kept._fields)
        },
    )


def _around(truth: NDArray[np.bool_]) -> Prompt:
    """Return the box that an object just fits into."""
    rows, columns = (np.flatnonzero(truth.any(axis)) for axis in (1, 0))
    return Box(rows[0] - 0.5, columns[0] - 0.5, rows[-1] + 0.5, columns[-1] + 0.5)


def _next(
    truth: NDArray[np.bool_], found: NDArray[np.bool_], clicked: NDArray[np.bool_], hurried: np.random.Generator | None
) -> Click | None:
    if hurried is None:
        return next_click(truth, found, clicked)
    return hurried_click(truth, found, hurried, clicked)
