"""How well the slices of a patient agree with the truth, organ by organ: Dice, and the distance between outlines.

Where voxels have no known depth, a distance can only be taken within slices: it is that of the outline's pixels to the
other outline in the same slice, over all slices of the patient. What no slice can tell is counted, and never left to be
nan:

* An organ that neither truth nor prediction has gets no score. It is not counted in any mean.
* An organ that only one of the two has gets the Dice 0 and, as its distance, the slice's diagonal.
* So does, for the distance, an organ that both have, but in no slice in common.
* A slice in which only one of the two has the organ has no distance. Its share of the slices with that organ is told
  beside (`alone`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.labels.metrics import pixel_counts

__all__ = ["OrganScore", "organ_scores", "outline_distances"]

PERCENTILE = 95


@dataclass(frozen=True)
class OrganScore:
    """How well one organ of one patient was found.

    Parameters
    ----------
    dice
        0 to 1, over all slices together.
    hd95
        95th percentile of the distances (px) between outlines, the larger of the two directions.
    alone
        Share of the slices with the organ in which only the truth or only the prediction has it.
    """

    dice: float
    hd95: float
    alone: float


def organ_scores(
    prediction: NDArray[np.integer], truth: NDArray[np.integer], *, classes: int
) -> list[OrganScore | None]:
    """Score every class but the background.

    Parameters
    ----------
    prediction, truth
        Class ids, equal shapes (slices, height, width).
    classes
        Number of classes, the background included.

    Returns
    -------
    list
        A score for each class from 1 on; None for one that neither has.
    """
    dice = pixel_counts(prediction, truth, classes=classes).dice
    return [
        _score(prediction == number, truth == number, float(dice[number])) if not np.isnan(dice[number]) else None
        for number in range(1, classes)
    ]


def _score(prediction: NDArray[np.bool_], truth: NDArray[np.bool_], dice: float) -> OrganScore:
    there = np.stack([mask.any(axis=(1, 2)) for mask in (prediction, truth)])
    shared = there.all(axis=0)
    alone = 1 - shared.sum() / there.any(axis=0).sum()
    if not shared.any():
        return OrganScore(dice, float(np.hypot(*truth.shape[1:])), float(alone))
    pairs = [outline_distances(prediction[number], truth[number]) for number in np.flatnonzero(shared)]
    directions = [np.concatenate(distances) for distances in zip(*pairs, strict=True)]
    hd95 = max(float(np.percentile(distances, PERCENTILE)) for distances in directions)
    return OrganScore(dice, hd95, float(alone))


def outline_distances(
    first: NDArray[np.bool_], second: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far (px) each pixel of the first mask's outline is from the second's, and the other way round.

    Parameters
    ----------
    first, second
        Masks of equal shape (height, width), neither of them empty. The outline of a mask are its pixels beside one
        that is not in it, or at the border of the image.
    """
    outlines = [mask & ~ndimage.binary_erosion(mask) for mask in (first, second)]
    far = [ndimage.distance_transform_edt(~outline) for outline in outlines]
    return far[1][outlines[0]], far[0][outlines[1]]
