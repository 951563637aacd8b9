"""A set of pictures that each show one class: which there are, of what class, and which of them train and validate.

Where no one said which pictures validate, about 15 % do, by the hash of their names; pictures that were cut out of one
image stay on one side, since a network that knows an image's stain and light knows them again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import DataSetError
from src_models.files.split_by_name import VALIDATION_SHARE, fraction_of
from src_models.models.citations import Citation, read_citations

__all__ = ["ClassSample", "ClassSet"]


@dataclass(frozen=True, slots=True)
class ClassSample:
    """One picture and its class.

    Parameters
    ----------
    name
        What it is called in the set, the same at each opening.
    label
        Its class, counted from 0.
    read
        Returns the picture as it is stored, (H, W) or (H, W, C). It takes a size (px): of pictures that are cut out of
        larger images, so large a square is cut out.
    split
        The set's word for its part ("train", "val", "test"), or None where there is none.
    source
        The image that it was cut out of, as far as it is known.
    extent
        Height and width (px) of the object in the middle of what is cut out, where a box says so.
    """

    name: str
    label: int
    read: Callable[[int], NDArray[Any]] = field(repr=False, compare=False)
    split: str | None = None
    source: str | None = None
    extent: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class ClassSet:
    """The pictures of a set, sorted by name; :func:`~src_models.files.class_sets.opening.open_class_set` makes it.

    Parameters
    ----------
    root
        The folder or file.
    classes
        Names of the classes.
    samples
        The pictures.
    size
        The usual size (px) of the longer side of a picture.
    channels
        The channels of the pictures that count, counted from 0, in the order in which they are wanted; None for all.
    """

    root: Path
    classes: tuple[str, ...]
    samples: tuple[ClassSample, ...]
    size: int
    channels: tuple[int, ...] | None = None

    @property
    def splits(self) -> tuple[str, ...]:
        """Names that :meth:`split` takes, sorted."""
        named = {sample.split for sample in self.samples if sample.split}
        return tuple(sorted(named | {"train", "val"} if "val" not in named else named))

    def split(self, name: str) -> tuple[ClassSample, ...]:
        """Return the pictures of one split, in the set's order.

        Parameters
        ----------
        name
            A word of the set's own. Where none says "val", there are "train" and "val" all the same, of those that are
            "train" or nothing.

        Raises
        ------
        DataSetError
            If there is no such split; the message lists the ones there are.
        """
        divided = name in ("train", "val") and not any(sample.split == "val" for sample in self.samples)
        found = self._by_hash()[name] if divided else [each for each in self.samples if each.split == name]
        if not found:
            raise DataSetError(f"{self.root}: there is no split {name!r}; there are: {', '.join(self.splits)}")
        return tuple(found)

    def picture(self, sample: ClassSample, size: int) -> NDArray[Any]:
        """Read a picture as (C, H, W), of the channels that count.

        Parameters
        ----------
        sample
            One of the set's.
        size
            Size (px) of what is cut out, of pictures that lie in larger ones.

        Raises
        ------
        DataSetError
            If it lacks a channel that counts.
        ImageError
            If it cannot be read.
        """
        picture = sample.read(size)
        planes = picture[None] if picture.ndim == 2 else np.moveaxis(picture, -1, 0)
        if self.channels is None:
            return planes
        if max(self.channels) >= len(planes):
            raise DataSetError(
                f"{self.root}, {sample.name}: there is no channel {max(self.channels)}; it has {len(planes)}, counted "
                "from 0. Choose others, or leave this picture out"
            )
        return planes[list(self.channels)]

    def counts(self, samples: Sequence[ClassSample]) -> list[int]:
        """Return how many of some pictures show each class."""
        counts = [0] * len(self.classes)
        for sample in samples:
            counts[sample.label] += 1
        return counts

    def named(self, names: Sequence[str]) -> ClassSet:
        """Return the same set with other names of its classes.

        Raises
        ------
        DataSetError
            If there are not as many, or two are the same.
        """
        if len(names) != len(self.classes) or len(set(names)) != len(names):
            raise DataSetError(
                f"{self.root} has {len(self.classes)} classes ({', '.join(self.classes)}) and {len(set(names))} "
                "different names were given; give one for each, in this order"
            )
        return replace(self, classes=tuple(names))

    def citations(self) -> list[Citation]:
        """Return how the data are cited, as far as ``CITATION.json`` in a folder says it, or is known of its name.

        Raises
        ------
        DataSetError
            If the file holds anything else.
        """
        return read_citations(self.root) if self.root.is_dir() else []

    def _by_hash(self) -> dict[str, list[ClassSample]]:
        present = [sample for sample in self.samples if sample.split in (None, "train")]
        sources = sorted({_whole(sample) for sample in present}, key=fraction_of)
        if len(sources) < 2:
            raise DataSetError(
                f"{self.root}: pictures of one image cannot be divided into train and val; add pictures of others, or "
                "a manifest.csv with the columns file and split"
            )
        count = sum(fraction_of(source) < VALIDATION_SHARE for source in sources)
        validation = set(sources[: min(max(count, 1), len(sources) - 1)])
        for label in range(len(self.classes)):  # no class is left without a picture to learn from
            own = {_whole(sample) for sample in present if sample.label == label}
            if own and own <= validation:
                validation.discard(max(own, key=fraction_of))
        divided: dict[str, list[ClassSample]] = {"train": [], "val": []}
        for sample in present:
            divided["val" if _whole(sample) in validation else "train"].append(sample)
        return divided


def _whole(sample: ClassSample) -> str:
    """Return what stays on one side with a picture: the image that it was cut out of, or itself."""
    return sample.source if sample.source is not None else sample.name
