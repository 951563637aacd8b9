"""Images segmented by several workers of this machine, as steps: they can be watched, and stopped at any time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Sequence
from pathlib import Path

from src_models.prediction.batches.cluster_batch import Outcome, segment_batch
from src_models.prediction.batches.image_task import ImageTask

__all__ = ["Outcome", "several_steps"]

_BEAT = 0.2  # s between looks at who asked: a stop is heard so soon
_PATIENCE = 30.0  # s for the last words of workers that were stopped


def several_steps(
    tasks: Sequence[ImageTask], model: Path, count: int, device: str
) -> Generator[tuple[ImageTask, Outcome] | None, None, None]:
    """Segment images by some workers, and yield what became of each as it is done, and None while there is nothing.

    Closing the generator ends the workers; what they had not finished leaves nothing.

    Parameters
    ----------
    tasks
        The images, whose results all go to one folder.
    model
        The file of the model.
    count
        How many workers.
    device
        What they run on.

    Raises
    ------
    UserError
        If the workers cannot be had, or are lost.
    """
    from src_models.computing.cluster.opening import open_workers

    told: queue.SimpleQueue[tuple[ImageTask, Outcome] | BaseException | None] = queue.SimpleQueue()

    with open_workers(count, device=device) as workers:

        def go_through() -> None:
            try:
                for outcome in segment_batch(tasks, model, workers, count):
                    told.put(outcome)
            except BaseException as error:  # also that the workers are gone, since nobody wants them any more
                told.put(error)
            else:
                told.put(None)

        thread = threading.Thread(target=go_through, name="several", daemon=True)
        thread.start()
        try:
            while True:
                try:
                    heard = told.get(timeout=_BEAT)
                except queue.Empty:
                    yield None
                    continue
                if heard is None:
                    return
                if isinstance(heard, BaseException):
                    raise heard
                yield heard
        except GeneratorExit:
            workers.leave()
            thread.join(_PATIENCE)
            raise
