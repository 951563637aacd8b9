"""The scores of a model on a data set: of each image, their means, and pooled.

Pixels are scored per class. For a model of instances, objects are scored too, and the pixel classes are background and
object.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.disk.atomic import atomic_path
from src_models.files.samples import Sample
from src_models.labels.metrics import THRESHOLDS, MatchCounts, PixelCounts, mean_without_nan
from src_models.models.header import ModelHeader

__all__ = ["Evaluation", "ImageScore", "Scores", "write_json"]


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of one image or of many.

    Parameters
    ----------
    dice, iou, f1
        Per class, background first; shape (classes,). nan for a class that is neither in truth nor prediction.
    ap
        Average precision of the objects at each of :data:`~src_models.labels.metrics.THRESHOLDS`; None for semantic
        results.
    """

    dice: NDArray[np.float64]
    iou: NDArray[np.float64]
    f1: NDArray[np.float64]
    ap: NDArray[np.float64] | None = None

    @property
    def ap50(self) -> float | None:
        """Average precision at IoU 0.5."""
        return None if self.ap is None else float(self.ap[0])

    @property
    def mean_ap(self) -> float | None:
        """Mean of the average precision over IoU 0.5, 0.55, ... 0.95."""
        return None if self.ap is None else float(self.ap.mean())

    @property
    def foreground(self) -> dict[str, float]:
        """Means of "dice", "iou" and "f1" over the classes but the background."""
        pairs = (("dice", self.dice), ("iou", self.iou), ("f1", self.f1))
        return {name: float(mean_without_nan(values[1:])) for name, values in pairs}

    @classmethod
    def of(cls, pixels: PixelCounts, objects: MatchCounts | None) -> Scores:
        """Score counts."""
        return cls(pixels.dice, pixels.iou, pixels.f1, None if objects is None else objects.average_precision)

    @classmethod
    def mean_of(cls, scores: Sequence[Scores]) -> Scores:
        """Average each score, leaving out nan."""
        aps = [score.ap for score in scores if score.ap is not None]
        return cls(
            mean_without_nan([score.dice for score in scores]),
            mean_without_nan([score.iou for score in scores]),
            mean_without_nan([score.f1 for score in scores]),
            mean_without_nan(aps) if aps else None,
        )

    def to_dict(self, classes: Sequence[str]) -> dict[str, Any]:
        """Return what JSON can hold: nan becomes None."""
        content: dict[str, Any] = {
            name: dict(zip(classes, map(_number, values), strict=True))
            for name, values in (("dice", self.dice), ("iou", self.iou), ("f1", self.f1))
        }
        content["foreground"] = {name: _number(value) for name, value in self.foreground.items()}
        if self.ap is not None:
            content |= {"ap50": self.ap50, "ap_mean": self.mean_ap, "ap": [float(value) for value in self.ap]}
        return content


@dataclass(frozen=True, slots=True)
class ImageScore:
    """The counts and scores of one image."""

    sample: Sample
    pixels: PixelCounts
    objects: MatchCounts | None

    @property
    def scores(self) -> Scores:
        """Scores of this image alone."""
        return Scores.of(self.pixels, self.objects)

    @property
    def rank(self) -> tuple[float, float]:
        """What images are ordered by: AP at 0.5 (then the mean AP), or the mean Dice of classes but the background."""
        scores = self.scores
        if scores.ap50 is not None and scores.mean_ap is not None:
            return scores.ap50, scores.mean_ap
        return scores.foreground["dice"], 0.0

    @property
    def object_counts(self) -> tuple[int, int] | None:
        """Numbers of objects in the truth and in the prediction; None for semantic results."""
        if self.objects is None:
            return None
        found = int(self.objects.true_positive[0])
        return found + int(self.objects.false_negative[0]), found + int(self.objects.false_positive[0])

    @property
    def blank(self) -> bool:
        """Whether neither truth nor prediction has anything but background."""
        return not any(
            counts[1:].any()
            for counts in (self.pixels.true_positive, self.pixels.false_positive, self.pixels.false_negative)
        )


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The scores of a model on a data set.

    Parameters
    ----------
    data_set, split
        Folder, and the split that was measured; None for all images.
    header, sha256
        The model's.
    diameter
        Object size (px) that was given for rescaling; None if the model decided.
    classes
        Names of the classes that pixels are scored for.
    images
        Scores in the order of names.
    parts
        Whether masks did not number their objects, so that connected parts were taken as these.
    """

    data_set: Path
    split: str | None
    header: ModelHeader
    sha256: str | None
    diameter: float | None
    classes: tuple[str, ...]
    images: tuple[ImageScore, ...]
    parts: bool = False

    @property
    def mean(self) -> Scores:
        """Means over the images: each counts the same."""
        return Scores.mean_of([image.scores for image in self.images])

    @property
    def pooled(self) -> Scores:
        """Scores of the summed counts: each pixel and each object counts the same."""
        objects = [image.objects for image in self.images if image.objects is not None]
        return Scores.of(
            reduce(add, (image.pixels for image in self.images)), reduce(add, objects) if objects else None
        )

    def ranked(self) -> list[ImageScore]:
        """Return the images from best to worst; blank ones are left out while there are others."""
        telling = [image for image in self.images if not image.blank] or list(self.images)
        return sorted(telling, key=lambda image: image.rank, reverse=True)

    def cases(self) -> dict[str, ImageScore]:
        """Return the "best", the "median" and the "worst" image; fewer where there are fewer images."""
        ranked = self.ranked()
        cases = {"best": ranked[0]}
        if len(ranked) > 2:
            cases["median"] = ranked[len(ranked) // 2]
        if len(ranked) > 1:
            cases["worst"] = ranked[-1]
        return cases

    def to_dict(self) -> dict[str, Any]:
        """Return everything that JSON can hold: what was measured, overall scores, each image's scores."""
        return {
            "model": {"name": self.header.name, "architecture": self.header.architecture, "sha256": self.sha256},
            "data_set": str(self.data_set),
            "split": self.split,
            "result": self.header.result,
            "diameter": self.diameter,
            "objects_are_connected_parts": self.parts,
            "classes": list(self.classes),
            "iou_thresholds": list(THRESHOLDS) if self.header.result == "instances" else None,
            "overall": {
                "mean_over_images": self.mean.to_dict(self.classes),
                "pooled": self.pooled.to_dict(self.classes),
            },
            "images": [_image_to_dict(image, self.classes) for image in self.images],
        }


def write_json(evaluation: Evaluation, path: str | Path, *, overwrite: bool = False) -> Path:
    """Write :meth:`Evaluation.to_dict` as JSON, whole or not at all.

    Raises
    ------
    OutputError
        If `path` exists and `overwrite` is False, or cannot be written.
    """
    text = json.dumps(evaluation.to_dict(), indent=1, allow_nan=False)
    with atomic_path(path, overwrite) as beside:
        beside.write_text(text + "\n", encoding="utf-8")
    return Path(path)


def _image_to_dict(image: ImageScore, classes: Sequence[str]) -> dict[str, Any]:
    content: dict[str, Any] = {"file": image.sample.name, **image.scores.to_dict(classes)}
    if image.object_counts:
        content["true_objects"], content["predicted_objects"] = image.object_counts
    return content


def _number(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
