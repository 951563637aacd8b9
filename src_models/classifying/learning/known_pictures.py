"""A few of the pictures that a model of classes was first trained on, so that it does not forget them while it learns.

They ship beside the models in the form of MedMNIST, ``shipped/replay/NAME.npz``, as far as their licence lets them:
``train`` is learnt from again, ``val`` is watched. A person who has the whole set can give that instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from src_models.classifying.training.pictures import Pictures, load_pictures
from src_models.files.class_sets.archive import open_class_archive
from src_models.files.class_sets.class_set import ClassSet
from src_models.models.header import ModelHeader

__all__ = ["KnownPictures", "known_pictures"]

MOST = 600  # pictures of a set that a person gives, on either side

_FOLDER = Path(str(resources.files("src_models"))) / "shipped" / "replay"


@dataclass(frozen=True, slots=True, eq=False)
class KnownPictures:
    """Pictures of a model's first training: some to learn from again, others to watch what it forgets."""

    training: Pictures
    watched: Pictures

    @classmethod
    def none(cls, header: ModelHeader) -> KnownPictures:
        """Return what is known where no such pictures are at hand."""
        size = (0, len(header.channels), *header.tile)
        empty = Pictures(np.zeros(size, np.float16), np.zeros(0, np.int64))
        return cls(empty, empty)


def known_pictures(header: ModelHeader, given: ClassSet | None = None) -> KnownPictures:
    """Return pictures that a model, or the one that it came from, was trained on; none if none are at hand.

    Parameters
    ----------
    header
        The model's.
    given
        The set, from a person who has it: of each split, a regular choice of at most :data:`MOST` is taken.

    Raises
    ------
    DataSetError
        If the set that was given has a class that the model does not tell.
    """
    if given is None:
        path = _FOLDER / f"{first_data(header.training)}.npz"
        if not path.is_file():
            return KnownPictures.none(header)
        given = open_class_archive(path)
        unknown = set(given.classes) - set(header.classes)
        if unknown:  # since then it tells other classes
            kept = tuple(sample for sample in given.samples if given.classes[sample.label] not in unknown)
            if not kept:
                return KnownPictures.none(header)
            names = tuple(name for name in given.classes if name not in unknown)
            order = {given.classes.index(name): number for number, name in enumerate(names)}
            samples = tuple(replace(sample, label=order[sample.label]) for sample in kept)
            given = replace(given, classes=names, samples=samples)
    sides = []
    for split in ("train", "val"):
        samples = given.split(split)
        sides.append(load_pictures(given, samples[:: -(-len(samples) // MOST)], header))
    return KnownPictures(*sides)


def first_data(training: Mapping[str, Any]) -> str:
    """Return the name of the data set at the beginning of a chain of fine-tunings."""
    while "parent_training" in training:
        training = training["parent_training"]
    return str(training.get("data", ""))
