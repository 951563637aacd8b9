"""A run of a model on one image by many workers: equal to a run by one process, up to the numbers of objects.

The network's answer is worked out part by part, objects are separated block by block, and each block gives its objects
numbers from a range of its own; what reaches over a seam belongs to the block that holds its middle, as ever. One
process, this one, writes the labels, and closes the gaps between the numbers as it does.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from src_models.computing.cluster.workers import Pool
from src_models.images.model_image import ModelImage
from src_models.labels.labelling import blocks, with_halo
from src_models.models.checkpoint import Model
from src_models.prediction.batches.image_task import ImageTask
from src_models.prediction.blocks import block_work
from src_models.prediction.blocks.block_plan import Block, BlockJob, BlockPlan, Neighbour, parts_of
from src_models.prediction.blocks.block_work import FULL, OUTPUTS, SMALL, Counted
from src_models.prediction.blocks.segmentation_run import SegmentationRun
from src_models.prediction.object_size import ObjectSize
from src_models.prediction.settings import check_segments
from src_models.progress import Progress, finish

if TYPE_CHECKING:
    from src_models.files.images import ImageFile
    from src_models.prediction.segmentation import Segmentation

__all__ = ["BlockRun", "neighbours_of", "segment_in_blocks"]

Result = TypeVar("Result")


def segment_in_blocks(
    image: ImageFile,
    task: ImageTask,
    model: Model,
    *,
    pool: Pool,
    key: str,
    folder: Path,
    labels_out: Any = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Segmentation:
    """Segment an image, its blocks by many workers.

    Parameters
    ----------
    image
        The image.
    task
        What is asked for of it; workers open the image themselves. Attention maps are not recorded in blocks.
    model
        The model.
    pool
        The workers.
    key
        By which they know the model (:meth:`.Workers.send`).
    folder
        Where working files may lie, which all workers see.
    labels_out
        As of :func:`src_models.segment_steps`.
    on_progress
        Called after every part and block.

    Raises
    ------
    UserError
        As :func:`src_models.segment_steps`, and if a worker cannot do a block.
    """
    check_segments(model.header)
    settings = task.settings
    ready = ModelImage(
        image.data,
        model.header,
        axes=image.reading,
        intensity=settings.grey_range,
        name=image.title,
        tissue=settings.tissue,
    )
    ready.check_colours()
    run = BlockRun(ready, model, task, pool, key, folder, labels_out)
    return finish(run.steps(), on_progress)


class BlockRun(SegmentationRun):
    """The state of one call of :func:`segment_in_blocks`."""

    def __init__(
        self,
        image: ModelImage,
        model: Model,
        task: ImageTask,
        pool: Pool,
        key: str,
        folder: Path,
        labels_out: Any,
    ) -> None:
        super().__init__(image, model, task.settings, labels_out)
        self._task, self._pool, self._key, self._folder = task, pool, key, folder

    def write_planes(self, network: nn.Module, size: ObjectSize) -> Generator[Progress, None, None]:
        """Write the labels of every plane; yield after every part and block."""
        for plane in self.planes:
            with TemporaryDirectory(dir=self._folder) as folder:
                plan = BlockPlan(
                    task=self._task,
                    model=self._key,
                    measured=dict(self.image.measured),
                    dimensions=self.header.dimensions,
                    zoom=size.zoom,
                    plane=plane,
                    folder=Path(folder),
                )
                yield from self._write_plane(plan)

    def _write_plane(self, plan: BlockPlan) -> Generator[Progress, None, None]:
        small, full = self.image.plane(plan.plane, plan.zoom).shape, self.planes.shape
        separates = self.labels.result == self.header.result == "instances"
        parts = parts_of(small, 2 * self._pool.count)
        plan.make(OUTPUTS, (self.header.outputs, *small), np.float16)
        plan.make(FULL, full, np.int32 if separates else np.uint8)
        if self.total == 0:
            drawn = len(blocks(full)) * (2 if tuple(small) != tuple(full) or not separates else 1)
            found = len(parts) + (2 * len(blocks(small)) if separates else 0)
            self.total = len(self.planes) * (found + drawn + len(self.labels.link))
        for predicted in (yield from self._each(block_work.predict, plan, parts, "segmenting")):
            self.labels.findings.certainty.join(predicted.certainty)
            self.fill = self.fill if predicted.fill is None else predicted.fill
        sizes = None
        if separates:
            sizes = yield from self._separate(plan, small, full)
        else:
            yield from self._each(block_work.choose_classes, plan, blocks(full), "choosing classes")
        for note in self.labels.take(plan.plane, plan.array(FULL), sizes):
            yield self.step(note)

    def _separate(
        self, plan: BlockPlan, small: Sequence[int], full: Sequence[int]
    ) -> Generator[Progress, None, NDArray[np.int64]]:
        """Find the objects of a plane, and return how many pixels each number has."""
        cores = blocks(small)
        counts = yield from self._each(block_work.separate, plan, cores, "separating objects")
        firsts = 1 + np.cumsum([0, *counts])  # each block has a range of numbers
        have = [Neighbour(index, core, int(firsts[index])) for index, core in enumerate(cores) if counts[index]]
        resized = tuple(small) != tuple(full)
        if resized:
            plan.make(SMALL, small, np.int32)
        jobs = [BlockJob(plan, index, core, neighbours_of(core, have, small)) for index, core in enumerate(cores)]
        counted = yield from self._all(block_work.compose, jobs, "joining blocks")
        if resized:
            counted = yield from self._each(block_work.draw, plan, blocks(full), "drawing objects at full size")
        return _summed(counted, int(firsts[-1]))

    def _each(
        self, function: Callable[[BlockJob], Result], plan: BlockPlan, cores: Sequence[Block], message: str
    ) -> Generator[Progress, None, list[Result]]:
        return (yield from self._all(function, [BlockJob(plan, k, core) for k, core in enumerate(cores)], message))

    def _all(
        self, function: Callable[[BlockJob], Result], jobs: Sequence[BlockJob], message: str
    ) -> Generator[Progress, None, list[Result]]:
        """Have workers do jobs, and return what they give in the order of the jobs."""
        found: dict[int, Result] = {}
        for answer in self._pool.run(function, jobs):
            found[answer.item.index] = answer.get()
            yield self.step(message)
        return [found[job.index] for job in jobs]


def neighbours_of(core: Block, others: Sequence[Neighbour], shape: Sequence[int]) -> tuple[Neighbour, ...]:
    """Return the blocks, the same one among them, whose objects may lie in a block of a plane of this shape (px)."""
    return tuple(
        other
        for other in others
        if all(a.start < b.stop and b.start < a.stop for a, b in zip(core, with_halo(other.core, shape), strict=True))
    )


def _summed(counted: Sequence[Counted], next_id: int) -> NDArray[np.int64]:
    sizes = np.zeros(next_id, np.int64)
    for each in counted:
        sizes[each.numbers] += each.pixels
    return sizes
