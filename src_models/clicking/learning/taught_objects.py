"""What a network of clicks learns from, and what it is judged by, of corrections or of whole images.

Every third object is held out: an object's side never changes as others are accepted after it. Whole images that say
themselves which of them judge are believed.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.clicking.learning.settings import LEAST_OBJECTS
from src_models.clicking.training.examples import SMALLEST_AREA, ClickExamples, Example, ObjectImage
from src_models.corrections.correction import Correction
from src_models.corrections.volumes import check_planes
from src_models.errors import UserError
from src_models.images.channels import as_channels
from src_models.images.grey.counted import measure_counted
from src_models.images.grey.intensity import Normalisation
from src_models.models.header import ModelHeader

__all__ = ["LearningExamples", "TaughtObjects", "taught_objects"]

EVERY = 3
BRIGHTER, LIGHTER = 0.1, 0.03  # standard deviations of a factor's logarithm, and of what is added


@dataclass(frozen=True, slots=True)
class TaughtObjects:
    """Objects to learn from and to judge by, each with its image.

    Parameters
    ----------
    training, validation
        The objects; of one that was carried through a stack, all slices are on one side.
    count
        How many objects there are.
    """

    training: tuple[ObjectImage, ...]
    validation: tuple[ObjectImage, ...]
    count: int


def taught_objects(
    found: Iterable[tuple[str, Correction]], header: ModelHeader, judging: Collection[str] = ()
) -> TaughtObjects:
    """Read objects for a network of clicks.

    Parameters
    ----------
    found
        Corrections with their names. Of one that was clicked, its object counts; of others, each object all of whose
        pixels count.
    header
        Of the network that is to learn.
    judging
        Names of corrections whose objects judge; without any, every third object does.

    Raises
    ------
    UserError
        If there are too few objects, or images do not fit the network.
    """
    objects: dict[str, list[ObjectImage]] = {}
    judges: set[str] = set()
    found = list(found)
    check_planes(found)
    for name, correction in found:
        for own, image in _objects(name, correction, header):
            objects.setdefault(own, []).append(image)
            if name in judging:
                judges.add(own)
    if len(objects) < LEAST_OBJECTS:
        raise UserError(
            f"there are {len(objects)} objects to learn from, and it takes {LEAST_OBJECTS}: accept more, or give masks "
            f"with more objects of at least {SMALLEST_AREA} px"
        )
    if not judges or len(judges) == len(objects):
        judges = {own for number, own in enumerate(objects) if number % EVERY == 1}
    sides = [
        tuple(image for own, images in objects.items() if (own in judges) is judge for image in images)
        for judge in (False, True)
    ]
    return TaughtObjects(sides[0], sides[1], len(objects))


class LearningExamples:
    """Draws what a network learns from, by number: accepted objects, and others against forgetting.

    Parameters
    ----------
    own
        The accepted objects.
    known
        What the network knows already.
    replay
        Share of examples that are drawn from that.
    size
        Side of the squares.
    seed
        Decides everything.
    """

    def __init__(
        self, own: Sequence[ObjectImage], known: ClickExamples, *, replay: float, size: int, seed: int
    ) -> None:
        self._own, self._known, self._replay = own, known, replay
        self._size, self._seed = size, seed

    def __getitem__(self, number: int) -> Example:
        """Return an example."""
        random = np.random.default_rng((self._seed, 3, number))
        if random.random() < self._replay:
            return self._known[number]
        image = self._own[int(random.integers(len(self._own)))]
        return _varied(image.example(random, self._size), random)


def _objects(name: str, correction: Correction, header: ModelHeader) -> Iterator[tuple[str, ObjectImage]]:
    """Yield the objects of a correction that count, each as an image in which there is no other."""
    labels = correction.labels
    unsaid = set(np.unique(labels[~correction.counts]).tolist())
    if not (labels > 0).any():
        return
    whole = ObjectImage(_normalised(name, correction, header), labels)
    clicked = correction.record.clicked
    for number, box in whole.boxes.items():
        if number not in unsaid:
            shown = copy.copy(whole)
            shown.boxes = {number: box}
            yield f"{name} {number}" if clicked is None else str(clicked["object"]), shown


def _normalised(name: str, correction: Correction, header: ModelHeader) -> NDArray[np.float32]:
    image, clicked = correction.image, correction.record.clicked
    first = image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)
    planes = as_channels(first, header, name)
    if clicked is not None and "normalisation" in clicked:  # it was measured on all of the image
        return Normalisation(**clicked["normalisation"])(planes)
    return measure_counted(planes, header.intensity, correction.reading, name=name)(planes)


def _varied(example: Example, random: np.random.Generator) -> Example:
    """Turn and mirror an example, and change its light a little."""
    turns = int(random.integers(4))
    image: NDArray[Any] = np.rot90(example.image, turns, (1, 2))
    truth = np.rot90(example.truth, turns)
    if random.random() < 0.5:
        image, truth = image[:, :, ::-1], truth[:, ::-1]
    image = image * np.exp(random.normal(0, BRIGHTER)) + random.normal(0, LIGHTER)
    return Example(np.ascontiguousarray(image, np.float32), np.ascontiguousarray(truth))
