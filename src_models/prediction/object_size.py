"""How large the objects of an image are, and the zoom that brings them to a size the network knows."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from src_models.computing.execution import Execution
from src_models.disk.scratch import Scratch
from src_models.errors import UserError
from src_models.images.model_image import ModelImage
from src_models.images.plane_source import PlaneSource
from src_models.images.resampling import Zoom, mean_zoom
from src_models.labels.instances import median_diameter
from src_models.labels.separation import objects_from_outputs
from src_models.models.architectures import find_architecture
from src_models.models.header import ModelHeader
from src_models.prediction.certainty import Certainty
from src_models.prediction.plane_prediction import MapSink, PlanePrediction

__all__ = ["LOOKING", "ObjectSize", "choose_zoom", "size_at_spacing", "size_steps"]

LOOKING = "looking at how large the objects are"
# Zooms that are tried, and the largest window (px after zooming) that is looked at.
TRIED = (1.0, 0.5, 2.0, 0.25)
WINDOW = {2: 512, 3: 96}
FEWEST_OBJECTS = 3
# So sure of its objects, a network has them at a size it knows, and nothing else is tried: of objects far too large, it
# is less sure.
PLAIN = 0.95
# No image is resized by itself where the network, once it is, is not at least so sure: of textures it never is, of
# nuclei reduced or enlarged by up to ten times it is.
SURE_ENOUGH = 0.86
# What is found at a zoom may be larger or smaller than it was chosen for by this factor; so often another is tried.
TOLERANCE = 1.3
ROUNDS = 3
# No image is enlarged more, nor to more pixels (voxels), nor reduced to less along any side.
MOST_ZOOM = 8.0
MOST_PIXELS = 2**26
LEAST_SIDE = 16


@dataclass(frozen=True, slots=True)
class ObjectSize:
    """The size of an image's objects, and what follows from it.

    Parameters
    ----------
    diameter
        Diameter (px of the image) that was given or found; None where there is none.
    zoom
        Factor to resize the image by before the network sees it, or one for each axis.
    note
        A sentence for people where the image is not resized as they could expect; else empty.
    """

    diameter: float | None
    zoom: Zoom
    note: str = ""

    @property
    def mean_zoom(self) -> float:
        """The one factor that changes the number of pixels as much."""
        return mean_zoom(self.zoom)


def size_at_spacing(image: ModelImage, diameter: float | None) -> ObjectSize | None:
    """Return the zoom that brings an image to the spacing that a model was made for.

    Parameters
    ----------
    image
        The image, for the model.
    diameter
        Diameter (px) of the objects, if a person gave it: of a model that depends on it, that wins.

    Returns
    -------
    ObjectSize or None
        None where the model has no spacing, or the size of the image's voxels is not known.
    """
    by_hand = diameter is not None and image.header.object_diameter is not None
    seen = image.seen_at
    return ObjectSize(None, seen.zoom) if seen.known and not by_hand else None


def choose_zoom(
    source: PlaneSource, network: nn.Module, execution: Execution, header: ModelHeader, diameter: float | None
) -> Zoom:
    """Return the zoom of :func:`size_steps`, of which this is the whole run in one call, with the model's own tiles."""
    steps = size_steps(source, network, execution, header, diameter, header.tile)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: ObjectSize = end.value
            return found.zoom


def size_steps(
    source: PlaneSource,
    network: nn.Module,
    execution: Execution,
    header: ModelHeader,
    diameter: float | None,
    tile: tuple[int, ...],
    middle: Sequence[float] | None = None,
) -> Generator[None, None, ObjectSize]:
    """Find the factor to resize an image by before the network sees it.

    A diameter that a person gives is always followed. Where none is, the network looks at the middle of the plane at
    several scales. The scale whose objects are both of a size the network handles and most surely seen (highest mean
    probability of the likeliest class on the objects) tells their size. An image is resized only where that size is
    none the network handles, and only where what it then sees bears the size out: at the zoom that is chosen, objects
    must be about as large as they were said to be, and the network sure of them.

    Parameters
    ----------
    source
        A plane of the image at its own scale.
    network, execution, header
        The model, ready to run.
    diameter
        Diameter (px) of the objects, if a person gave it.
    tile
        Tile size (px) to look with.
    middle
        Where to look, as a part of the plane along each axis; None looks at its middle.

    Yields
    ------
    None
        Before the first tile that is looked at, and after each.

    Returns
    -------
    ObjectSize
        The zoom is 1.0 for models that do not depend on size, and where size is not known.

    Raises
    ------
    UserError
        If `diameter` is no positive number.
    """
    if diameter is not None and not 0 < diameter < math.inf:
        raise UserError(f"the diameter {diameter!r} of the objects must be a number of pixels above 0")
    best, range_ = header.object_diameter, header.diameter_range
    if best is None or range_ is None:
        return ObjectSize(None, 1.0)
    if diameter is not None:
        return _given(diameter, best, source.shape)
    if header.result != "instances" or not header.estimates_diameter:
        return ObjectSize(None, 1.0)
    looks = _Looks(source, network, execution, header, tile, middle)
    unresized, clearest = yield from _try(looks, range_)
    if clearest is None:
        return ObjectSize(None, 1.0)
    if range_[0] <= clearest.diameter <= range_[1]:
        return ObjectSize((unresized or clearest).diameter, 1.0)  # the size of what will be found
    return (yield from _borne_out(looks, clearest.diameter, best, range_))


def _given(diameter: float, best: float, shape: Sequence[int]) -> ObjectSize:
    zoom = _bounded(best / diameter, shape)
    if math.isclose(zoom, best / diameter):
        return ObjectSize(diameter, zoom)
    bound = "less" if zoom > best / diameter else "more"
    return ObjectSize(
        diameter,
        zoom,
        f"For objects of {diameter:g} px the image would be resized {best / diameter:.2g} times; {zoom:.2g} times was "
        f"taken, since {bound} is too {'small' if bound == 'less' else 'large'} to work with.",
    )


def _bounded(zoom: float, shape: Sequence[int]) -> float:
    """Keep a resized image within a number of pixels, and above a least side."""
    room = math.pow(MOST_PIXELS / math.prod(shape), 1 / len(shape))
    least = min(1.0, LEAST_SIDE / min(shape))
    return min(max(zoom, least), max(1.0, min(MOST_ZOOM, room)))


@dataclass(frozen=True, slots=True)
class _Look:
    """What a network sees at one scale: how many objects, how large (px of the image), and how surely."""

    count: int
    diameter: float
    sureness: float  # mean probability of the likeliest class on the objects
    certainty: float  # mean probability of being an object on them


class _Looks:
    """Looks at the middle of a plane, or at another place of it, at any scale."""

    def __init__(
        self,
        source: PlaneSource,
        network: nn.Module,
        execution: Execution,
        header: ModelHeader,
        tile: tuple[int, ...],
        middle: Sequence[float] | None = None,
    ) -> None:
        self.source = source
        self._network = network
        self._execution = execution
        self._header = header
        self._window = find_architecture(header.architecture).largest(header.config) or WINDOW[header.dimensions]
        self._tile = tile
        self._middle = middle

    def at(self, zoom: float) -> Generator[None, None, _Look | None]:
        """Look at one scale; None where too few objects, or too little image, is there."""
        assert self._header.diameter_range is not None
        resized = self.source.zoomed(zoom)
        starts = [max(0, (size - self._window) // 2) for size in resized.shape]
        if self._middle is not None:
            half, pairs = self._window // 2, zip(self._middle, resized.shape, strict=True)
            places = [round(part * size) - half for part, size in pairs]
            lasts = [max(0, size - self._window) for size in resized.shape]
            starts = [min(max(0, place), last) for place, last in zip(places, lasts, strict=True)]
        region = [
            slice(start, min(size, start + self._window)) for start, size in zip(starts, resized.shape, strict=True)
        ]
        if min(part.stop - part.start for part in region) < self._header.diameter_range[0]:
            return None
        middle = resized.cut(region)
        outputs = np.zeros((self._header.outputs, *middle.shape), np.float16)
        prediction = PlanePrediction(
            middle, self._network, self._execution, self._header, self._tile, (), MapSink(Scratch(), ()), outputs
        )
        for _ in prediction.steps():
            yield
        labels = objects_from_outputs(outputs, self._header.instances)
        probabilities = outputs[: len(self._header.classes)]
        diameter = median_diameter(labels)
        if diameter is None or labels.max() < FEWEST_OBJECTS:
            return None
        certainty = Certainty()
        certainty.add(probabilities)
        sureness = float(probabilities.max(0)[labels > 0].mean(dtype=np.float64))
        return _Look(int(labels.max()), diameter / zoom, sureness, certainty.mean or 0.0)


def _try(looks: _Looks, handled: tuple[float, float]) -> Generator[None, None, tuple[_Look | None, _Look | None]]:
    """Return what is seen at the image's own scale, and at the scale that shows objects most surely."""
    unresized: _Look | None = None
    clearest: _Look | None = None
    yield
    for zoom in TRIED:
        look = yield from looks.at(zoom)
        if zoom == 1:
            unresized = look
        if look is None or not handled[0] <= look.diameter * zoom <= handled[1]:
            continue
        if clearest is None or look.sureness > clearest.sureness:
            clearest = look
        if zoom == 1 and look.certainty >= PLAIN:
            break
    return unresized, clearest


def _borne_out(
    looks: _Looks, diameter: float, best: float, handled: tuple[float, float]
) -> Generator[None, None, ObjectSize]:
    """Return the zoom for objects of a size that the network does not handle, if what it then sees agrees."""
    for _ in range(ROUNDS):
        zoom = _bounded(best / diameter, looks.source.shape)
        look = yield from looks.at(zoom)
        if look is None:
            break
        if look.certainty >= SURE_ENOUGH and max(look.diameter / diameter, diameter / look.diameter) <= TOLERANCE:
            return ObjectSize(diameter, zoom)
        diameter = look.diameter
        if handled[0] <= diameter <= handled[1]:
            return ObjectSize(diameter, 1.0)
        if diameter < handled[0] / max(TRIED):  # smaller than what was looked for: specks within specks
            break
    return ObjectSize(
        None,
        1.0,
        "How large the objects are could not be told: give the object size, in pixels, if the result is poor.",
    )
