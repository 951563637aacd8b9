"""What a network of clicks learns from: one object at a time, at any size, in real and in made-up images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from src_models.clicking.answering.crop import Crop
from src_models.clicking.training.synthetic import synthetic_image
from src_models.images.channels import as_channels
from src_models.images.grey.counted import measure_counted
from src_models.labels.instances import connected_parts
from src_models.models.header import ModelHeader

__all__ = ["ClickExamples", "Example", "ObjectImage"]

SMALLEST_AREA = 16  # px; smaller objects are noise in the labels
# Of the square's side, what an object's longer side takes: most often about what it takes where its answer is looked
# for, now and then what it may take where its size is not known yet, or where a part of it is looked at alone.
SHARES, ANY_SHARES, ANY = (0.25, 0.85), (0.1, 2.0), 0.3
MADE_UP = 192  # px, side of made-up images
SHARED = 4  # examples that lie in one made-up image: to make one takes longer than to draw an example


@dataclass(frozen=True, slots=True)
class Example:
    """A square (C, size, size) float32 and the object in it (size, size)."""

    image: NDArray[np.float32]
    truth: NDArray[np.bool_]


class ObjectImage:
    """A normalised image and its objects.

    Parameters
    ----------
    image
        (C, H, W), normalised.
    labels
        (H, W), a number for each object, 0 for none.
    """

    def __init__(self, image: NDArray[Any], labels: NDArray[np.int32]) -> None:
        grey = len(image) > 1 and all(np.array_equal(image[0], plane) for plane in image[1:])
        self.image = np.broadcast_to(image[:1].astype(np.float16), image.shape) if grey else image.astype(np.float16)
        self.labels = labels
        areas = np.bincount(labels.ravel())
        self.boxes = {
            number: box
            for number, box in enumerate(ndimage.find_objects(labels), start=1)
            if box is not None and areas[number] >= SMALLEST_AREA
        }

    @classmethod
    def of(
        cls, image: NDArray[Any], mask: NDArray[Any], header: ModelHeader, *, classes: bool, name: str
    ) -> ObjectImage:
        """Normalise an image (H, W) or (H, W, C) as a model expects it.

        Parameters
        ----------
        image, mask
            As :func:`src_models.files.samples.read_sample` gives them.
        header
            The model's.
        classes
            Whether the mask holds classes: then every connected part of one class is an object.
        name
            The image, for errors.
        """
        first = image[None] if image.ndim == 2 else np.moveaxis(image, -1, 0)
        planes = as_channels(first, header, name)
        labels = connected_parts(mask) if classes else mask.astype(np.int32)
        return cls(measure_counted(planes, header.intensity, name=name)(planes), labels)

    def example(self, random: np.random.Generator, size: int) -> Example:
        """Show one object, chosen at random, in a square of random extent and place."""
        number = int(random.choice(list(self.boxes)))
        rows, columns = self.boxes[number]
        longest = max(rows.stop - rows.start, columns.stop - columns.start)
        widest = max(2 * max(self.labels.shape), longest)  # a square that is mostly beyond the image shows nothing
        share = np.exp(random.uniform(*np.log(ANY_SHARES if random.random() < ANY else SHARES)))
        side = min(max(8, round(longest / share)), widest)
        free = 0.8 * abs(side - longest) / 2
        middle = [(part.start + part.stop - 1) / 2 + random.uniform(-free, free) for part in (rows, columns)]
        crop = Crop(round(middle[0] - (side - 1) / 2), round(middle[1] - (side - 1) / 2), side)
        shape = (self.labels.shape[0], self.labels.shape[1])
        image = crop.read(lambda part: self.image[:, part[0], part[1]], shape, size)
        inside = crop.read(lambda part: self.labels[part] == number, shape, size)
        truth = (inside >= 0.5) & _within(crop, shape, size)
        return Example(image, truth) if truth.any() else self.example(random, size)


class ClickExamples:
    """Draws examples, by number: number ``i`` of a seed is always the same one.

    Successive numbers spread over the sets as evenly as can be: of the first 64, a set whose share is 1/8 has 8 (a van
    der Corput sequence).

    Parameters
    ----------
    sets
        Groups of images, each of which is drawn as often as its share says, however many images it has.
    made_up
        Share of examples in made-up images.
    size
        Side of the squares.
    seed
        Decides everything.
    augmented
        Whether examples are varied.
    shares
        How often each set is drawn beside the others; equally often unless given.

    Raises
    ------
    ValueError
        If there are not as many shares as sets, or one is negative.
    """

    def __init__(
        self,
        sets: Sequence[Sequence[ObjectImage]],
        *,
        made_up: float,
        size: int,
        seed: int,
        augmented: bool = True,
        shares: Sequence[float] | None = None,
    ) -> None:
        weights = np.ones(len(sets)) if shares is None else np.asarray(shares, float)
        if weights.shape != (len(sets),) or (weights < 0).any():
            raise ValueError(f"{len(sets)} sets need as many shares from 0 on, not {shares}")
        usable = [[image for image in images if image.boxes] for images in sets]
        self._sets = [images for images in usable if images]
        ends = np.cumsum([weight for weight, images in zip(weights, usable, strict=True) if images])
        self._ends = ends / ends[-1] if len(ends) and ends[-1] > 0 else ends
        self._made_up = made_up if self._sets else 1.0
        self.size = size
        self._seed = seed
        self._augmented = augmented

    def __getitem__(self, number: int) -> Example:
        """Return an example."""
        random = np.random.default_rng((self._seed, number))
        example = self._source(number, random).example(random, self.size)
        return _varied(example, random) if self._augmented else example

    def _source(self, number: int, random: np.random.Generator) -> ObjectImage:
        place = _spread(number)
        if place >= 1 - self._made_up:
            return _made_up(self._seed, int(number * self._made_up) // SHARED)
        images = self._sets[int(np.searchsorted(self._ends, place / (1 - self._made_up), side="right"))]
        return images[int(random.integers(len(images)))]


def _spread(number: int) -> float:
    """Return the number's place between 0 and 1 in the van der Corput sequence: its bits, mirrored at the point."""
    place, half = 0.0, 0.5
    while number:
        place += half * (number & 1)
        number, half = number >> 1, half / 2
    return place


@lru_cache(maxsize=4)
def _made_up(seed: int, number: int) -> ObjectImage:
    """Return a made-up image with objects in it: a number's is always the same one."""
    random = np.random.default_rng((seed, 1, number))
    while True:
        image, labels = synthetic_image(random, MADE_UP)
        source = ObjectImage(np.moveaxis(image, -1, 0), labels)
        if source.boxes:
            return source


def _within(crop: Crop, shape: tuple[int, int], size: int) -> NDArray[np.bool_]:
    """Return which cells of a square lie in the image: beyond its border nothing is labelled."""
    insides = []
    for start, length in zip((crop.top, crop.left), shape, strict=True):
        pixels = (np.arange(size) + 0.5) * crop.side / size - 0.5 + start
        insides.append((pixels > -0.5) & (pixels < length - 0.5))
    return np.asarray(insides[0][:, None] & insides[1][None, :])


def _varied(example: Example, random: np.random.Generator) -> Example:
    """Turn, mirror and recolour an example, blur it and add noise."""
    image, truth = example.image, example.truth
    turns, mirrored = int(random.integers(4)), random.random() < 0.5
    image, truth = np.rot90(image, turns, (1, 2)), np.rot90(truth, turns)
    if mirrored:
        image, truth = image[:, :, ::-1], truth[:, ::-1]
    return Example(np.ascontiguousarray(_recoloured(image, random), np.float32), np.ascontiguousarray(truth))


def _recoloured(image: NDArray[Any], random: np.random.Generator) -> NDArray[Any]:
    if random.random() < 0.25:
        image = np.repeat(image.mean(0, keepdims=True), len(image), axis=0)
    if random.random() < 0.2:
        image = 1 - image
    sign = np.sign(image)
    image = sign * np.abs(image) ** np.exp(random.normal(0, 0.25))
    grey = np.allclose(image[0], image[-1])
    count = 1 if grey else len(image)
    image = image * np.exp(random.normal(0, 0.15, (count, 1, 1))) + random.normal(0, 0.08, (count, 1, 1))
    if random.random() < 0.25:
        image = ndimage.gaussian_filter(image, (0, *([random.uniform(0.3, 1.5)] * 2)))
    if random.random() < 0.35:
        noise = random.normal(0, random.uniform(0.01, 0.08), image.shape[1:] if grey else image.shape)
        image = image + noise
    return image
