"""Measure a model on a data set: segment each image and compare it with its mask.

Examples
--------
>>> evaluation = evaluate("cells", "nuclei", split="test")  # doctest: +SKIP
>>> evaluation.mean.ap50, evaluation.pooled.ap50  # doctest: +SKIP
(0.87, 0.85)
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import DataSetError, ImageError
from src_models.evaluating.scores import Evaluation, ImageScore
from src_models.files.dataset import DataSet
from src_models.files.images import read_labels
from src_models.files.samples import Sample, open_sample, read_marks
from src_models.images.grey.grey_range import GreyRange
from src_models.labels.metrics import match_objects, pixel_counts
from src_models.labels.numbering import connected_parts, one_number_each, unnumbered_words
from src_models.models.header import ModelHeader

if TYPE_CHECKING:
    from src_models.models.checkpoint import Model

__all__ = ["default_split", "evaluate", "predict_sample"]

_log = logging.getLogger(__name__)


def evaluate(
    data_set: DataSet | str | Path,
    model: Model | str | Path,
    *,
    split: str | None = None,
    device: str = "auto",
    diameter: float | None = None,
    flips: bool = False,
    grey_range: GreyRange | str | None = None,
    on_progress: Callable[[int, int, str], None] | None = None,
) -> Evaluation:
    """Segment each image of a split and compare it with its mask.

    Parameters
    ----------
    data_set
        A data set or its folder.
    model
        A model, the name of a shipped or local one, or a path.
    split
        Which images; see :func:`default_split` for None.
    device
        What to run on: "auto", "cpu", "cuda", "mps".
    diameter
        Size of objects (px), for models that rescale; None estimates.
    flips
        Whether images are looked at from four sides, as :func:`src_models.segment` does.
    grey_range
        The range of grey values that counts, as :func:`src_models.segment` takes it.
    on_progress
        Called with the number of images done, their total and the name of the one that follows.

    Raises
    ------
    DataSetError
        If the data set is unusable, or masks hold classes that the model has not.
    ImageError
        If an image cannot be read or does not fit the model.
    ModelFileError
        If there is no such model.

    Notes
    -----
    For a model of two classes every value above 0 in a mask is class 1, so that masks of 0 and 255, or of object ids,
    can be used as they are. For a model of objects, where no mask numbers them, every connected part is one, and that
    is said in the log. A 2D model's objects on a stack are matched plane by plane. Pixels that do not count
    (``marked/``) are left out, and with them the objects that a model finds there for the most part. Classes that were
    not drawn in an image count as background in what was found there, and have no score for it.
    """
    from src_models.models.checkpoint import Model, load

    if not isinstance(data_set, DataSet):
        data_set = DataSet.open(data_set)
    if split is None:
        split = default_split(data_set)
    samples = data_set.samples if split is None else data_set.split(split)
    if not isinstance(model, Model):
        model = load(model)
    parts = model.header.result == "instances" and one_number_each(read_labels(sample.mask) for sample in samples)
    if parts:
        _log.warning("%s", unnumbered_words(data_set.root))
    images = []
    for done, sample in enumerate(samples):
        if on_progress:
            on_progress(done, len(samples), sample.name)
        _, truth, prediction = predict_sample(
            sample, model, device=device, diameter=diameter, flips=flips, grey_range=grey_range, parts=parts
        )
        images.append(_score(sample, truth, prediction, model.header))
    if on_progress:
        on_progress(len(samples), len(samples), "")
    classes = ("background", "object") if model.header.result == "instances" else model.header.classes
    return Evaluation(data_set.root, split, model.header, model.sha256, diameter, classes, tuple(images), parts)


def default_split(data_set: DataSet) -> str | None:
    """Choose what to measure when nobody says: "test", else "val"; None (all images) where no splits are given.

    Raises
    ------
    DataSetError
        If there are splits, but neither "test" nor "val".
    """
    if not any(sample.split for sample in data_set.samples):
        return None
    for name in ("test", "val"):
        if name in data_set.splits:
            return name
    raise DataSetError(
        f"{data_set.root}: there is no split 'test' or 'val'; say with --split which one to measure: "
        f"{', '.join(data_set.splits)}"
    )


def predict_sample(
    sample: Sample,
    model: Model,
    *,
    device: str = "auto",
    diameter: float | None = None,
    flips: bool = False,
    parts: bool = False,
    grey_range: GreyRange | str | None = None,
) -> tuple[NDArray[Any], NDArray[np.int32], NDArray[Any]]:
    """Read a sample and segment its image; with `parts`, every connected part of its mask is an object.

    Returns
    -------
    image, truth, prediction
        As :func:`src_models.files.samples.open_sample` gives them; prediction has the truth's shape. Class ids for a
        semantic model (see Notes of :func:`evaluate`), else object ids.
    """
    from src_models.prediction.segment import segment

    image, truth, reading = open_sample(sample)
    truth = connected_parts(truth) if parts else truth
    counts = read_marks(sample, truth.shape)
    if counts is not None:
        truth = np.where(counts, truth, 0)
    try:
        result = segment(
            image,
            model,
            axes=reading,
            grey_range=grey_range,
            diameter=diameter,
            flips=flips,
            device=device,
        )
    except ImageError as error:
        raise ImageError(f"{sample.image}: {error}") from error
    if model.header.result == "semantic":
        truth = _as_classes(truth, sample, model.header)
    prediction = np.asarray(result.labels)
    if counts is not None and model.header.result == "instances":
        prediction = _within(prediction, counts)
    return image, truth, prediction


def _within(objects: NDArray[Any], counts: NDArray[np.bool_]) -> NDArray[Any]:
    """Return what counts of the objects; those of which the most does not count are left out whole."""
    sizes = np.bincount(objects.ravel())
    inside = np.bincount(objects[counts], minlength=len(sizes))
    return np.where(counts & (2 * inside >= sizes)[objects], objects, 0)


def _score(sample: Sample, truth: NDArray[Any], prediction: NDArray[Any], header: ModelHeader) -> ImageScore:
    counts = read_marks(sample, truth.shape)
    counting = slice(None) if counts is None else counts
    if sample.drawn is not None and header.result == "semantic":
        prediction = np.where(np.isin(prediction, (0, *sample.drawn)), prediction, 0)
    if header.result == "semantic":
        return ImageScore(
            sample, pixel_counts(prediction[counting], truth[counting], classes=len(header.classes)), None
        )
    pixels = pixel_counts(prediction[counting] > 0, truth[counting] > 0, classes=2)
    if truth.ndim == header.dimensions:
        return ImageScore(sample, pixels, match_objects(truth, prediction))
    return ImageScore(sample, pixels, reduce(add, map(match_objects, truth, prediction)))


def _as_classes(truth: NDArray[np.int32], sample: Sample, header: ModelHeader) -> NDArray[np.int32]:
    if len(header.classes) == 2:
        return (truth > 0).astype(np.int32)
    if truth.size and truth.max() >= len(header.classes):
        raise DataSetError(
            f"{sample.mask}: the mask holds class {truth.max()}, and the model {header.name!r} knows classes 0 to "
            f"{len(header.classes) - 1} ({', '.join(header.classes)}); use a model for these classes"
        )
    return truth
