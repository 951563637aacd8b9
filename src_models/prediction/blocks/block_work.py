"""What workers do, a block at a time: predict, separate objects, number them, draw them at full size.

Each gives exactly what :class:`~src_models.prediction.blocks.segmentation_run.SegmentationRun` has there. A block that
is done again, after a worker died, is written over with the same values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from src_models.computing.cluster.at_work import at_work
from src_models.computing.execution import choose_execution
from src_models.computing.memory import reused_memory
from src_models.computing.ready_networks import ready_network
from src_models.disk.scratch import Scratch
from src_models.labels.labelling import laid_below, objects_of_block, resize_block, with_halo
from src_models.models.header import InstanceSettings
from src_models.nets.network import stride_of
from src_models.prediction.blocks.block_plan import Block, BlockJob, BlockPlan
from src_models.prediction.certainty import Certainty
from src_models.prediction.plane_labels import block_classes
from src_models.prediction.plane_prediction import MapSink, PlanePrediction
from src_models.prediction.tiling import Tiling

__all__ = [
    "FULL",
    "OUTPUTS",
    "SMALL",
    "Counted",
    "Predicted",
    "choose_classes",
    "compose",
    "draw",
    "predict",
    "separate",
]

# What is handed on: what the network gives; objects at its scale; objects, or classes, in the image's own pixels.
OUTPUTS, SMALL, FULL = "outputs", "small", "full"


@dataclass(frozen=True, slots=True)
class Predicted:
    """What there is to tell of a part: how sure the network is, and what values that are not finite were taken as."""

    certainty: Certainty
    fill: float | None


@dataclass(frozen=True, slots=True)
class Counted:
    """The objects of a block: their numbers, and how many pixels of each lie in it."""

    numbers: NDArray[np.int64]
    pixels: NDArray[np.int64]

    @classmethod
    def of(cls, labels: NDArray[np.int32]) -> Counted:
        """Count a block."""
        numbers, pixels = np.unique(labels[labels > 0], return_counts=True)
        return cls(numbers.astype(np.int64), pixels.astype(np.int64))


def predict(job: BlockJob) -> Predicted:
    """Predict a part of a plane, with all the tiles that count in it, and write it to :data:`OUTPUTS`."""
    with at_work(), reused_memory():
        plan, settings = job.plan, job.plan.task.settings
        model, execution = plan.loaded(), choose_execution(settings.device)
        header, source = model.header, plan.source()
        tile = (settings.tile,) * header.dimensions if settings.tile else header.tile
        tiling = Tiling(source.shape, tile, header.overlap, stride_of(model.network))
        tiles, box = tiling.around(job.core)
        if settings.tissue is not None and not source.holds(settings.tissue, box):
            return Predicted(Certainty(), None)  # what is not written is 0
        part = _Part(job.core, box, header.outputs)
        here = source.cut(box)
        with ready_network(model.network, execution) as network:
            prediction = PlanePrediction(
                here,
                network,
                execution,
                header,
                tile,
                (),
                MapSink(Scratch(), ()),
                part,
                flips=settings.flips,
                tiling=tiles,
                tissue=settings.tissue,
            )
            for _ in prediction.steps():
                pass
        plan.array(OUTPUTS)[(slice(None), *job.core)] = part.values
        certainty = Certainty()
        if header.result == "instances":
            certainty.add(part.values[: len(header.classes)])
        return Predicted(certainty, here.fill)


class _Part:
    """Takes rows of a box of tiles, and keeps the part of it that is wanted."""

    def __init__(self, part: Block, box: Block, outputs: int) -> None:
        self._inside = tuple(slice(p.start - b.start, p.stop - b.start) for p, b in zip(part, box, strict=True))
        self.values = np.zeros((outputs, *(side.stop - side.start for side in part)), np.float16)

    def __setitem__(self, place: tuple[slice, slice], rows: NDArray[np.float16]) -> None:
        along, *rest = self._inside
        first, last = place[1].start, place[1].stop
        begin, end = max(first, along.start), min(last, along.stop)
        if begin < end:
            taken = rows[(slice(None), slice(begin - first, end - first), *rest)]
            self.values[:, begin - along.start : end - along.start] = taken


def separate(job: BlockJob) -> int:
    """Separate the objects of a block, hand them on as ``objects NUMBER``, and return how many there are."""
    with at_work():
        labels, count = objects_of_block(job.plan.array(OUTPUTS), _instances(job.plan), job.core)
        if count:
            job.plan.hand_on(_objects(job.index), labels)
        return count


def compose(job: BlockJob) -> Counted:
    """Lay the objects of a block and its neighbours together, each with its number, and write the block."""
    with at_work():
        plan, shape = job.plan, job.plan.array(OUTPUTS).shape[1:]
        target = plan.array(_composed(plan))
        here = np.zeros([side.stop - side.start for side in job.core], np.int32)
        for other in job.neighbours:
            wide = with_halo(other.core, shape)
            both = [slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in zip(job.core, wide, strict=True)]
            inside = tuple(slice(s.start - a.start, s.stop - a.start) for s, a in zip(both, job.core, strict=True))
            theirs = tuple(slice(s.start - b.start, s.stop - b.start) for s, b in zip(both, wide, strict=True))
            here[inside] = laid_below(here[inside], plan.array(_objects(other.index))[theirs], other.first_id)
        target[job.core] = here
        return Counted.of(here)


def draw(job: BlockJob) -> Counted:
    """Draw the objects of a block of the image, of which the network saw one that was resized."""
    with at_work():
        plan = job.plan
        full = plan.array(FULL)
        labels = resize_block(plan.array(SMALL), plan.array(OUTPUTS), _instances(plan), full.shape, job.core)
        full[job.core] = labels
        return Counted.of(labels)


def choose_classes(job: BlockJob) -> None:
    """Choose the likeliest class of each pixel of a block of the image."""
    with at_work():
        plan = job.plan
        outputs, full = plan.array(OUTPUTS), plan.array(FULL)
        header, choice = plan.loaded().header, plan.task.settings.choice
        full[job.core] = block_classes(header, choice, outputs, outputs.shape[1:], full.shape, job.core)


def _instances(plan: BlockPlan) -> InstanceSettings:
    return plan.task.settings.choice.of_instances(plan.loaded().header.instances)


def _objects(index: int) -> str:
    return f"objects {index}"


def _composed(plan: BlockPlan) -> str:
    return FULL if plan.array(OUTPUTS).shape[1:] == plan.array(FULL).shape else SMALL
