"""Clicking on the objects of a data set, one after the other."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.session import ClickSession
from src_models.clicking.training.evaluation import (
    RIGHT,
    Clickable,
    ClickSummary,
    ObjectScore,
    click_until_right,
    summarise,
)
from src_models.clicking.training.examples import SMALLEST_AREA
from src_models.disk.atomic import atomic_path
from src_models.errors import DataSetError
from src_models.files.images import read_labels
from src_models.files.samples import Sample, open_sample
from src_models.images.axes import AxesReading
from src_models.labels.numbering import connected_parts, one_number_each, unnumbered_words
from src_models.models.header import Intensity

__all__ = ["by_label", "click_data_set", "write_scores"]

SLICES = 8  # of a volume, evenly spread

_log = logging.getLogger(__name__)


def click_data_set(
    samples: Sequence[Sample],
    network: ClickNetwork,
    *,
    classes: bool = False,
    most: int | None = None,
    only: Collection[int] | None = None,
    hurried: bool = False,
    box: bool = False,
    right: float = RIGHT,
    seed: int = 0,
    intensity: Callable[[NDArray[Any], AxesReading], Intensity | None] | None = None,
    class_names: Callable[[Sample], Mapping[int, str]] | None = None,
    on_object: Callable[[ObjectScore], None] | None = None,
    peer: Callable[[NDArray[Any], str, Intensity | None, str], Clickable] | None = None,
) -> list[ObjectScore]:
    """Click on every object.

    Parameters
    ----------
    samples
        Images with masks; of volumes, 8 slices are taken.
    network
        What is clicked with.
    classes
        Whether masks hold classes: then every connected part of a class is an object; as is every part of masks that
        do not number their objects, which is said in the log.
    most
        Objects of each plane at the most, evenly spread; None for all.
    only
        Of classes, those whose objects are clicked on; None for all.
    hurried
        Whether clicks go astray from the middle of errors.
    box
        Whether a box around the object comes first.
    right
        IoU at which an object is right, and clicked no more.
    seed
        Of where hurried clicks go.
    intensity
        Says of an image, and of how it is read, how its grey values are normalised, such as by a window of CT, or None
        as the model's header says.
    class_names
        Says what the classes of a sample's mask are called; others are called by their numbers.
    on_object
        Called after every object.
    peer
        What is clicked in instead, by image, axes, intensity and name, to be measured on the same objects.

    Raises
    ------
    DataSetError
        If there is no object of at least 16 px.
    """
    random = np.random.default_rng(seed) if hurried else None
    parts = not classes and one_number_each(read_labels(sample.mask) for sample in samples)
    if parts:
        _log.warning("%s", unnumbered_words(samples[0].mask.parent))
    scores = []
    for sample in samples:
        image, mask, reading = open_sample(sample)
        look = intensity(image, reading) if intensity is not None else None
        names = class_names(sample) if classes and class_names is not None else {}
        for name, plane, labels, values in _planes(sample.name, image, mask, classes=classes or parts):
            axes = "YX" if plane.ndim == 2 else "YXC"
            of_plane = dataclasses.replace(reading, axes=axes, shape=plane.shape)
            session: Clickable
            if peer is None:
                session = ClickSession(plane, network, axes=of_plane, intensity=look, name=str(sample.image))
            else:
                session = peer(plane, axes, look, str(sample.image))
            for number in _chosen(labels if only is None else labels * np.isin(values, list(only)), most):
                truth = labels == number
                done = click_until_right(session, truth, hurried=random, box=box, right=right)
                number_of_class = int(values[truth][0])
                label = names.get(number_of_class, str(number_of_class)) if classes else ""
                score = ObjectScore(name, number, label, *done)
                scores.append(score)
                if on_object is not None:
                    on_object(score)
    if not scores:
        raise DataSetError(f"there is no object of at least {SMALLEST_AREA} px in the masks of these images")
    return scores


def by_label(scores: Sequence[ObjectScore]) -> dict[str, ClickSummary]:
    """Return a summary of each class, and of all as ``"all"``."""
    labels = sorted({score.label for score in scores} - {""})
    groups = {label: [score for score in scores if score.label == label] for label in labels}
    return {**{label: summarise(group) for label, group in groups.items()}, "all": summarise(scores)}


def write_scores(path: str | Path, scores: Sequence[ObjectScore], notes: dict[str, Any], *, overwrite: bool) -> Path:
    """Write summaries and every object's score as JSON.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, or cannot be written.
    """
    import json

    content = {
        **notes,
        "summary": {label: _plain(summary) for label, summary in by_label(scores).items()},
        "objects": [dataclasses.asdict(score) for score in scores],
    }
    with atomic_path(path, overwrite=overwrite) as beside:
        beside.write_text(json.dumps(content, indent=1))
    return Path(path)


def _plain(summary: ClickSummary) -> dict[str, Any]:
    """Return what JSON can hold: where no object took a second click, no time of one."""
    return {name: None if value != value else value for name, value in dataclasses.asdict(summary).items()}


def _planes(
    name: str, image: NDArray[Any], mask: NDArray[Any], *, classes: bool
) -> Iterator[tuple[str, NDArray[Any], NDArray[np.int32], NDArray[Any]]]:
    """Yield name, image, numbered objects and mask of each plane."""
    if mask.ndim == 2:
        yield name, image, connected_parts(mask) if classes else mask.astype(np.int32), mask
        return
    for z in np.unique(np.linspace(0, len(mask) - 1, SLICES + 2)[1:-1].round().astype(int)):
        plane = mask[z]
        yield f"{name}, slice {z}", image[z], connected_parts(plane) if classes else plane.astype(np.int32), plane


def _chosen(labels: NDArray[np.int32], most: int | None) -> list[int]:
    areas = np.bincount(labels.ravel())
    numbers = [number for number in range(1, len(areas)) if areas[number] >= SMALLEST_AREA]
    if most is None or len(numbers) <= most:
        return numbers
    return [numbers[int(i)] for i in np.linspace(0, len(numbers) - 1, most).round()]
