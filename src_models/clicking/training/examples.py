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
from src_models.images.intensity import measure
from src_models.labels.instances import connected_parts
from src_models.models.header import ModelHeader

__all__ = ["ClickExamples", "Example", "ObjectImage"]

SMALLEST_AREA = 16  # px; smaller objects are noise in the labels
SHARES = (0.12, 1.3)  # of the square's side, which an object's longer side takes
MADE_UP = 192  # px, side of made-up images
SHARED = 4  # successive examples that may lie in one made-up image: to make one takes longer than to draw an example


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
        self.image = image.astype(np.float16)
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
            As :func:`src_models.files.dataset.read_sample` gives them.
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
        return cls(measure(planes, header.intensity, name=name)(planes), labels)

    def example(self, random: np.random.Generator, size: int) -> Example:
        """Show one object, chosen at random, in a square of random extent and place."""
        number = int(random.choice(list(self.boxes)))
        rows, columns = self.boxes[number]
        longest = max(rows.stop - rows.start, columns.stop - columns.start)
        widest = max(2 * max(self.labels.shape), longest)  # a square that is mostly beyond the image shows nothing
        side = min(max(8, round(longest / np.exp(random.uniform(*np.log(SHARES))))), widest)
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

    Parameters
    ----------
    sets
        Groups of images that are drawn equally often, however many images each has.
    made_up
        Share of examples in made-up images.
    size
        Side of the squares.
    seed
        Decides everything.
    augmented
        Whether examples are varied.
    """

    def __init__(
        self,
        sets: Sequence[Sequence[ObjectImage]],
        *,
        made_up: float,
        size: int,
        seed: int,
        augmented: bool = True,
    ) -> None:
        self._sets = [[image for image in images if image.boxes] for images in sets]
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
        if random.random() >= self._made_up:
            images = self._sets[int(random.integers(len(self._sets)))]
            return images[int(random.integers(len(images)))]
        return _made_up(self._seed, number // SHARED)


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
