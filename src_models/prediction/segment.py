"""Segmenting an image of any size: the one place where a model meets an image.

>>> import numpy as np
>>> from src_models.models.architectures import create
>>> from src_models.models.checkpoint import Model
>>> from src_models.models.header import ModelHeader
>>> config = {"in_channels": 1, "classes": 2, "widths": (4, 8, 8)}
>>> header = ModelHeader(name="tiny", purpose="an example", architecture="attention-unet", config=config,
...                      classes=("background", "cell"), channels=("grey",))
>>> result = segment(np.eye(50), Model(create("attention-unet", **config), header), attention=True)
>>> result.labels.shape, [m.name for m in result.attention], result.attention[0].scale
((50, 50), ['gate 2'], (2.0, 2.0))
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence
from typing import Any

from src_models.images.axes import AxesReading
from src_models.images.grey.grey_range import GreyRange
from src_models.images.model_image import ModelImage
from src_models.images.slides.tissue import Tissue
from src_models.labels.pieces import WantedPieces
from src_models.models.checkpoint import Model
from src_models.prediction.blocks.segmentation_run import SegmentationRun
from src_models.prediction.segmentation import ResultName, Segmentation
from src_models.prediction.settings import RunSettings, check_segments
from src_models.progress import Progress, finish

__all__ = ["segment", "segment_steps"]


def segment(
    image: Any,
    model: Model,
    *,
    axes: str | AxesReading | None = None,
    channels: int | Sequence[int] | None = None,
    channel: int | None = None,
    grey_range: GreyRange | str | Sequence[float] | None = None,
    attention: bool | Collection[str] = False,
    diameter: float | None = None,
    sensitivity: float = 0.0,
    least_size: float = 0.0,
    drop_edge: bool = False,
    flips: bool = False,
    tile: int | None = None,
    result: ResultName | None = None,
    link: str = "z",
    pieces: WantedPieces = None,
    device: str = "auto",
    tissue: Tissue | None = None,
    labels_out: Any = None,
    name: str = "the image",
    on_progress: Callable[[Progress], None] | None = None,
) -> Segmentation:
    """Segment an image; see :func:`segment_steps`, of which this is the whole run in one call."""
    settings = RunSettings(
        attention=attention,
        grey_range=GreyRange.of(grey_range),
        diameter=diameter,
        sensitivity=sensitivity,
        least_size=least_size,
        drop_edge=drop_edge,
        flips=flips,
        tile=tile,
        result=result,
        link=link,
        pieces=pieces,
        device=device,
        tissue=tissue,
    )
    chosen = channel if channels is None else channels
    steps = _steps(image, model, settings, axes=axes, channels=chosen, labels_out=labels_out, name=name)
    return finish(steps, on_progress)


def segment_steps(
    image: Any,
    model: Model,
    *,
    axes: str | AxesReading | None = None,
    channels: int | Sequence[int] | None = None,
    channel: int | None = None,
    grey_range: GreyRange | str | Sequence[float] | None = None,
    attention: bool | Collection[str] = False,
    diameter: float | None = None,
    sensitivity: float = 0.0,
    least_size: float = 0.0,
    drop_edge: bool = False,
    flips: bool = False,
    tile: int | None = None,
    result: ResultName | None = None,
    link: str = "z",
    pieces: WantedPieces = None,
    device: str = "auto",
    tissue: Tissue | None = None,
    labels_out: Any = None,
    name: str = "the image",
) -> Generator[Progress, None, Segmentation]:
    """Segment an image, one tile after each step; closing the generator cancels the run.

    Parameters
    ----------
    image
        NumPy, dask or zarr array; 2D, RGB, multichannel, stack, time series or volume. It is read tile by tile.
    model
        From :func:`src_models.load`.
    axes
        The image's axes, such as ``"ZYX"``, or how they were read; None guesses
        (:func:`~src_models.images.axes.read_axes`).
    channels
        The one channel that is looked at, counted from 0, or several in the order in which the model gets them, such as
        ``(2, 0, 1)``. None takes all; three that look like three dyes are then refused, others are taken for red, green
        and blue.
    channel
        The same as `channels`, of one.
    grey_range
        The range of grey values that counts: two of them, ``"percentile:LOW:HIGH"``, or a
        :class:`~src_models.images.grey.grey_range.GreyRange`. None takes what the model was made for, less specks that
        are far brighter or darker than all else.
    attention
        True records every attention map; or the names of those to record.
    diameter
        Diameter (px) of the objects; None estimates it where the model can tell.
    sensitivity
        From -1 to 1: above 0, fainter objects are found, and more of each; below, only the surest
        (:class:`~src_models.labels.object_choice.ObjectChoice`).
    least_size
        Smallest diameter (px of the image, of a circle of equal area; of a ball in 3D) of objects that are kept.
    drop_edge
        Whether objects that touch the edge of the image (in height or width) are dropped.
    flips
        Whether every tile is looked at from four sides, as it is and mirrored, and the mean taken: a little better for
        images that have no up and down, and four times slower (:mod:`src_models.computing.flips`).
    tile
        Tile size (px); None takes the model's.
    result
        None gives what the model was made for. ``"semantic"`` of a model of instances gives object against
        background; ``"instances"`` of a semantic model numbers connected regions.
    link
        Axes through which objects of neighbouring planes are linked into one, as letters: ``"z"``, ``"t"``, ``"zt"``,
        or none. Axes that the image lacks, or that the network sees whole, are passed over.
    pieces
        Of classes, how many connected pieces each keeps, the largest ones, in the whole of a volume: a number; numbers
        by class, as a mapping or as ``"liver, lungs:2"``; or ``"all"``. None takes what the model's file says, where
        the image has a depth: in one slice an organ may well be in several pieces.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    tissue
        Where on a slide there is tissue (:func:`~src_models.images.slides.tissue.find_tissue`): tiles that hold none
        are passed over, and have label 0. None takes every tile.
    labels_out
        Array of zeros to write the labels to (zarr, for images whose labels do not fit in memory).
    name
        What to call the image in errors.

    Yields
    ------
    Progress
        After each tile, and after each block of objects.

    Returns
    -------
    Segmentation
        When the generator is exhausted.

    Raises
    ------
    ImageError
        If the image is empty, complex, without a finite value, or has channels or axes that the model cannot take;
        if its channels look like dyes, and none was chosen.
    UserError
        If an attention map is unknown, the tile is too small, a number is out of its range, or the device is missing.

    Notes
    -----
    Values that are NaN or infinite are taken as the lowest value of the image; :attr:`Segmentation.notes` says so.
    """
    settings = RunSettings(
        attention=attention,
        grey_range=GreyRange.of(grey_range),
        diameter=diameter,
        sensitivity=sensitivity,
        least_size=least_size,
        drop_edge=drop_edge,
        flips=flips,
        tile=tile,
        result=result,
        link=link,
        pieces=pieces,
        device=device,
        tissue=tissue,
    )
    chosen = channel if channels is None else channels
    return (yield from _steps(image, model, settings, axes=axes, channels=chosen, labels_out=labels_out, name=name))


def _steps(
    image: Any,
    model: Model,
    settings: RunSettings,
    *,
    axes: str | AxesReading | None,
    channels: int | Sequence[int] | None,
    labels_out: Any,
    name: str,
) -> Generator[Progress, None, Segmentation]:
    check_segments(model.header)
    ready = ModelImage(
        image,
        model.header,
        axes=axes,
        channels=channels,
        intensity=settings.grey_range,
        name=name,
        tissue=settings.tissue,
    )
    ready.check_colours()
    return (yield from SegmentationRun(ready, model, settings, labels_out).steps())
