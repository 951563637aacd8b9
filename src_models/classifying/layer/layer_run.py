"""A run of a model of classes on an image layer, without viewer or Qt: what is wanted, and the generator that does it.

A :class:`ClassRun` is put together on the GUI thread from plain values; :func:`class_steps` runs in a worker thread,
yields after every batch of pictures, and ends with a :class:`ClassResult`. Closing the generator cancels the run.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from src_models.classifying.layer.object_classes import ObjectClasses
from src_models.errors import UserError
from src_models.images.region import Region
from src_models.models.architectures import architectures, attention_names, find_architecture
from src_models.models.loaded import load_model

if TYPE_CHECKING:
    from src_models.classifying.class_probabilities import Classified
    from src_models.images.grey.grey_range import GreyRange
    from src_models.progress import Progress

__all__ = ["ClassResult", "ClassRun", "LookedAt", "class_steps"]

LookedAt = Literal["objects", "tiles", "image"]

# Of as many pixels, a layer that shows tiles does not fit into memory beside everything else.
_LARGEST_CANVAS = 2**28


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassRun:
    """One run: what a person set, and the layers as they were when it began.

    Parameters
    ----------
    model
        The model file.
    looked_at
        ``"objects"``, ``"tiles"`` or ``"image"``.
    data
        The layer's array at full resolution; it is only read.
    region
        The box of it that is looked at.
    layer_id, layer_name
        Which layer it is, for finding it again and for messages.
    labels
        Of objects: labels that cover the whole layer (see :attr:`~src_models.images.region.Region.layer_shape`).
    tile
        Of tiles: their size (px); 0 takes the model's.
    zoom
        Of objects: factor by which the image is enlarged before the model sees it.
    grey_range
        The range of grey values that counts; None leaves that to the model.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    threads
        Threads to compute with on the CPU; 0 takes all cores but one, which is left to the viewer.
    """

    model: Path
    looked_at: LookedAt
    data: Any
    region: Region
    layer_id: Hashable
    layer_name: str
    labels: NDArray[Any] | None = None
    tile: int = 0
    zoom: float = 1.0
    grey_range: GreyRange | None = None
    device: str = "auto"
    threads: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassResult:
    """What a run gave.

    Parameters
    ----------
    run
        The run.
    table
        Objects, tiles or planes with their classes; positions are in the region's cut-out.
    found
        The rest of what the model said: how the image was read, notes, provenance.
    tiles
        Of tiles: each pixel's tile, with one axis for every axis of the layer; of what lies in the region.
    """

    run: ClassRun
    table: ObjectClasses
    found: Classified
    tiles: NDArray[np.int32] | None = None

    @property
    def model_name(self) -> str:
        """Name of the model."""
        return self.run.model.stem

    @property
    def maps(self) -> list[str]:
        """Names of the attention maps that the model gives, finest first; known without running it."""
        header = self.found.provenance["header"]
        return attention_names(header["architecture"], header["config"])

    @property
    def views(self) -> list[str]:
        """Names of the layers of attention that can be asked where they look from a place, finest first."""
        return list(self.heads)

    @property
    def heads(self) -> dict[str, int]:
        """How many heads each of :attr:`views` has."""
        header = self.found.provenance["header"]
        name = header["architecture"]
        return find_architecture(name).heads(header["config"]) if name in architectures() else {}


def class_steps(run: ClassRun) -> Generator[Progress, None, ClassResult]:
    """Do a run.

    Yields
    ------
    Progress
        After every batch of pictures.

    Returns
    -------
    ClassResult
        What was found.

    Raises
    ------
    UserError
        If the model cannot be loaded or does not fit the image, there are no objects, or tiles do not fit into memory.
    """
    from src_models.classifying.classify import classify_steps
    from src_models.computing.execution import computing_threads

    region, name = run.region, f"layer {run.layer_name!r}"
    shape = region.flat_shape
    if run.looked_at == "tiles" and np.prod(shape, dtype=np.int64) > _LARGEST_CANVAS:
        raise UserError(f"{name} is too large to show tiles of all of it: zoom in and choose the visible region")
    labels = None
    if run.looked_at == "objects":
        if run.labels is None:
            raise UserError(f"{name} has no objects yet: choose the labels that hold them, or classify tiles")
        labels = np.where((cut := region.cut_labels(run.labels)) > 0, cut, 0)
        if not labels.any():
            raise UserError(f"the labels hold no objects in this part of {name}: choose others, or another part")
    cut = region.cut(run.data)
    model = load_model(run.model)
    with computing_threads(run.threads or None):
        found = yield from classify_steps(
            cut,
            model,
            labels=labels,
            tiles=(run.tile or True) if run.looked_at == "tiles" else False,
            axes=region.sub_reading(cut, name),
            channels=region.sub_chosen,
            grey_range=run.grey_range,
            zoom=run.zoom if run.looked_at == "objects" else 1.0,
            device=run.device,
            name=name,
        )
    table = ObjectClasses(
        found.classes,
        found.ids,
        found.probabilities,
        positions=found.positions,
        boxes=found.boxes,
        areas=_areas(found, labels),
        axes=region.sub_axes.replace("C", ""),
    )
    tiles = region.expand(_canvas(found, shape, region)) if run.looked_at == "tiles" else None
    return ClassResult(run=run, table=table, found=found, tiles=tiles)


def _areas(found: Classified, labels: NDArray[Any] | None) -> NDArray[np.int64]:
    """Return how many pixels each object or tile has."""
    if labels is None:
        top, left, bottom, right = found.boxes.T
        return np.asarray((bottom - top) * (right - left), np.int64)
    ids, counts = np.unique(labels, return_counts=True)
    return np.asarray(counts[np.searchsorted(ids, found.ids)], np.int64)


def _canvas(found: Classified, shape: tuple[int, ...], region: Region) -> NDArray[np.int32]:
    """Return each pixel's tile, in the shape of the cut-out without channels."""
    canvas = np.zeros(shape, np.int32)
    axes = region.sub_axes.replace("C", "")
    for own, (top, left, bottom, right), plane in zip(found.ids, found.boxes, found.planes, strict=True):
        rest, core = iter(plane.tolist()), {"Y": slice(top, bottom), "X": slice(left, right)}
        canvas[tuple(core[letter] if letter in core else next(rest) for letter in axes)] = own
    return canvas
