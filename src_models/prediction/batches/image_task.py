"""Segmenting one image of several: what is asked for, and what there is to tell of it, both as plain values.

They go to another process and come back from it, or stay in this one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src_models.errors import OutputError, UserError
from src_models.prediction.settings import RunSettings
from src_models.progress import Progress, finish

if TYPE_CHECKING:
    from src_models.files.image_list import OneImage
    from src_models.files.images import ImageFile
    from src_models.files.volumes.dicom.stack import Uneven
    from src_models.models.checkpoint import Model
    from src_models.prediction.segmentation import Segmentation
    from src_models.prediction.to_file import Results, Written

__all__ = ["Failure", "ImageReport", "ImageTask", "failure_of", "segment_image", "segment_image_steps"]

Report = Callable[[Progress], None]
OnOpen = Callable[[str, tuple[str, ...]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTask:
    """What is asked for of one image.

    Parameters
    ----------
    image
        The image.
    output, into, scan_format, overwrite
        Where results go, as of :func:`~src_models.prediction.to_file.segment_to_file`.
    axes, channels, uneven
        How it is read, by hand.
    settings
        How it is segmented.
    glass
        Whether the whole of a slide is looked at, also where there is no tissue.
    """

    image: OneImage
    output: Path
    into: str | None = None
    scan_format: str = "nifti"
    overwrite: bool = False
    axes: str | None = None
    channels: int | tuple[int, ...] | None = None
    uneven: Uneven = "refuse"
    settings: RunSettings
    glass: bool = False

    @property
    def results(self) -> Results:
        """Where the labels go."""
        from src_models.prediction.to_file import Results

        image = self.image
        return Results.of(image.path, self.output, series=image.series, into=self.into, scan_format=self.scan_format)

    def anywhere(self) -> ImageTask:
        """Return the same task for a process with another working folder."""
        return replace(self, image=replace(self.image, path=self.image.path.absolute()), output=self.output.absolute())

    def on_tissue(self, image: ImageFile) -> ImageTask:
        """Return the same task for the tissue of an image, where that is a slide and has glass around it."""
        from src_models.files.slides.slide_tissue import tissue_of

        tissue = None if self.glass else tissue_of(image)
        return self if tissue is None else replace(self, settings=replace(self.settings, tissue=tissue))

    def open(self) -> ImageFile:
        """Open the image, and read it as a person said.

        Raises
        ------
        UserError
            If it cannot be opened, or has no such axes, channels or series.
        """
        from src_models.files.images import read_image

        series = None if self.image.series is None else self.image.series.number
        image = read_image(self.image.path, axes=self.axes, series=series, uneven=self.uneven)
        return replace(image, reading=image.reading.with_channel(self.channels, image.title))


@dataclass(frozen=True, slots=True)
class ImageReport:
    """What there is to tell of an image that was segmented.

    Parameters
    ----------
    read, notes
        How it was read, and what a person should know of that.
    found
        What was found and written, and how, in lines.
    advice
        What may be wrong, and what to try.
    maps
        The attention maps that were written, in a line each.
    log
        A line for the log.
    empty
        Whether nothing was found.
    summary
        What was found, in a few words.
    labels
        The file with the labels.
    """

    read: str
    notes: tuple[str, ...]
    found: tuple[str, ...]
    advice: tuple[str, ...]
    maps: tuple[str, ...]
    log: str
    empty: bool
    summary: str
    labels: Path


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an image was not segmented.

    Parameters
    ----------
    message
        A sentence that names the image.
    hopeless
        Whether the images after it would fail in the same way: nothing can be written.
    unforeseen
        What was raised, where it is a bug, or no memory.
    meanwhile
        Whether another process has written the results since this one looked.
    """

    message: str
    hopeless: bool = False
    unforeseen: BaseException | None = None
    meanwhile: bool = False


def failure_of(task: ImageTask, error: BaseException) -> Failure:
    """Return what to tell of an error."""
    title = task.image.title
    if not isinstance(error, UserError):
        told = f"{title}: it failed in a way that was not foreseen ({error!r}); please report it"
        return Failure(told, unforeseen=error)
    meanwhile = isinstance(error, OutputError) and not task.overwrite and bool(task.results.existing)
    if isinstance(error, OutputError) and not meanwhile:
        return Failure(str(error), hopeless=True)
    message = str(error) if str(task.image.path) in str(error) else f"{title}: {error}"
    return Failure(message, meanwhile=meanwhile)


Predict = Callable[..., "Segmentation"]
Steps = Generator[Progress, None, "Segmentation"]


def segment_image(
    task: ImageTask,
    model: Model,
    *,
    image: ImageFile | None = None,
    predict: Predict | None = None,
    on_open: OnOpen | None = None,
    on_progress: Report | None = None,
) -> ImageReport:
    """Segment an image and write its results, in one call.

    Parameters
    ----------
    task
        What is asked for.
    model
        The model.
    image
        The image, where it is open already.
    predict
        Segments it: takes the image, the task, the model, `labels_out` and `on_progress`; None does it here, from the
        first tile to the last.
    on_open
        Called before the work with how the image is read, and what a person should know of that.
    on_progress
        Called after every step.

    Raises
    ------
    UserError
        If it cannot be read, does not fit the model, or its results cannot be written.
    """
    if predict is None:
        return finish(segment_image_steps(task, model, image=image, on_open=on_open), on_progress)
    predicts = predict

    def at_once(opened: ImageFile, asked: ImageTask, labels_out: Any) -> Steps:
        yield from ()
        return predicts(opened, asked, model, labels_out=labels_out, on_progress=on_progress)

    return finish(_steps(task, image, at_once, on_open))


def segment_image_steps(
    task: ImageTask, model: Model, *, image: ImageFile | None = None, on_open: OnOpen | None = None
) -> Generator[Progress, None, ImageReport]:
    """Do the same step by step; closing the generator ends it, and leaves nothing behind.

    Parameters
    ----------
    task, model, image, on_open
        As of :func:`segment_image`.

    Yields
    ------
    Progress
        After every tile.

    Returns
    -------
    ImageReport
        What there is to tell.
    """
    from src_models.prediction.segment import segment_steps

    def predict(opened: ImageFile, asked: ImageTask, labels_out: Any) -> Steps:
        return segment_steps(
            opened.data,
            model,
            axes=opened.reading,
            labels_out=labels_out,
            name=opened.title,
            **asked.settings.keywords,
        )

    return (yield from _steps(task, image, predict, on_open))


def _steps(
    task: ImageTask,
    image: ImageFile | None,
    predict: Callable[[ImageFile, ImageTask, Any], Steps],
    on_open: OnOpen | None,
) -> Generator[Progress, None, ImageReport]:
    from src_models.prediction.to_file import segment_to_file_steps

    opened = image or task.open()
    read = f"{opened.title}: {opened.reading.describe()}"
    if on_open is not None:
        on_open(read, opened.notes)
    asked = task.on_tissue(opened)
    begun = time.perf_counter()
    written = yield from segment_to_file_steps(
        opened,
        lambda labels_out: predict(opened, asked, labels_out),
        task.output,
        overwrite=task.overwrite,
        into=task.into,
        scan_format=task.scan_format,
    )
    return _told(opened, read, written, time.perf_counter() - begun)


def _told(image: ImageFile, read: str, written: Written, seconds: float) -> ImageReport:
    segmentation = written.segmentation
    found = []
    if not all(file.name.startswith(f"{image.name}_") for file in (written.labels, *written.maps)):
        found.append("its name is too long to be continued in a file's name, so results have a shorter one")
    share = " of the image" if segmentation.summary.endswith("%") else ""
    found += [f"{segmentation.summary}{share} -> {written.labels}", f"read as {segmentation.read_as}"]
    maps = [
        f"{placed.description} -> {file}" for placed, file in zip(segmentation.attention, written.maps, strict=True)
    ]
    outlines = [] if written.outlines is None else [f"outlines -> {written.outlines}"]
    settings = segmentation.provenance["settings"]
    tiles = " x ".join(map(str, settings["tile"]))
    return ImageReport(
        read,
        image.notes,
        tuple(filter(None, [*found, segmentation.size])),
        (*segmentation.advice, *segmentation.notes),
        (*maps, *outlines),
        f"{image.title} took {seconds:.2f} s ({settings['device']}, {settings['precision']}, tiles of {tiles} px), "
        f"record in {written.record}",
        _is_empty(segmentation),
        f"{segmentation.summary}{share}",
        written.labels,
    )


def _is_empty(found: Segmentation) -> bool:
    pixels = dict(found.found.get("pixels", {}))
    pixels.pop("background", None)
    return found.found.get("objects") == 0 or (bool(pixels) and not any(pixels.values()))
