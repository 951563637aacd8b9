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

import dataclasses
import errno
import tempfile
from collections.abc import Callable, Collection, Generator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from src_models.attention.placed_map import PlacedMap
from src_models.computing.execution import Execution, choose_execution, prepare
from src_models.computing.memory import reused_memory
from src_models.computing.package_versions import package_versions
from src_models.disk.scratch import Scratch
from src_models.errors import OutputError
from src_models.images.axes import AxesReading
from src_models.images.grey.grey_range import GreyRange
from src_models.images.model_image import ModelImage
from src_models.images.plane_source import PlaneSource
from src_models.images.planes import Plane
from src_models.images.resampling import Zoom, read_resized, zoomed_shape
from src_models.labels.labelling import blocks
from src_models.models.architectures import choose_attention
from src_models.models.checkpoint import Model
from src_models.prediction.object_size import LOOKING, ObjectSize, size_at_spacing, size_steps
from src_models.prediction.plane_labels import PlaneLabels
from src_models.prediction.plane_prediction import MapSink, PlanePrediction
from src_models.prediction.segmentation import ResultName, Segmentation
from src_models.prediction.settings import RunSettings, check_segments
from src_models.progress import Progress, finish

__all__ = ["segment", "segment_steps"]

KEPT_PROBABILITIES_BYTES = 512 * 2**20
FILLED = "Values that are NaN or infinite were taken as {:.4g}, the lowest value of the image."


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
    device: str = "auto",
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
        device=device,
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
    device: str = "auto",
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
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
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
        device=device,
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
    ready = ModelImage(image, model.header, axes=axes, channels=channels, intensity=settings.grey_range, name=name)
    ready.check_colours()
    return (yield from _Run(ready, model, settings, labels_out).steps())


class _Run:
    """The state of one call of :func:`segment_steps`."""

    def __init__(self, image: ModelImage, model: Model, settings: RunSettings, labels_out: Any) -> None:
        self.image, self.model, self.settings = image, model, settings
        self.header, self.planes = image.header, image.planes
        self.labels = PlaneLabels(image, settings, labels_out)
        self.execution: Execution = choose_execution(settings.device)
        self.attention = choose_attention(self.header, settings.attention)
        self.tile = (settings.tile,) * self.header.dimensions if settings.tile else self.header.tile
        self.scratch = Scratch()
        self.done = 0
        self.total = 0
        self.fill: float | None = None

    def steps(self) -> Generator[Progress, None, Segmentation]:
        try:
            with reused_memory():
                return (yield from self._steps())
        except OSError as error:
            self.scratch.close()
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise OutputError(
                f"{self.image.name}: the disk is full, for results or for working files ({tempfile.gettempdir()}; "
                "the environment variable TMPDIR names another folder); make room"
            ) from error
        except BaseException:
            self.scratch.close()
            raise

    def _steps(self) -> Generator[Progress, None, Segmentation]:
        network, settings = prepare(self.model.network, self.execution), self.settings
        size = yield from self._size(network)
        probabilities = self._kept_probabilities()
        maps = MapSink(self.scratch, self.planes.leading_shape)
        for plane in self.planes:
            source = self.image.plane(plane, size.zoom)
            with Scratch() as working:  # its files go with each plane: a long series would fill the disk
                apart = source.resized or bool(self.header.fields)
                kept = None if probabilities is None or apart else self._kept_plane(probabilities, plane)
                found = working.zeros((self.header.outputs, *source.shape), np.float16) if kept is None else kept
                prediction = PlanePrediction(
                    source,
                    network,
                    self.execution,
                    self.header,
                    self.tile,
                    self.attention,
                    maps,
                    found,
                    flips=settings.flips,
                )
                if self.total == 0:  # every plane takes as many steps as the first
                    self.total = len(self.planes) * (len(prediction) + self.labels.count(source))
                for note in prediction.steps():
                    yield self._step(note)
                if source.fill is not None:
                    self.fill = source.fill
                for note in self.labels.write(source, found, working):
                    yield self._step(note)
                if probabilities is not None and kept is None:
                    self._keep(probabilities, source, found)
        for note in self.labels.finish():
            yield self._step(note)
        findings = self.labels.findings
        return Segmentation(
            labels=self.labels.labels,
            probabilities=probabilities,
            attention=self._placed(maps, size.zoom),
            classes=self.header.classes,
            result=self.labels.result,
            provenance=self._provenance(size),
            diameter=size.diameter,
            zoom=size.zoom,
            certainty=findings.certainty.mean,
            summary=findings.summary(),
            found=findings.counts(),
            size=findings.size(size),
            advice=findings.advice(size),
            read_as=self.image.read_as,
            notes=self._notes(),
            _scratch=self.scratch,
        )

    def _size(self, network: nn.Module) -> Generator[Progress, None, ObjectSize]:
        at_spacing = size_at_spacing(self.image, self.settings.diameter)
        if at_spacing is not None:
            return at_spacing
        first = self.image.plane(next(iter(self.planes)))
        steps = size_steps(first, network, self.execution, self.header, self.settings.diameter, self.tile)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                size: ObjectSize = end.value
                return size
            yield Progress(0, 0, LOOKING)

    def _notes(self) -> tuple[str, ...]:
        filled = "" if self.fill is None else FILLED.format(self.fill)
        return tuple(filter(None, (self.image.channel_note, self.image.grey_note, filled, self.image.seen_at.note)))

    def _step(self, message: str) -> Progress:
        self.done = min(self.done + 1, self.total)
        return Progress(self.done, self.total, message)

    def _kept_probabilities(self) -> NDArray[np.float16] | None:
        shape = (len(self.header.classes), *self.planes.label_shape)
        if 2 * int(np.prod(shape, dtype=np.int64)) > KEPT_PROBABILITIES_BYTES:
            return None
        return np.zeros(shape, np.float16)

    def _kept_plane(self, kept: NDArray[np.float16], plane: Plane) -> NDArray[np.float16]:
        """Return a plane's part of the kept probabilities, to be filled in place: (classes, (z,) y, x)."""
        whole = tuple(slice(None) for _ in self.planes.spatial)
        stored = kept[(slice(None), *self.planes.label_index(plane, whole))]
        return np.moveaxis(self.planes.from_label_order(np.moveaxis(stored, 0, -1)), -1, 0)

    def _keep(self, kept: NDArray[np.float16], source: PlaneSource, found: Any) -> None:
        """Bring a plane's probabilities to full size, block by block: whole, that takes several times their memory."""
        classes = slice(len(self.header.classes))
        for region in blocks(self.planes.shape):
            full = read_resized(
                lambda part: np.asarray(found[(classes, *part)]), source.shape, self.planes.shape, region
            )
            for index, block in enumerate(full):
                kept[(index, *self.planes.label_index(source.plane, region))] = self.planes.to_label_order(block)

    def _placed(self, maps: MapSink, zoom: Zoom) -> list[PlacedMap]:
        zooms = [m / n for m, n in zip(zoomed_shape(self.planes.shape, zoom), self.planes.shape, strict=True)]
        placed = []
        for found in maps.found:
            cells = [found.stride / z for z in zooms]
            steps = dict(zip(self.planes.spatial, cells, strict=True))
            scale = tuple(steps.get(letter, 1.0) for letter in self.planes.label_axes)
            translate = tuple(steps[letter] / 2 - 0.5 if letter in steps else 0.0 for letter in self.planes.label_axes)
            data = self._map_in_label_order(found.data)
            placed.append(PlacedMap(found.name, found.kind, found.description, found.level, data, scale, translate))
        return placed

    def _map_in_label_order(self, data: Any) -> Any:
        """Bring (leading..., spatial...) to the order of the labels' axes."""
        now = [*self.planes.leading, *self.planes.spatial]
        order = [now.index(letter) for letter in self.planes.label_axes]
        return data if order == sorted(order) else np.transpose(np.asarray(data), order)

    def _provenance(self, size: ObjectSize) -> dict[str, Any]:
        reading, settings = self.image.reading, self.settings
        return {
            "read_as": self.image.read_as,
            "model_sha256": self.model.sha256,
            "header": dataclasses.asdict(self.header),
            "settings": {
                "axes": reading.axes,
                "channels": None if reading.chosen is None else list(reading.chosen),
                "grey_range": None if settings.grey_range is None else settings.grey_range.text,
                "modality": reading.modality,
                "padding": [list(ends) for ends in reading.padding],
                "result": self.labels.result,
                "link": self.labels.link,
                "diameter": settings.diameter,
                "diameter_used": size.diameter,
                "zoom": list(size.zoom) if isinstance(size.zoom, tuple) else size.zoom,
                "sensitivity": settings.sensitivity,
                "least_size": settings.least_size,
                "drop_edge": settings.drop_edge,
                "flips": settings.flips,
                "tile": self.tile,
                "device": str(self.execution.device),
                "precision": str(self.execution.dtype).removeprefix("torch."),
                "attention": list(self.attention),
            },
            "versions": package_versions("napari-medt", "torch", "numpy", "scikit-image"),
        }
