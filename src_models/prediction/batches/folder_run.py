"""Many images segmented one after the other, without a window: what is asked for, how far each is, and the work.

:func:`segment_folder_steps` runs in a worker thread and yields after every tile; closing it ends the run there. What
has become of an image is told as an :class:`ImageRow`, which replaces the one before it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from src_models.errors import OutputError, UserError
from src_models.prediction.batches.choosing import Place, check_names, choose_image
from src_models.prediction.batches.image_task import (
    Failure,
    ImageReport,
    ImageTask,
    failure_of,
    segment_image_steps,
)
from src_models.prediction.settings import RunSettings, check_segments
from src_models.progress import Progress

if TYPE_CHECKING:
    from src_models.files.image_list import OneImage
    from src_models.models.checkpoint import Model

__all__ = ["FolderJob", "FolderResult", "ImageRow", "images_in", "results_folder", "segment_folder_steps"]

State = Literal["waiting", "working", "done", "passed over", "failed"]
OnRow = Callable[[int, "ImageRow"], object]

_PER_IMAGE = 100  # parts of an image that progress is told in

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ImageRow:
    """How far an image is.

    Parameters
    ----------
    image
        The image.
    state
        Whether it waits, is worked on, is done, had its results, or failed.
    share
        How much of it is done, from 0 to 1.
    said
        What was found, or the sentence on why it failed.
    labels
        The file with the labels, once it is there.
    """

    image: OneImage
    state: State = "waiting"
    share: float = 0.0
    said: str = ""
    labels: Path | None = None

    @property
    def words(self) -> str:
        """The state, in a few words."""
        return f"working, {self.share:.0%}" if self.state == "working" else self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderJob:
    """What is asked for.

    Parameters
    ----------
    images
        The images, whose results are called by their names.
    output
        The folder for the results.
    model
        The model file.
    settings
        How each is segmented.
    scan_format
        How labels are written, as of :class:`~src_models.prediction.batches.choosing.Place`.
    replace_existing
        Whether results that are there are replaced; else their images are passed over.
    threads
        Threads to compute with on the CPU; 0 takes all cores but one, which is left to the viewer.
    channels
        The channels that are looked at, of every image; None for all.
    workers
        How many images are worked on at a time, each by a process of its own.
    """

    images: tuple[OneImage, ...]
    output: Path
    model: Path
    settings: RunSettings
    scan_format: str = "nifti"
    replace_existing: bool = False
    threads: int = 0
    channels: tuple[int, ...] | None = None
    workers: int = 1

    @property
    def place(self) -> Place:
        """Where results go."""
        maps = () if isinstance(self.settings.attention, bool) else tuple(self.settings.attention)
        return Place(self.output, maps, scan_format=self.scan_format)

    def with_results(self) -> list[OneImage]:
        """Return the images of which some results are there, which would be replaced."""
        return [image for image in self.images if self.place.results(image).existing]

    def task(self, image: OneImage) -> ImageTask:
        """Return what is asked for of one image."""
        return ImageTask(
            image=image,
            output=self.output,
            scan_format=self.scan_format,
            overwrite=self.replace_existing,
            channels=self.channels,
            settings=self.settings,
        )


@dataclass(frozen=True, slots=True)
class FolderResult:
    """What has become of all images.

    Parameters
    ----------
    rows
        Each image, in their order.
    report
        The page on them.
    """

    rows: tuple[ImageRow, ...]
    report: Path

    def count(self, state: State) -> int:
        """Return how many images are in a state."""
        return sum(row.state == state for row in self.rows)

    @property
    def summary(self) -> str:
        """What is said at the end."""
        done, passed, failed = (self.count(state) for state in ("done", "passed over", "failed"))
        parts = [f"{done} of {len(self.rows)} images segmented"]
        if passed:
            parts.append(f"{passed} had results and {'was' if passed == 1 else 'were'} passed over")
        if failed:
            parts.append(f"{failed} failed, as the list says")
        return "; ".join(parts)


def images_in(sources: Sequence[Path]) -> tuple[OneImage, ...]:
    """Return the images in files and folders, each once; of a file that holds several, all.

    Raises
    ------
    UserError
        If there are none, or results of two would have the same name.
    """
    from src_models.files.image_list import each_image, list_images

    images = tuple(each_image(list_images(sources).images))
    check_names(images)
    return images


def results_folder(sources: Sequence[Path], model: str) -> Path:
    """Return the folder for results that is proposed: beside the one of the images, called after it and the model.

    Examples
    --------
    >>> results_folder([Path("data", "plate", "a.tif"), Path("data", "plate", "b.tif")], "nuclei").as_posix()
    'data/plate_nuclei'
    """
    first = sources[0]
    folder = first if first.is_dir() else first.parent
    return folder.with_name(f"{folder.name}_{model}") if folder.name else folder / f"results_{model}"


def segment_folder_steps(job: FolderJob, on_row: OnRow) -> Generator[Progress, None, FolderResult]:
    """Segment images; one that fails does not stop those after it. At the end a report is written.

    Parameters
    ----------
    job
        What is asked for.
    on_row
        Called, in the thread that goes through the steps, with the place of an image and what has become of it.

    Yields
    ------
    Progress
        After every tile, of all images together.

    Returns
    -------
    FolderResult
        What has become of each.

    Raises
    ------
    UserError
        If the model does not segment, or nothing can be written.
    """
    from src_models.computing.execution import computing_threads
    from src_models.disk.atomic import check_writable
    from src_models.models.loaded import load_model
    from src_models.prediction.batches.report.page import report_steps

    _check_output(job.output)
    check_names(job.images)
    check_writable(job.output)
    model = load_model(job.model)
    check_segments(model.header)
    rows = [ImageRow(image) for image in job.images]

    def tell(number: int, row: ImageRow) -> None:
        rows[number] = row
        on_row(number, row)

    yield Progress(0, 0, "looking for results")
    chosen = _choose(job, rows, tell)
    if job.workers > 1 and len(chosen) > 1:
        yield from _several(job, chosen, rows, tell)
    else:
        with computing_threads(job.threads or None):
            yield from _one_by_one(job, model, chosen, rows, tell)
    report = yield from report_steps(rows, job.output, model.header.name)
    return FolderResult(tuple(rows), report)


def _check_output(output: Path) -> None:
    from src_models.files.zarr import is_zarr

    if is_zarr(output):
        raise OutputError(f"{output}: it is a zarr and no folder for results; choose another one")


def _choose(job: FolderJob, rows: Sequence[ImageRow], tell: OnRow) -> list[int]:
    """Return the places of the images that are segmented, and tell what becomes of the others."""
    chosen = []
    for number, row in enumerate(rows):
        choice = choose_image(
            row.image, job.place, skip_existing=not job.replace_existing, overwrite=job.replace_existing
        )
        if choice.does == "work":
            chosen.append(number)
        elif choice.does == "skip":
            labels = next(path for path in job.place.results(row.image).labels if path in choice.existing)
            tell(number, replace(row, state="passed over", said="it has results", labels=labels))
        elif choice.does == "leave":
            said = f"{choice.existing[0]} exists already; remove it, or have results replaced"
            tell(number, replace(row, state="failed", said=said))
        else:
            tell(number, replace(row, state="failed", said=choice.why))
    return chosen


def _one_by_one(
    job: FolderJob, model: Model, chosen: Sequence[int], rows: Sequence[ImageRow], tell: OnRow
) -> Generator[Progress, None, None]:
    for place, number in enumerate(chosen):
        where = f"{rows[number].image.name} ({place + 1} of {len(chosen)})" if len(chosen) > 1 else "segmenting"
        for step in _one(job, model, number, rows[number], tell):
            share = step.done / step.total if step.total else 0.0
            done = place * _PER_IMAGE + round(share * _PER_IMAGE)
            yield Progress(done, len(chosen) * _PER_IMAGE, f"{where}: {step.message}")


def _several(
    job: FolderJob, chosen: Sequence[int], rows: Sequence[ImageRow], tell: OnRow
) -> Generator[Progress, None, None]:
    """Segment several images at a time; which ones are under way is not told, but what became of each."""
    from src_models.prediction.batches.several import several_steps

    tasks = [job.task(rows[number].image) for number in chosen]
    numbers = dict(zip(map(id, tasks), chosen, strict=True))
    done, count = 0, min(job.workers, len(tasks))
    yield Progress(0, len(tasks), f"starting {count} workers")
    with closing(several_steps(tasks, job.model, count, job.settings.device)) as outcomes:
        for outcome in outcomes:
            if outcome is not None:
                task, found = outcome
                done += 1
                _end(task, found, numbers[id(task)], rows[numbers[id(task)]], tell)
            yield Progress(done, len(tasks), f"{done} of {len(tasks)} images, {count} at a time")


def _end(task: ImageTask, found: ImageReport | Failure, number: int, row: ImageRow, tell: OnRow) -> None:
    """Tell what became of an image."""
    if isinstance(found, ImageReport):
        tell(number, replace(row, state="done", share=1.0, said=found.summary, labels=found.labels))
        return
    if found.unforeseen is not None:
        _log.error("%s failed", task.image.title, exc_info=found.unforeseen)
    tell(number, replace(row, state="failed", said=found.message))
    if found.hopeless:
        raise UserError(found.message)


def _one(job: FolderJob, model: Model, number: int, row: ImageRow, tell: OnRow) -> Generator[Progress, None, None]:
    """Segment one image; what goes wrong with it alone is told and not raised."""
    task = job.task(row.image)
    tell(number, replace(row, state="working"))
    steps = segment_image_steps(task, model)
    try:
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                _end(task, end.value, number, row, tell)
                return
            tell(number, replace(row, state="working", share=step.done / step.total if step.total else 0.0))
            yield step
    except GeneratorExit:
        steps.close()
        tell(number, row)
        raise
    except Exception as error:
        _end(task, failure_of(task, error), number, row, tell)
