"""What a box says of the object in it: that it reaches all four edges, and that its middle is most likely in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from src_models.clicking.answering.answer import THRESHOLD, Answer, Rectangle
from src_models.clicking.answering.crop import Crop
from src_models.clicking.answering.mending import obeyed
from src_models.clicking.answering.parts import parts_with
from src_models.clicking.prompts import Box, Click

__all__ = ["filling", "squares_of"]

# Thresholds of which the one counts at which an object best fills its box, and what each away from the usual one costs.
FILLING, UNUSUAL = tuple(tenth / 10 for tenth in range(1, 10)), 0.12
NEARER = 0.7  # side of the nearer one of the two squares that an object in a box is looked for in


def squares_of(box: Box, around: Crop) -> tuple[tuple[Crop, Crop], Click]:
    """Return the squares that an object in a box is looked for in, and a click in its middle, which is shown with it.

    Parameters
    ----------
    box
        The box.
    around
        The square that shows all that was given with what lies around it.

    Notes
    -----
    The middle of a box is in the object far more often than not, and the network is surer with a place to begin from.
    On 120 objects of 12 sets, the mean IoU with a box alone rose by 0.030 with the click, and by 0.005 with the second
    square.
    """
    middle = Click((box.top + box.bottom) / 2, (box.left + box.right) / 2)
    return (around, around.nearer(middle.y, middle.x, NEARER)), middle


def filling(found: Answer, box: Box) -> Answer:
    """Return an answer at the threshold at which the object best fills the box that was drawn around it.

    What counts is how far the object would go by itself: one that goes on beyond the box is not right at an edge that
    the box cuts.
    """
    probability, origin = found.probability, (found.region[0].start, found.region[1].start)
    middle = (box.top + box.bottom) / 2 - origin[0], (box.left + box.right) / 2 - origin[1]
    best, worth = found, -1.0
    for threshold in FILLING:
        mask = probability > threshold
        free = replace(found, mask=parts_with(mask, [middle])).extent
        answer = replace(
            found, mask=obeyed(mask, (box,), origin, found.crop.cells(len(found.grid))), threshold=threshold
        )
        if free is not None and answer.extent is not None:
            filled = _filled(free, box) - UNUSUAL * abs(threshold - THRESHOLD)
            best, worth = (answer, filled) if filled > worth else (best, worth)
    return best


def _filled(extent: Rectangle, box: Box) -> float:
    """Return the IoU of the box around an object with the one that was drawn."""
    edges = [
        (part.start - 0.5, part.stop - 0.5, *drawn)
        for part, drawn in zip(extent, ((box.top, box.bottom), (box.left, box.right)), strict=True)
    ]
    common = float(np.prod([max(0.0, min(stop, high) - max(start, low)) for start, stop, low, high in edges]))
    areas = np.prod([stop - start for start, stop, _, _ in edges]) + np.prod([high - low for _, _, low, high in edges])
    return common / float(areas - common)
