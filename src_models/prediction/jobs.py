"""A run of a model on an image layer, without viewer or Qt: what is wanted, and the generator that does it.

A :class:`RegionRun` is put together on the GUI thread from plain values; :func:`segmentation_steps` runs in a worker
thread, yields after every tile, and ends with a :class:`RegionResult`. Closing the generator cancels the run.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src_models.images.region import Region
from src_models.labels.pieces import ALL, pieces_wanted
from src_models.models.loaded import load_model
from src_models.prediction.settings import RunSettings

if TYPE_CHECKING:
    from src_models.images.slides.tissue import Tissue
    from src_models.prediction.segmentation import Segmentation
    from src_models.progress import Progress

PART = "All pieces were kept: which of them are strays can be told in the whole image alone, and this is a part of it."

__all__ = ["RegionResult", "RegionRun", "SegmentSettings", "continue_numbers", "segmentation_steps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSettings(RunSettings):
    """What a person set in the widget: the model, and how it runs.

    Parameters
    ----------
    model
        The model file.
    attention
        Names of the attention maps to add.
    threads
        Threads to compute with on the CPU; 0 takes all cores but one, which is left to the viewer.
    glass
        Whether all of a whole slide is looked at, also where there is no tissue.
    """

    model: Path
    attention: tuple[str, ...] = ()
    threads: int = 0
    glass: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionRun:
    """One run: settings, and the image layer as it was when the run began.

    Parameters
    ----------
    settings
        What the person set.
    data
        The layer's array at full resolution; it is only read.
    region
        The box of it that is segmented.
    layer_id, layer_name
        Which layer it is, for finding it again and for messages.
    levels
        The same array at coarser levels, where the layer has some: of a whole slide they show where tissue is.
    previous
        Labels of an earlier run that cover the whole layer and that this run's objects are added to: their numbers
        are continued.
    """

    settings: SegmentSettings
    data: Any
    region: Region
    layer_id: Hashable
    layer_name: str
    levels: Sequence[Any] = ()
    previous: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionResult:
    """What a run gave.

    Parameters
    ----------
    job
        The run.
    model_name
        Name of the model, for naming layers.
    labels
        Labels of the region, with one axis for every axis of the layer.
    segmentation
        The rest of what the run gave: attention maps in pixels of the region, provenance. Large maps are on disk, and
        only as long as this object lives.
    summary
        What was found, in a few words.
    """

    job: RegionRun
    model_name: str
    labels: Any
    segmentation: Segmentation
    summary: str


def segmentation_steps(job: RegionRun) -> Generator[Progress, None, RegionResult]:
    """Run a job.

    Parameters
    ----------
    job
        The run.

    Yields
    ------
    Progress
        After every tile.

    Returns
    -------
    RegionResult
        What was found.

    Raises
    ------
    UserError
        If the model cannot be loaded, or does not fit the image.
    """
    from src_models.computing.execution import computing_threads
    from src_models.prediction.segment import segment_steps

    settings, model = job.settings, load_model(job.settings.model)
    region = job.region.around(model.header.slices)
    cut, name = region.cut(job.data), f"layer {job.layer_name!r}"
    keywords, of_a_part = settings.keywords, not region.whole_space
    kept = pieces_wanted(settings.pieces, model.header) if of_a_part else {}
    if of_a_part:  # what is connected beyond its edges is not known
        keywords["pieces"] = ALL
    with computing_threads(settings.threads or None):
        segmentation = yield from segment_steps(
            cut,
            model,
            axes=region.sub_reading(cut, name),
            channels=region.sub_chosen,
            name=name,
            **keywords | {"tissue": _tissue(job)},
        )
    if kept and segmentation.result == "semantic":
        segmentation.notes = (*segmentation.notes, PART)
    return _outcome(job, segmentation)


def _tissue(job: RegionRun) -> Tissue | None:
    """Return where there is tissue in what is looked at; None where all of it is."""
    from src_models.files.slides.slide_tissue import tissue_in

    if job.settings.glass:
        return None
    whole = tissue_in((job.data, *job.levels), job.region.letters)
    if whole is None:
        return None
    sides = [(job.region.index[axis], job.region.shape[axis]) for axis in map(job.region.letters.index, "YX")]
    box = [side for side, _ in sides if isinstance(side, slice)]
    return whole.within(box, [size for _, size in sides]) if len(box) == 2 else None


def _outcome(job: RegionRun, segmentation: Segmentation) -> RegionResult:
    segmentation.probabilities = None  # no layer shows them, and they are large
    channels = job.region.channels  # of the layer, which the network was given alone
    segmentation.provenance["settings"]["channels"] = None if channels is None else list(channels)
    labels = job.region.expand(segmentation.labels)
    if segmentation.result == "instances" and job.previous is not None:
        labels = continue_numbers(labels, job.previous, job.region)
    name = job.settings.model.stem
    return RegionResult(
        job=job, model_name=name, labels=labels, segmentation=segmentation, summary=segmentation.summary
    )


def continue_numbers(labels: Any, previous: Any, region: Region) -> Any:
    """Let numbers go on after those of the other planes, so that no two objects of a layer share a number."""
    if not isinstance(labels, np.ndarray) or previous.shape != region.layer_shape or region.whole:
        return labels
    elsewhere = np.array(previous)
    elsewhere[region.layer_index] = 0
    return np.where(labels > 0, labels + elsewhere.max(), 0).astype(labels.dtype)
