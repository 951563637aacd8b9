"""What a network learns from, and what it is judged by, of a set of corrections or of whole images.

Of the first three corrected planes, a quarter of each is held out: the quadrant of what counts in which the share of
changes is most like that of the whole. From then on every fourth plane is held out whole. So a plane's side never
changes as others are added, and what judges one round of learning was not learnt from in the round before. Until a
whole plane judges, the quarters do so both as they are and altered (:mod:`src_models.training.altered`), since the
network learns the rest of the same planes. Whole images say themselves which of them judge
(:mod:`src_models.finetuning.whole_images`).
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from src_models.corrections.correction import MAKERS, Correction
from src_models.corrections.correction_set import CorrectionSet
from src_models.corrections.overlap import counted_of, same_image
from src_models.corrections.volumes import check_planes, in_slices, in_volume
from src_models.errors import DataSetError, UserError
from src_models.finetuning.rescaled import rescaled
from src_models.finetuning.whole_images import WholeImages, parts_as_objects
from src_models.images.channels import as_channels
from src_models.images.grey.counted import measure_counted
from src_models.images.resampling import mean_zoom, resample, zoomed_shape
from src_models.images.spacing import seen_at
from src_models.labels.instances import median_diameter, targets_from_labels
from src_models.models.header import ModelHeader
from src_models.training.altered import altered
from src_models.training.patches import TrainingImage

__all__ = ["LearningImages", "learning_images", "without_prediction"]

EVERY = 4


@dataclass(frozen=True, slots=True)
class LearningImages:
    """Images to learn from and to validate with, in the same order as their corrections.

    Parameters
    ----------
    training, validation
        The images, those to validate with before any copies; one plane may be in both, with other pixels that count.
    diameter
        Median diameter (px) of the corrected objects; None where there is none.
    varied
        Whether other images may well look otherwise: no plane judges that does not teach, too, and grey values are no
        measures, as HU are. Then altered copies of what is held out judge as well.
    """

    training: tuple[TrainingImage, ...]
    validation: tuple[TrainingImage, ...]
    diameter: float | None
    varied: bool = False


def learning_images(
    corrections: CorrectionSet | WholeImages, header: ModelHeader, *, anew: bool = False
) -> LearningImages:
    """Read corrections for a network.

    Parameters
    ----------
    corrections
        The corrections.
    header
        Of the network that is to learn.
    anew
        Whether it learns another kind of labels than it knew: then what it had found tells nothing, and all that is
        marked is to be learnt.

    Raises
    ------
    UserError
        If there is nothing to learn from: no correction, or none that differs from what the network found.
    DataSetError
        If corrections do not fit the network.
    """
    found = list(corrections.corrections())
    if not found:
        raise UserError(
            f"{corrections.root}: nothing is marked as corrected yet; mend a result and mark it, then learn"
        )
    if anew:
        found = [(name, without_prediction(correction)) for name, correction in found]
    _check_changed(found, corrections.root)
    judging = corrections.judging if isinstance(corrections, WholeImages) else frozenset()
    if header.slices:
        parts = [(name, in_slices(name, correction, len(header.slices))) for name, correction in found]
        judging = frozenset(part for name, slices in parts if name in judging for part, _ in slices)
        found = [one for _, slices in parts for one in slices]
    elif header.dimensions == 2:
        check_planes(found)
    if isinstance(corrections, WholeImages) and header.result == "instances":
        found = parts_as_objects(found)
    counting = _newest_counts(found)
    held = _held_out(found, counting, judging)
    training: list[TrainingImage] = []
    validation: list[TrainingImage] = []
    for (name, marked), counted, judges in zip(found, counting, held, strict=True):
        deep = header.dimensions == 3
        correction, counts, out = in_volume(name, marked, counted, judges) if deep else (marked, counted, judges)
        resized = zoomed_shape(correction.labels.shape, seen_at(correction.reading, header, name).zoom)
        image = _normalised(name, correction, header, resized)
        around = None if marked.labels.ndim == header.dimensions else marked.around
        correction, counts, out = rescaled(
            correction, resized, counts, out, slice_at=None if around is None else around.place
        )
        for images, where in ((training, counts & ~out), (validation, counts & out)):
            if where.any():
                images.append(_training_image(name, image, correction, where, header))
    diameter = _diameter([correction for _, correction in found], header)
    same = {image.name for image in validation} <= {image.name for image in training}
    varied = same and header.intensity.kind == "percentile"
    return LearningImages(tuple(training), (*validation, *(altered(validation) if varied else ())), diameter, varied)


def _diameter(found: Sequence[Correction], header: ModelHeader) -> float | None:
    """Return the median diameter (px of what the network sees) of the corrected objects; None where there is none."""
    seen = [(each.labels, mean_zoom(seen_at(each.reading, header).zoom)) for each in found if (each.labels > 0).any()]
    sizes = [(median_diameter(labels), zoom) for labels, zoom in seen]
    known = [size * zoom for size, zoom in sizes if size is not None]
    return float(np.median(known)) if known else None


def without_prediction(correction: Correction) -> Correction:
    """Return a correction in which a person made all that is marked: what a network found was of another kind."""
    made = (correction.labels > 0) & (correction.makers == MAKERS["network"])
    makers = np.where(made, MAKERS["brush"], correction.makers).astype(np.uint8)
    return replace(correction, predicted=np.zeros_like(correction.predicted), makers=makers)


def _check_changed(found: Sequence[tuple[str, Correction]], root: Path) -> None:
    if not any((correction.labels[correction.counts] > 0).any() for _, correction in found):
        raise UserError(
            f"{root}: only background is marked, and a network that learns from it would find nothing any more; mark "
            "some objects too"
        )
    if not any(correction.changed.any() for _, correction in found):
        raise UserError(
            f"{root}: what is marked is as the network found it, so there is nothing to learn; mend something that is "
            "wrong"
        )


def _newest_counts(found: Sequence[tuple[str, Correction]]) -> list[NDArray[np.bool_]]:
    """Return what counts of each correction where a later one of the same plane does not say otherwise."""
    counting = []
    for number, (_, correction) in enumerate(found):
        counts = correction.counts
        for _, later in found[number + 1 :]:
            same = later.record.source.same_place == correction.record.source.same_place
            if same and same_image(later, correction):
                counts &= ~counted_of(later, correction.record.region)
        counting.append(counts)
    return counting


def _held_out(
    found: Sequence[tuple[str, Correction]], counting: Sequence[NDArray[np.bool_]], judging: Collection[str]
) -> list[NDArray[np.bool_]]:
    """Return what of each correction judges: all of those that are named, where they tell anything."""
    if any(name in judging and (correction.labels > 0).any() for name, correction in found):
        return [np.full(counts.shape, name in judging) for (name, _), counts in zip(found, counting, strict=True)]
    planes: defaultdict[Any, list[int]] = defaultdict(list)
    for number, (_, correction) in enumerate(found):
        planes[correction.record.source.same_place].append(number)
    sides = dict(zip(planes, _sides(planes.values(), found, counting), strict=True))
    out = []
    for (_, correction), counts in zip(found, counting, strict=True):
        side = sides[correction.record.source.same_place]
        out.append(_quadrant(correction, counts) if side == "both" else np.full(counts.shape, side == "judges"))
    return out


def _sides(
    planes: Iterable[list[int]], found: Sequence[tuple[str, Correction]], counting: Sequence[NDArray[np.bool_]]
) -> Iterator[Literal["both", "judges", "teaches"]]:
    """Yield the side of each plane, given the numbers of its corrections, in their order.

    Where the fourth plane has no objects, and so tells little, the next that has some judges in its place.
    """
    due = 0
    for number, corrections in enumerate(planes, 1):
        due += number % EVERY == 0
        if number < EVERY:
            yield "both"
        elif due and any((found[n][1].labels[counting[n]] > 0).any() for n in corrections):
            due -= 1
            yield "judges"
        else:
            yield "teaches"


def _quadrant(correction: Correction, counts: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the quadrant, or octant, of what counts that is most like the whole in how much of it changed."""
    if not counts.any():
        return np.zeros_like(counts)
    share = correction.changed[counts].mean()
    middles = []
    for axis in range(counts.ndim):
        along = np.flatnonzero(counts.any(axis=tuple(other for other in range(counts.ndim) if other != axis)))
        middles.append(int(along[0] + along[-1] + 1) // 2)
    best, least = np.zeros_like(counts), np.inf
    for sides in itertools.product((False, True), repeat=counts.ndim):
        quadrant = np.zeros_like(counts)
        quadrant[tuple(slice(None, m) if low else slice(m, None) for low, m in zip(sides, middles, strict=True))] = True
        inside = counts & quadrant
        if inside.any() and (difference := abs(correction.changed[inside].mean() - share)) < least:
            best, least = quadrant, difference
    return best


def _normalised(name: str, correction: Correction, header: ModelHeader, resized: Sequence[int]) -> NDArray[np.float16]:
    taken = replace(header, channels=header.image_channels)
    seen = [correction.image] if not header.slices else _slices(correction, header)
    deep = correction.labels.ndim
    planes = [image[None] if image.ndim == deep else np.moveaxis(image, -1, 0) for image in seen]
    channels = np.concatenate([as_channels(each, taken, name) for each in planes])
    normalised = measure_counted(channels, header.intensity, correction.reading, name=name)(channels)
    return resample(normalised, resized).astype(np.float16)


def _slices(correction: Correction, header: ModelHeader) -> list[NDArray[Any]]:
    """Return a corrected slice with its neighbours; where these were not kept, it is its own."""
    around = correction.around
    if around is None:
        return [correction.image] * len(header.slices)
    last = len(around.image) - 1
    return [around.image[min(max(around.place + offset, 0), last)] for offset in header.slices]


def _training_image(
    name: str, image: NDArray[np.float16], correction: Correction, counts: NDArray[np.bool_], header: ModelHeader
) -> TrainingImage:
    labels = correction.labels
    if header.result == "semantic":
        if len(header.classes) == 2:
            labels = (labels > 0).astype(np.int32)
        if labels[counts].max(initial=0) >= len(header.classes):
            raise DataSetError(
                f"{name} has the class {labels[counts].max()} and the model {header.name!r} has {len(header.classes)} "
                f"({', '.join(header.classes)}); correct with these numbers, or learn with another model"
            )
        labels = np.where(counts, labels, np.minimum(labels, len(header.classes) - 1))
    else:
        labels = _closed_up(labels)
        if correction.record.mode == "painted":  # nobody said where an object ends: paint has no outline to learn
            counts = counts & (targets_from_labels(labels) != 2)
    focus = np.argwhere(counts & correction.changed)
    encoded = np.where(counts, labels, ~labels).astype(np.int32)
    return TrainingImage(name, image, encoded, None, focus if len(focus) else np.argwhere(counts))


def _closed_up(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return objects numbered without gaps: what counts pixels per object takes memory for the highest number."""
    ids, inverse = np.unique(labels, return_inverse=True)
    return (inverse.reshape(labels.shape) + int(ids[0] != 0)).astype(np.int32)
