"""Many images by the workers of a cluster: a task for each, and for each block of those that are very large."""

from __future__ import annotations

import math
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from src_models.computing.cluster.at_work import at_work
from src_models.computing.cluster.workers import ClusterLostError, Workers
from src_models.errors import UserError
from src_models.models.checkpoint import file_content, load
from src_models.prediction.batches.image_task import Failure, ImageReport, ImageTask, failure_of, segment_image
from src_models.prediction.batches.sent_model import sent_model
from src_models.prediction.to_file import LARGE

if TYPE_CHECKING:
    from src_models.files.images import ImageFile
    from src_models.models.checkpoint import Model
    from src_models.prediction.segmentation import Segmentation
    from src_models.progress import Progress

__all__ = ["FEW_LARGE", "Order", "TooLarge", "segment_batch", "segment_order"]

FEW_LARGE = 2048 * 2048 * 2  # pixels; where workers would be idle, images that are larger are cut into blocks

_FOLDER = ".napari-medt-"
_CLEAR = "there were no results yet"


@dataclass(frozen=True, slots=True)
class Order:
    """A task as it goes to a worker.

    Parameters
    ----------
    task
        What is asked for.
    model
        Key of the model.
    number
        Of the task among all.
    few
        Whether there are fewer images than workers.
    folder
        Where a file says that a worker began: one that finds it there comes after one that died.
    """

    task: ImageTask
    model: str
    number: int
    few: bool
    folder: Path

    def begin(self) -> ImageTask:
        """Return the task; after a worker died that wrote some of the results, one that overwrites them.

        Raises
        ------
        UserError
            If this worker does not see the folder of the results.
        """
        mark = self.folder / f"{self.number}.begun"
        try:
            with mark.open("x") as file:
                file.write("" if self.task.results.existing else _CLEAR)
        except FileExistsError:  # what was not there when the first one began is of that one's making
            return replace(self.task, overwrite=self.task.overwrite or mark.read_text() == _CLEAR)
        except FileNotFoundError as error:
            raise UserError(
                f"the worker on {platform.node()} does not see the folder {self.folder.parent}: images and results "
                "must lie where all workers find them by the same name"
            ) from error
        return self.task


class TooLarge:
    """What a worker answers of an image that is to be cut into blocks."""


Outcome = ImageReport | Failure


def segment_batch(
    tasks: Sequence[ImageTask],
    model: Path,
    workers: Workers,
    wanted: int,
    *,
    on_large: Callable[[ImageTask, Progress], None] | None = None,
) -> Iterator[tuple[ImageTask, Outcome]]:
    """Segment images, and yield what became of each as it is done: very large ones last.

    Parameters
    ----------
    tasks
        The images, whose results all go to one folder.
    model
        The file of the model.
    workers
        Who does it. They see images and folder by the same names as this process.
    wanted
        How many workers there will be: with fewer images, those of over :data:`FEW_LARGE` pixels are cut into blocks.
    on_large
        Called after every block of an image that is cut.

    Raises
    ------
    ClusterLostError
        If the scheduler is gone.
    """
    output = tasks[0].output.absolute()
    with TemporaryDirectory(dir=output, prefix=_FOLDER, ignore_cleanup_errors=True) as folder:
        key = workers.send(file_content(model))
        few, place = len(tasks) < wanted, Path(folder)
        orders = [
            Order(task if workers.here else task.anywhere(), key, number, few, place)
            for number, task in enumerate(tasks)
        ]
        large: list[ImageTask] = []
        for answer in workers.run(segment_order, orders):
            task = tasks[answer.item.number]
            if answer.error is not None:
                yield task, failure_of(task, answer.error)
            elif isinstance(answer.result, TooLarge):
                large.append(task)
            elif answer.result is not None:
                yield task, answer.result
        for task in large:
            yield task, _in_blocks(task, model, workers, key, Path(folder), on_large)


def segment_order(order: Order) -> Outcome | TooLarge:
    """Do a task, in a worker."""
    with at_work():
        try:
            task = order.begin()
            image = task.open()
            if is_cut(image, task, few=order.few):
                return TooLarge()
            return segment_image(task, sent_model(order.model), image=image)
        except UserError as error:
            return failure_of(order.task, error)


def is_cut(image: ImageFile, task: ImageTask, *, few: bool) -> bool:
    """Tell whether an image is cut into blocks: no worker has room for it, or others would be idle.

    Attention maps are recorded in one piece.
    """
    if task.settings.attention:
        return False
    pixels = math.prod(image.reading.without_channels().shape)
    lazy = not isinstance(image.data, np.ndarray)
    return (lazy and pixels > LARGE) or (few and pixels > FEW_LARGE)


def _in_blocks(
    task: ImageTask,
    model: Path,
    workers: Workers,
    key: str,
    folder: Path,
    on_large: Callable[[ImageTask, Progress], None] | None,
) -> Outcome:
    from src_models.prediction.blocks.block_run import segment_in_blocks

    def report(progress: Progress) -> None:
        if on_large is not None:
            on_large(task, progress)

    def predict(
        image: ImageFile, task: ImageTask, loaded: Model, *, labels_out: Any, on_progress: Callable[[Progress], None]
    ) -> Segmentation:
        return segment_in_blocks(
            image,
            task.anywhere(),
            loaded,
            pool=workers,
            key=key,
            folder=folder,
            labels_out=labels_out,
            on_progress=on_progress,
        )

    try:
        return segment_image(task, load(model), predict=predict, on_progress=report)
    except ClusterLostError:
        raise
    except Exception as error:  # also a bug: the other images are not lost by it
        return failure_of(task, error)
