"""Whether labels are equal, found on real images by one way to compute a network and by another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from torch import nn

from src_models.clicking.answering import network as clicking
from src_models.clicking.answering.network import ClickNetwork
from src_models.clicking.session import ClickSession
from src_models.clicking.training.simulation import next_click
from src_models.computing.execution import Execution
from src_models.files.dataset import DataSet
from src_models.files.samples import read_sample
from src_models.models.checkpoint import Model
from src_models.prediction import segment as segmenting
from src_models.prediction.blocks import segmentation_run

SETS = ("dsb2018_fluo", "dsb2018_histo", "dsb2018_brightfield")
CLICKS = 3
LEAST_AREA = 40  # px


class Way(NamedTuple):
    """A way to compute a network: what makes it ready, and what runs it."""

    prepare: Callable[[nn.Module, Execution], nn.Module]
    execution: Execution


class Differing(NamedTuple):
    """In how many images (or objects that were clicked) labels differ, and in how many pixels."""

    images: int
    differing: int
    pixels: int
    differing_pixels: int

    def __str__(self) -> str:
        if not self.differing:
            return f"equal in all {self.images}"
        share = self.differing_pixels / self.pixels
        return f"differ in {self.differing} of {self.images} ({share:.1e} of the pixels)"


def images_of(folder: Path, every: int, sets: tuple[str, ...] = SETS) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Yield one in `every` images, with their labels, of what was set aside of each set."""
    for name in sets:
        for sample in DataSet.open(folder / name).split("val")[::every]:
            yield read_sample(sample)


def labels_differ(
    model: Model, images: list[NDArray[Any]], ways: Mapping[str, Way], diameter: float | None = None
) -> dict[str, Differing]:
    """Segment images in every way; return how each but the first differs from the first.

    The size of objects (px) is looked for unless it is given.
    """
    found = {name: [_labels(image, model, way, diameter) for image in images] for name, way in ways.items()}
    return _differing(found)


def masks_differ(
    model: Model, images: list[tuple[NDArray[Any], NDArray[Any]]], ways: Mapping[str, Way], objects: int = 2
) -> dict[str, Differing]:
    """Click on objects in every way, where the first way is wrong; return how masks differ from the first way's."""
    found: dict[str, list[NDArray[Any]]] = {name: [] for name in ways}
    networks = {}
    for name, way in ways.items():
        with _computed(way):
            networks[name] = ClickNetwork(model)
    for image, labels in images:
        sessions = {name: ClickSession(image, network, axes="YXC") for name, network in networks.items()}
        areas = np.bincount(labels.ravel())[1:]
        numbers = [int(number) + 1 for number in np.argsort(-areas) if areas[number] >= LEAST_AREA]
        for number in numbers[:: max(1, len(numbers) // objects)][:objects]:
            _click(sessions, labels == number, found)
    return _differing(found)


def _click(
    sessions: Mapping[str, ClickSession], truth: NDArray[np.bool_], found: Mapping[str, list[NDArray[Any]]]
) -> None:
    leading, clicked = next(iter(sessions.values())), np.zeros_like(truth)
    for session in sessions.values():
        session.reset()
    for _ in range(CLICKS):
        click = next_click(truth, leading.mask, clicked)
        if click is None:
            return
        clicked[int(click.y), int(click.x)] = True
        for name, session in sessions.items():
            session.give(click)
            found[name].append(np.array(session.mask))


def _differing(found: Mapping[str, list[NDArray[Any]]]) -> dict[str, Differing]:
    names = list(found)
    first = found[names[0]]
    results = {}
    for name in names[1:]:
        pixels = [int((one != other).sum()) for one, other in zip(first, found[name], strict=True)]
        whole = sum(labels.size for labels in first)
        results[name] = Differing(len(first), sum(count > 0 for count in pixels), whole, sum(pixels))
    return results


def _labels(image: NDArray[Any], model: Model, way: Way, diameter: float | None) -> NDArray[Any]:
    with _computed(way):
        return np.asarray(segmenting.segment(image, model, diameter=diameter).labels)


@contextmanager
def _made_ready(way: Way, network: nn.Module, execution: Execution) -> Iterator[nn.Module]:
    """Make a network ready anew: one that is kept could be another way's."""
    yield way.prepare(network, execution)


@contextmanager
def _computed(way: Way) -> Iterator[None]:
    """Have networks made ready and run in a way of ours."""
    with ExitStack() as stack:
        for place in (segmentation_run, clicking):
            stack.enter_context(patch.object(place, "choose_execution", lambda _device="auto": way.execution))
        stack.enter_context(patch.object(clicking, "prepare", way.prepare))
        stack.enter_context(patch.object(segmentation_run, "ready_network", partial(_made_ready, way)))
        yield
