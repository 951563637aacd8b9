"""The patches a training sees: patch number ``i`` of a seed is always the same one.

Since each patch is a function of the seed and its number, a training that was killed goes on with exactly the patches
it would have seen, on any number of workers.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from src_models.errors import DataSetError
from src_models.files.samples import Sample, open_sample, read_marks
from src_models.images.axes import AxesReading
from src_models.images.channels import as_channels
from src_models.images.grey.counted import measure_counted
from src_models.images.resampling import resample, zoomed_shape
from src_models.images.spacing import seen_at, spacing_in, spacing_words
from src_models.labels.instances import connected_parts, median_diameter, targets_from_labels
from src_models.labels.separation import fields_of_labels
from src_models.models.header import ModelHeader
from src_models.training.augmentation import AugmentationName, augmentation
from src_models.training.masked_loss import IGNORED
from src_models.training.partial_labels import undrawn_classes, unknown_background
from src_models.training.volumes.slices import slices_of

_log = logging.getLogger(__name__)

__all__ = [
    "Patches",
    "TrainingImage",
    "classes_of_labels",
    "load_images",
    "pixels_of_classes",
    "targets_of",
    "window_of_most",
]

# Objects are shown at between half and twice their size, but not so small that they vanish or so large that none fits.
ZOOMS = {"microscopy": (0.5, 2.0), "ct": (0.5, 2.0), "light": (0.8, 1.25), "varied": (0.65, 1.5)}
SMALLEST_DIAMETER = 7.0
OUTLINE = 2  # px that the outline of an object is wide
FOCUSED = 0.75  # share of patches that hold a pixel of their image's focus, or of a class that was drawn first
MOST_PLACES = 65536  # of a class in an image, among which one is chosen


@dataclass(frozen=True, slots=True)
class TrainingImage:
    """A normalised image (C, *S) in half precision, its labels (*S), and the median diameter of its objects.

    Labels of pixels that do not count are stored as ``~label``, which is below 0: what lies there is still known where
    the outline of an object is looked for. Patches are mostly drawn around the pixels `focus`, (N, axes), if given.
    `domain` is the kind of image, as :class:`src_models.files.samples.Sample` has it. `undrawn` has a bit for each
    class that nobody drew in it (:mod:`src_models.training.partial_labels`).
    """

    name: str
    image: NDArray[np.float16]
    labels: NDArray[np.int32]
    diameter: float | None
    focus: NDArray[np.intp] | None = None
    domain: str | None = None
    undrawn: int = 0

    @property
    def colour(self) -> bool:
        """Whether the channels differ."""
        return bool((self.image[0] != self.image[-1]).any())


def load_images(
    samples: Sequence[Sample],
    header: ModelHeader,
    *,
    parts: bool = False,
    most_slices: int | None = None,
) -> list[TrainingImage]:
    """Read and normalise all samples.

    Images whose pixels have a known size come at the spacing of a network that was made for one; others are taken to
    have it, which is said in the log. For a network of slices, each slice of a volume is an image, with its neighbours.

    Parameters
    ----------
    samples, header
        What to read, and what for.
    parts
        Whether every connected part of a mask is an object, as where masks do not number them.
    most_slices
        For a network of slices: at most how many of each volume; None for all.

    Raises
    ------
    DataSetError
        If an image does not fit the model, or a mask has classes the model does not have.
    """
    unknown: list[str] = []
    images = [_load(sample, header, parts, unknown) for sample in samples]
    if unknown and header.spacing is not None:
        _log.warning("%s", _unknown_words(unknown, len(samples), header))
    if header.slices:
        return [each for image in images for each in slices_of(image, header.slices, most_slices)]
    return images


def _unknown_words(unknown: Sequence[str], count: int, header: ModelHeader) -> str:
    """Say of images of which nobody knows how large their pixels are what they are taken for."""
    assert header.spacing is not None
    return (
        f"Of {len(unknown)} of {count} images (such as {unknown[0]}) it is not known how large their pixels are: they "
        f"are taken to have the model's spacing, {spacing_words(header.spacing, header.unit)}."
    )


def _load(sample: Sample, header: ModelHeader, parts: bool, unknown: list[str]) -> TrainingImage:
    image, labels, reading = open_sample(sample)
    labels = connected_parts(labels) if parts else labels
    counts = read_marks(sample, labels.shape)
    if header.slices and labels.ndim == 2:  # a picture is a volume of one slice
        image, labels, counts = image[None], labels[None], None if counts is None else counts[None]
    if labels.ndim != (3 if header.slices else header.dimensions):
        raise DataSetError(f"{sample.image} is {labels.ndim}D and the network is {header.dimensions}D")
    resized = _resized_shape(sample, labels.shape, reading, header, unknown)
    if header.result == "semantic" and len(header.classes) == 2:
        labels = (labels > 0).astype(np.int32)  # 0 and 255 as well as 0 and 1
    known = labels if counts is None else np.where(counts, labels, 0)
    if header.result == "semantic" and known.max(initial=0) >= len(header.classes):
        raise DataSetError(
            f"{sample.mask} has the class {known.max()} and the network has {len(header.classes)} classes "
            f"(0 to {len(header.classes) - 1}); give more names with --class-names, or train for instances"
        )
    channels_first = image[None] if image.ndim == labels.ndim else np.moveaxis(image, -1, 0)
    taken = replace(header, channels=header.image_channels)
    planes = as_channels(channels_first, taken, str(sample.image), alpha=False)
    normalised = measure_counted(planes, header.intensity, reading, name=str(sample.image))(planes)
    normalised = resample(normalised, resized)
    labels, known = resample(labels, resized, order=0), resample(known, resized, order=0)
    counts = None if counts is None else resample(counts, resized, order=0)
    diameter = median_diameter(known) if header.result == "instances" else None
    undrawn = _undrawn(sample, known, header)
    if counts is None or counts.all():
        return TrainingImage(
            sample.name, normalised.astype(np.float16), labels, diameter, domain=sample.domain, undrawn=undrawn
        )
    if header.result == "instances":
        counts &= ~_unsure_outline(labels, counts)
    else:
        labels = np.minimum(labels, len(header.classes) - 1)
    encoded = np.where(counts, labels, ~labels)
    return TrainingImage(
        sample.name, normalised.astype(np.float16), encoded, diameter, np.argwhere(counts), sample.domain, undrawn
    )


def _resized_shape(
    sample: Sample, shape: tuple[int, ...], reading: AxesReading, header: ModelHeader, unknown: list[str]
) -> tuple[int, ...]:
    """Return the shape of an image at a network's spacing; note where its own is not known."""
    seen = seen_at(reading, header, str(sample.image))
    if header.spacing is not None and not seen.known:
        if spacing_in(reading, header) is not None:
            raise DataSetError(f"{sample.image}: {seen.note}")
        unknown.append(sample.name)
    own = shape[len(shape) - header.dimensions :]
    return (*shape[: len(shape) - header.dimensions], *zoomed_shape(own, seen.zoom))


def _undrawn(sample: Sample, labels: NDArray[np.int32], header: ModelHeader) -> int:
    """Return the classes that nobody drew in a sample; of objects there are no classes."""
    if header.result == "instances":
        return 0
    undrawn = undrawn_classes(sample.drawn, len(header.classes))
    lost = [number for number in np.unique(labels) if undrawn >> int(number) & 1]
    if lost:
        raise DataSetError(
            f"{sample.mask} holds the class {lost[0]}, and the manifest says that it was not drawn there: add it to "
            "this row, or take it out of the mask"
        )
    return undrawn


def _unsure_outline(labels: NDArray[np.int32], counts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the outlines beside pixels that do not count: there nobody said where an object ends."""
    from scipy import ndimage

    near = ndimage.binary_dilation(~counts, iterations=OUTLINE)
    return np.asarray((targets_from_labels(labels) == 2) & near)


class Patches(Dataset[tuple[Tensor, Tensor]]):
    """Random patches, by number.

    Parameters
    ----------
    images
        What to draw from: each domain equally often, however many images it has. Where some of its images are grey and
        some in colour, the rarer kind is drawn more often than its share (in proportion to the square root of the
        counts).
    header
        Tells dimensions and whether targets are classes or interior and boundary.
    size
        Patch size (px, per spatial axis).
    recipe
        Augmentation; ``"none"`` and ``"flip"`` also leave the scale alone.
    seed
        Seed of everything that is random here.
    start, stop
        Numbers of the first patch and of the one after the last.
    weights
        How often to draw from each image, in place of the above.
    balanced
        Of three patches in four, draw the class first, each but the background equally often whatever its size and
        however few images hold it, then an image that does, then one of its pixels, which the patch holds; so small
        organs are seen as often as large ones. The fourth patch lies anywhere.
    """

    def __init__(
        self,
        images: Sequence[TrainingImage],
        header: ModelHeader,
        *,
        size: tuple[int, ...],
        recipe: AugmentationName,
        seed: int,
        start: int,
        stop: int,
        weights: Sequence[float] | None = None,
        balanced: bool = False,
    ) -> None:
        self.images = images
        self.header = header
        self.size = size
        self.recipe = recipe
        self.seed = seed
        self.start = start
        self.stop = stop
        self._transform = augmentation(recipe, header.dimensions)
        self._weights = _by_domain(images) if weights is None else np.asarray(weights, float)
        self._weights /= self._weights.sum()
        self._of_class = [pixels_of_classes(image.labels) for image in images] if balanced else []
        self._classes = sorted(set().union(*self._of_class))

    def __len__(self) -> int:
        """Return the number of patches."""
        return self.stop - self.start

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return image (C, *size) float32 and targets of patch ``start + index``; see :func:`targets_of`."""
        number = self.start + index
        random = np.random.default_rng((self.seed, number))
        source, pixel = self._choose(random)
        patch = self._cut(source, random, pixel)
        self._transform.set_random_state(seed=int(random.integers(2**31)))
        patch = self._transform(patch)
        labels = patch["labels"][0].numpy().astype(np.int32)
        targets = torch.as_tensor(targets_of(labels, self.header, source.undrawn))
        # MONAI's tensors carry metadata through every operation of the network; a plain one does not.
        image = patch["image"].as_subclass(Tensor)
        return image.float().contiguous(), targets

    def _choose(self, random: np.random.Generator) -> tuple[TrainingImage, NDArray[np.intp] | None]:
        """Choose an image, and a pixel of the class that was drawn first, if one was, which its patch is to hold."""
        if self._classes and random.random() < FOCUSED:
            number = self._classes[random.integers(len(self._classes))]
            weights = np.where([number in pixels for pixels in self._of_class], self._weights, 0)
            chosen = random.choice(len(self.images), p=weights / weights.sum())
            source, pixels = self.images[chosen], self._of_class[chosen][number]
            pixel = np.unravel_index(pixels[random.integers(len(pixels))], source.labels.shape)
            return source, np.asarray(pixel)
        return self.images[random.choice(len(self.images), p=self._weights)], None

    def _cut(
        self, source: TrainingImage, random: np.random.Generator, pixel: NDArray[np.intp] | None = None
    ) -> dict[str, Tensor]:
        """Cut a window whose size is the patch's over the zoom, then bring it to the patch's size."""
        zooms = ZOOMS.get(self.recipe)
        zoom = 1.0 if zooms is None else float(np.exp(random.uniform(*np.log(zooms))))
        if source.diameter is not None:
            zoom = max(zoom, min(1.0, SMALLEST_DIAMETER / source.diameter))
        window = [max(1, round(size / zoom)) for size in self.size]
        if pixel is None and source.focus is not None and len(source.focus) and not self._classes:
            pixel = source.focus[random.integers(len(source.focus))] if random.random() < FOCUSED else None
        starts = _starts(source.labels.shape, window, pixel, random)
        cut = tuple(slice(start, start + wide) for start, wide in zip(starts, window, strict=True))
        image = _reflect_to(source.image[(slice(None), *cut)].astype(np.float32), window)
        labels = _reflect_to(source.labels[cut][None], window)
        mode = "bilinear" if len(window) == 2 else "trilinear"
        return {
            "image": F.interpolate(torch.from_numpy(image)[None], self.size, mode=mode, antialias=False)[0],
            "labels": F.interpolate(torch.from_numpy(labels.astype(np.float32))[None], self.size, mode="nearest-exact")[
                0
            ],
        }


def targets_of(
    labels: NDArray[np.int32], header: ModelHeader, undrawn: int = 0
) -> NDArray[np.int64] | NDArray[np.float32]:
    """Return what a network learns from labels (*S) as a :class:`TrainingImage` stores them, with its `undrawn`.

    Returns
    -------
    ndarray
        Classes (*S) int64, that of pixels that do not count being :data:`src_models.training.masked_loss.IGNORED`, and
        that of the background where classes were not drawn below it
        (:func:`src_models.training.partial_labels.unknown_background`). For a network that has fields, (1 + F, *S)
        float32: the classes, then the fields.
    """
    classes = classes_of_labels(labels, header, undrawn)
    if not header.fields:
        return classes
    fields = fields_of_labels(np.where(labels >= 0, labels, ~labels), header.instances)
    return np.concatenate([classes[None].astype(np.float32), fields])


def classes_of_labels(labels: NDArray[np.int32], header: ModelHeader, undrawn: int = 0) -> NDArray[np.int64]:
    """Return the classes alone of :func:`targets_of`, (*S)."""
    if header.result == "semantic" and not (labels < 0).any():
        return unknown_background(labels.astype(np.int64), undrawn)
    counts = labels >= 0
    classes = np.where(counts, labels, ~labels)
    if header.result == "instances":
        classes = targets_from_labels(classes) if header.instances.separation == "boundary" else classes > 0
    classes = unknown_background(classes.astype(np.int64), undrawn)
    classes[~counts] = IGNORED
    return classes


def pixels_of_classes(labels: NDArray[np.int32]) -> dict[int, NDArray[np.intp]]:
    """Return where each class above 0 lies, as places in the flattened labels, evenly thinned where there are many."""
    flat = labels.ravel()
    found = np.flatnonzero(flat > 0)
    of_class = {int(number): found[flat[found] == number] for number in np.unique(flat[found])}
    return {number: places[:: -(-len(places) // MOST_PLACES)] for number, places in of_class.items()}


def window_of_most(counts: NDArray[np.bool_], most: int) -> tuple[slice, ...]:
    """Return the window of at most so many pixels along each axis in which the most counts, axis by axis."""
    cut: tuple[slice, ...] = ()
    for axis in range(counts.ndim):
        along = counts[cut].sum(axis=tuple(other for other in range(counts.ndim) if other != axis))
        start = 0
        if len(along) > most:
            sums = np.cumsum(np.concatenate([[0], along]))
            start = int(np.argmax(sums[most:] - sums[:-most]))
        cut = (*cut, slice(start, start + most))
    return cut


def _by_domain(images: Sequence[TrainingImage]) -> NDArray[np.float64]:
    members: dict[str | None, list[int]] = {}
    for number, image in enumerate(images):
        members.setdefault(image.domain, []).append(number)
    if len(members) == 1:
        return _by_colour(images)
    weights = np.zeros(len(images))
    for numbers in members.values():
        own = _by_colour([images[number] for number in numbers])
        weights[numbers] = own / own.sum()
    return weights


def _by_colour(images: Sequence[TrainingImage]) -> NDArray[np.float64]:
    colour = np.array([image.colour for image in images])
    return np.asarray(1 / np.sqrt(np.where(colour, colour.sum(), (~colour).sum())))


def _starts(
    shape: Sequence[int], window: Sequence[int], pixel: NDArray[np.intp] | None, random: np.random.Generator
) -> list[int]:
    """Choose where a window begins: anywhere, or so that it holds a pixel."""
    last = [max(0, length - wide) for length, wide in zip(shape, window, strict=True)]
    if pixel is None:
        return [int(random.integers(0, end + 1)) for end in last]
    return [
        int(np.clip(int(at) - random.integers(0, wide), 0, end))
        for at, wide, end in zip(pixel, window, last, strict=True)
    ]


def _reflect_to(planes: NDArray[Any], window: Sequence[int]) -> NDArray[Any]:
    """Reflect an image (C, *S) at its far ends until it fills the window."""
    missing = [(0, 0), *((0, wide - length) for wide, length in zip(window, planes.shape[1:], strict=True))]
    return np.pad(planes, missing, mode="symmetric") if any(extra for _, extra in missing) else planes
