"""What a worker must know to do a block of an image as if it had the whole: all that is settled once.

How large the objects are and which grey values count is found out before, by one process, and comes with the plan; what
workers hand to each other lies in a folder that all of them see.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from src_models.images.grey.intensity import Measured
from src_models.images.model_image import ModelImage
from src_models.images.plane_source import PlaneSource
from src_models.images.planes import Plane
from src_models.images.resampling import Zoom
from src_models.models.checkpoint import Model
from src_models.prediction.batches.image_task import ImageTask
from src_models.prediction.batches.sent_model import sent_model

if TYPE_CHECKING:
    from src_models.files.images import ImageFile

__all__ = ["CHUNK", "Block", "BlockJob", "BlockPlan", "Neighbour", "parts_of"]

Block = tuple[slice, ...]

# Chunks (px) of what is handed on. Blocks and parts begin at multiples of them, so that no two workers write to one.
CHUNK = {2: 1024, 3: 160}
SIDES = {2: (4096, 2048), 3: (320, 160)}  # of parts that are predicted at a time: the larger, the fewer tiles are twice


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPlan:
    """One plane of an image, for all its blocks.

    Parameters
    ----------
    task
        The image, and how it is segmented.
    model
        Key of the model.
    measured
        The grey values that count, by time point.
    dimensions
        How many axes the model sees: 2 or 3.
    zoom
        Factor by which the plane is resized for the network, or one for each axis.
    plane
        Its position.
    folder
        Where what is handed on lies.
    """

    task: ImageTask
    model: str
    measured: Mapping[int, Measured]
    dimensions: int
    zoom: Zoom
    plane: Plane
    folder: Path

    def source(self) -> PlaneSource:
        """Return the plane, read from the file."""
        model, task = self.loaded(), self.task
        image = _opened(task)
        ready = ModelImage(
            image.data,
            model.header,
            axes=image.reading,
            intensity=task.settings.grey_range,
            name=image.title,
            measured=self.measured,
        )
        return ready.plane(self.plane, self.zoom)

    def loaded(self) -> Model:
        """Return the model, in a worker: it was sent there."""
        return sent_model(self.model)

    def make(self, name: str, shape: Sequence[int], dtype: DTypeLike) -> Any:
        """Make an array in the folder; of more axes than the plane has, the first ones are not cut into chunks."""
        import zarr

        more = len(shape) - self.dimensions
        chunks = (*shape[:more], *(min(size, CHUNK[self.dimensions]) for size in shape[more:]))
        return zarr.create_array(self._path(name), shape=tuple(shape), dtype=dtype, chunks=chunks, fill_value=0)

    def array(self, name: str) -> Any:
        """Open an array in the folder, to read and to write by region."""
        import zarr

        return zarr.open_array(self._path(name), mode="r+")

    def hand_on(self, name: str, values: Any) -> None:
        """Write a whole array, also over what a worker that died has left of it."""
        import zarr

        zarr.create_array(self._path(name), data=np.ascontiguousarray(values), overwrite=True)

    def _path(self, name: str) -> str:
        return str(self.folder / f"{name}.zarr")


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A block whose objects may reach into another one: its number, where it is, and the number of its first object."""

    index: int
    core: Block
    first_id: int


@dataclass(frozen=True, slots=True)
class BlockJob:
    """A block, or part, of a plane to be worked at: its number among them, and where it is."""

    plan: BlockPlan
    index: int
    core: Block
    neighbours: tuple[Neighbour, ...] = field(default=())


def parts_of(shape: Sequence[int], wanted: int) -> list[Block]:
    """Cut a plane into parts to be predicted: large ones, where there are enough of these.

    Parameters
    ----------
    shape
        Of the plane (px), at the network's scale.
    wanted
        How many there should be at least.
    """
    found: list[Block] = []
    for side in SIDES[len(shape)]:
        ranges = [[slice(a, min(a + side, n)) for a in range(0, n, side)] for n in shape]
        found = list(itertools.product(*ranges))
        if len(found) >= wanted:
            break
    return found


class _LastOpened:
    """The image that this process opened last: the blocks that a worker does one after the other are of one image."""

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._image: ImageFile | None = None

    def __call__(self, task: ImageTask) -> ImageFile:
        changed = task.image.path.stat().st_mtime_ns  # another image may have come to the same place
        key = (task.image.path, task.image.title, task.axes, task.channels, task.uneven, changed)
        if self._image is None or key != self._key:
            self._image = None  # before another one takes memory
            self._key, self._image = key, task.open()
        return self._image


_opened = _LastOpened()
