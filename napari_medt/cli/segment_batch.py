"""What becomes of many images that are segmented in one go: where results go, and which images are left alone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medt.cli.console import Console, complain
from src_models.errors import OutputError

if TYPE_CHECKING:
    from src_models.files.image_list import OneImage
    from src_models.prediction.batches.choosing import ResultsPlace
    from src_models.prediction.batches.image_task import Failure, ImageReport, ImageTask

__all__ = ["Batch", "choose", "failed", "opened", "some", "succeeded"]

_log = logging.getLogger("napari_medt.cli.segment")

NAMED = 5  # of what is passed over


@dataclass(slots=True)
class Batch:
    """What becomes of the images."""

    total: int
    chosen: list[OneImage] = field(default_factory=list)
    skipped: int = 0  # as asked for
    refused: int = 0  # since they have results already
    failed: list[str] = field(default_factory=list)
    done: int = 0
    empty: int = 0  # of those done
    begun: float = field(default_factory=time.perf_counter)
    verb: str = "segmented"
    skips: bool = False  # what has results, also what another process writes meanwhile

    def summary(self, output: Path) -> str:
        """Return the one line at the end."""
        parts = [f"{self.done} of {self.total} images {self.verb} into {output}"]
        if self.done:
            parts[0] += f" in {time.perf_counter() - self.begun:.0f} s"
        if self.empty:
            parts.append(f"nothing was found in {self.empty}")
        if self.skipped:
            parts.append(f"{self.skipped} had results and {_were(self.skipped)} passed over")
        if self.refused:
            parts.append(f"{self.refused} had results and {_were(self.refused)} left: --overwrite replaces them")
        if self.failed:
            parts.append(f"{len(self.failed)} failed ({some(self.failed)})")
        return "; ".join(parts)


def some(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def choose(
    images: Sequence[OneImage], place: ResultsPlace, *, skip_existing: bool, overwrite: bool, verb: str = "segmented"
) -> Batch:
    """Choose before the work which images are segmented, and say why others are not."""
    from src_models.prediction.batches.choosing import check_names

    check_names(images)
    batch = Batch(len(images), verb=verb, skips=skip_existing)
    for image in images:
        _choose_one(batch, image, place, skip_existing=skip_existing, overwrite=overwrite)
    return batch


def _choose_one(batch: Batch, image: OneImage, place: ResultsPlace, *, skip_existing: bool, overwrite: bool) -> None:
    from src_models.prediction.batches.choosing import choose_image

    choice = choose_image(image, place, skip_existing=skip_existing, overwrite=overwrite)
    if choice.does == "work":
        batch.chosen.append(image)
    elif choice.does == "skip":
        batch.skipped += 1
    elif choice.does == "leave":
        batch.refused += 1
        done = "" if skip_existing else ", and --skip-existing passes over what is done"
        complain(f"{choice.existing[0]} exists already, so {image.title} was left; --overwrite replaces it{done}")
    else:
        batch.failed.append(image.title)
        complain(choice.why)


def opened(console: Console) -> Callable[[str, tuple[str, ...]], None]:
    """Return what says how an image is read that was just opened."""

    def say(read: str, notes: tuple[str, ...]) -> None:
        console.say(read)
        console.notes(notes)

    return say


def succeeded(batch: Batch, found: ImageReport, console: Console) -> None:
    """Count an image that was segmented, and say what was found and written."""
    batch.done += 1
    batch.empty += found.empty
    for line in found.found:
        console.say(f"  {line}")
    for line in found.advice:
        console.say(f"  {line}", style="yellow")
    for line in found.maps:
        console.say(f"  {line}")
    _log.info("%s", found.log)


def failed(batch: Batch, task: ImageTask, failure: Failure) -> None:
    """Count an image that was not segmented, and say why.

    Raises
    ------
    OutputError
        If the images after it would fail in the same way.
    """
    if failure.hopeless:
        raise OutputError(failure.message)
    if failure.meanwhile and batch.skips:
        batch.skipped += 1
        return
    batch.failed.append(task.image.title)
    if failure.unforeseen is not None:
        _log.error("not foreseen", exc_info=failure.unforeseen)
    complain(failure.message)
