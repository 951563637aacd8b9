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
from collections.abc import Callable, Collection, Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from src_models.attention.placed_map import PlacedMap
from src_models.computing.execution import Execution, choose_execution, prepare
from src_models.computing.memory import reused_memory
from src_models.computing.package_versions import package_versions
from src_models.disk.scratch import Scratch
from src_models.errors import OutputError, UserError
from src_models.images.axes import AxesReading, read_axes
from src_models.images.channels import channel_note, check_channels, looks_like_dyes
from src_models.images.plane_source import PlaneSource, normalisations, sampled_values
from src_models.images.planes import LabelPlane, Planes
from src_models.images.resampling import read_resized, zoomed_shape
from src_models.labels.labelling import blocks, classes_of, resize_labels, write_components, write_instances
from src_models.labels.linking import link_axes, link_objects
from src_models.labels.object_choice import ObjectChoice, drop_objects
from src_models.models.architectures import choose_attention
from src_models.models.checkpoint import Model
from src_models.prediction.findings import Findings, sizes_of
from src_models.prediction.object_size import LOOKING, ObjectSize, size_steps
from src_models.prediction.plane_prediction import MapSink, PlanePrediction
from src_models.prediction.segmentation import ResultName, Segmentation
from src_models.progress import Progress

__all__ = ["segment", "segment_steps"]

KEPT_PROBABILITIES_BYTES = 512 * 2**20
FILLED = "Values that are NaN or infinite were taken as {:.4g}, the lowest value of the image."


def segment(
    image: Any,
    model: Model,
    *,
    axes: str | AxesReading | None = None,
    channel: int | None = None,
    attention: bool | Collection[str] = False,
    diameter: float | None = None,
    sensitivity: float = 0.0,
    least_size: float = 0.0,
    drop_edge: bool = False,
    tile: int | None = None,
    result: ResultName | None = None,
    link: str = "z",
    device: str = "auto",
    labels_out: Any = None,
    name: str = "the image",
    on_progress: Callable[[Progress], None] | None = None,
) -> Segmentation:
    """Segment an image; see :func:`segment_steps`, of which this is the whole run in one call."""
    steps = segment_steps(
        image,
        model,
        axes=axes,
        channel=channel,
        attention=attention,
        diameter=diameter,
        sensitivity=sensitivity,
        least_size=least_size,
        drop_edge=drop_edge,
        tile=tile,
        result=result,
        link=link,
        device=device,
        labels_out=labels_out,
        name=name,
    )
    while True:
        try:
            progress = next(steps)
        except StopIteration as finished:
            found: Segmentation = finished.value
            return found
        if on_progress is not None:
            on_progress(progress)


def segment_steps(
    image: Any,
    model: Model,
    *,
    axes: str | AxesReading | None = None,
    channel: int | None = None,
    attention: bool | Collection[str] = False,
    diameter: float | None = None,
    sensitivity: float = 0.0,
    least_size: float = 0.0,
    drop_edge: bool = False,
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
    channel
        The one channel that is looked at, counted from 0; None takes all, three of them for red, green and blue.
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
        If the image is empty, complex, without a finite value, or has channels or axes that the model cannot take.
    UserError
        If an attention map is unknown, the tile is too small, a number is out of its range, or the device is missing.

    Notes
    -----
    Values that are NaN or infinite are taken as the lowest value of the image; :attr:`Segmentation.notes` says so.
    """
    choice = ObjectChoice(sensitivity, least_size, drop_edge)
    run = _Run(image, model, axes, channel, attention, diameter, choice, tile, result, link, device, labels_out, name)
    return (yield from run.steps())


class _Run:
    """The state of one call of :func:`segment_steps`."""

    def __init__(
        self,
        image: Any,
        model: Model,
        axes: str | AxesReading | None,
        channel: int | None,
        attention: bool | Collection[str],
        diameter: float | None,
        choice: ObjectChoice,
        tile: int | None,
        result: ResultName | None,
        link: str,
        device: str,
        labels_out: Any,
        name: str,
    ) -> None:
        self.image = image if hasattr(image, "dtype") else np.asarray(image)
        self.model, self.header, self.name = model, model.header, name
        if self.header.prompts:
            raise UserError(
                f"the model {self.header.name!r} answers clicks and does not segment by itself: use the widget "
                "Click or `napari-medt click`, or choose another model"
            )
        self.reading = _read(self.image, axes, channel, self.header.dimensions, name)
        check_channels(self.reading.channels, self.header, name, alpha=self.reading.rgb)
        self.planes = Planes(self.reading, self.header.dimensions, name)
        self.result: ResultName = result or self.header.result
        self.link = link_axes(link, self.planes) if self.result == "instances" else ""
        self.execution: Execution = choose_execution(device)
        self.attention = choose_attention(model.header, attention)
        self.diameter = diameter
        self.choice = choice
        self.instances = choice.of_instances(self.header.instances)
        self.tile = (tile,) * self.header.dimensions if tile else self.header.tile
        self.scratch = Scratch()
        self.labels = self._labels(labels_out)
        self.findings = Findings(self.header, self.planes, self.result)
        self.done = 0
        self.total = 0
        self.next_id = 1
        self.fill: float | None = None

    def _labels(self, labels_out: Any) -> Any:
        shape = self.planes.label_shape
        if labels_out is None:
            return np.zeros(shape, np.int32 if self.result == "instances" else np.uint8)
        if tuple(labels_out.shape) != shape:
            raise UserError(
                f"labels_out has the shape {tuple(labels_out.shape)}; the labels of {self.name} have {shape}"
            )
        kept = np.dtype(labels_out.dtype)
        if kept.kind not in "iu" or (self.result == "instances" and kept.itemsize < 4):
            raise UserError(
                f"labels_out holds {kept}; make it int32, which holds the numbers of all objects and classes"
            )
        return labels_out

    def steps(self) -> Generator[Progress, None, Segmentation]:
        try:
            with reused_memory():
                return (yield from self._steps())
        except OSError as error:
            self.scratch.close()
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise OutputError(
                f"{self.name}: the disk is full, for results or for working files ({tempfile.gettempdir()}; "
                "the environment variable TMPDIR names another folder); make room"
            ) from error
        except BaseException:
            self.scratch.close()
            raise

    def _steps(self) -> Generator[Progress, None, Segmentation]:
        network = prepare(self.model.network, self.execution)
        sources = normalisations(self.image, self.planes, self.header, self.name)
        first = PlaneSource(self.image, self.planes, next(iter(self.planes)), self.header, sources, 1.0, self.name)
        size = yield from self._size(first, network)
        zoom = size.zoom
        probabilities = self._kept_probabilities()
        maps = MapSink(self.scratch, self.planes.leading_shape)
        for plane in self.planes:
            source = PlaneSource(self.image, self.planes, plane, self.header, sources, zoom, self.name)
            with Scratch() as working:  # its files go with each plane: a long series would fill the disk
                kept = None if probabilities is None or zoom != 1 else self._kept_plane(probabilities, plane)
                found = working.zeros((len(self.header.classes), *source.shape), np.float16) if kept is None else kept
                prediction = PlanePrediction(
                    source, network, self.execution, self.header, self.tile, self.attention, maps, found
                )
                self._count(prediction, zoom)
                for note in prediction.steps():
                    yield self._step(note)
                if source.fill is not None:
                    self.fill = source.fill
                yield from self._label(plane, source, prediction.probabilities, zoom, working)
                if probabilities is not None and kept is None:
                    self._keep(probabilities, plane, source, prediction.probabilities)
        yield from self._link()
        self._drop()
        return Segmentation(
            labels=self.labels,
            probabilities=probabilities,
            attention=self._placed(maps, zoom),
            classes=self.header.classes,
            result=self.result,
            provenance=self._provenance(size),
            diameter=size.diameter,
            zoom=zoom,
            certainty=self.findings.certainty.mean,
            summary=self.findings.summary(),
            size=self.findings.size(size),
            advice=self.findings.advice(size),
            notes=self._notes(),
            _scratch=self.scratch,
        )

    def _size(self, first: PlaneSource, network: nn.Module) -> Generator[Progress, None, ObjectSize]:
        steps = size_steps(first, network, self.execution, self.header, self.diameter, self.tile)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                size: ObjectSize = end.value
                return size
            yield Progress(0, 0, LOOKING)

    def _drop(self) -> None:
        least = self.choice.least_area(self.header.dimensions)
        if self.result == "instances" and (least > 0 or self.choice.drop_edge):
            self.findings.set_kept(*drop_objects(self.labels, self.planes, least, self.choice.drop_edge))

    def _notes(self) -> tuple[str, ...]:
        dyes = self.reading.channels in (3, 4) and looks_like_dyes(sampled_values(self.image, self.planes))
        filled = "" if self.fill is None else FILLED.format(self.fill)
        return tuple(filter(None, (channel_note(self.reading, self.header, dyes), filled)))

    def _count(self, prediction: PlanePrediction, zoom: float) -> None:
        """Take the first plane's number of steps for every plane's."""
        if self.total == 0:
            here = len(blocks(self.planes.shape))
            if self.result == "instances" and self.header.result == "instances":
                here = len(blocks(prediction.source.shape)) + (here if zoom != 1 else 0)
            self.total = len(self.planes) * (len(prediction) + here + len(self.link))

    def _step(self, message: str) -> Progress:
        self.done = min(self.done + 1, self.total)
        return Progress(self.done, self.total, message)

    def _label(
        self, plane: tuple[int, ...], source: PlaneSource, probabilities: Any, zoom: float, working: Scratch
    ) -> Generator[Progress, None, None]:
        out, first_id = LabelPlane(self.labels, self.planes, plane), self.next_id
        if self.header.result == "instances":
            for region in blocks(source.shape):
                self.findings.certainty.add(np.asarray(probabilities[(slice(None), *region)]))
        if self.result == self.header.result == "instances":
            yield from self._separate(probabilities, source, zoom, working, out)
        else:
            yield from self._classify(probabilities, source, out)
            if self.result == "instances":
                self.next_id = write_components(out, self.next_id)
        if self.result == "instances":
            self.findings.add_sizes(sizes_of((out[region] for region in blocks(out.shape)), first_id, self.next_id))

    def _separate(
        self, probabilities: Any, source: PlaneSource, zoom: float, working: Scratch, out: LabelPlane
    ) -> Generator[Progress, None, None]:
        settings = self.instances
        target = out if zoom == 1 else working.zeros(source.shape, np.int32)
        for next_id in write_instances(probabilities, settings, target, self.next_id):
            self.next_id = next_id
            yield self._step("separating objects")
        if zoom != 1:
            for _ in resize_labels(target, probabilities, settings.foreground, out):
                yield self._step("drawing objects at full size")

    def _classify(self, probabilities: Any, source: PlaneSource, out: LabelPlane) -> Generator[Progress, None, None]:
        threshold = self.instances.foreground if self.header.result == "instances" else None
        for region in blocks(out.shape):
            block = read_resized(
                lambda part: np.asarray(probabilities[(slice(None), *part)]), source.shape, out.shape, region
            )
            out[region] = classes = classes_of(self.choice.of_classes(block), foreground=threshold)
            if self.result == "semantic":
                self.findings.add_classes(classes)
            yield self._step("choosing classes")

    def _link(self) -> Generator[Progress, None, None]:
        for next_id in link_objects(self.labels, self.planes, self.link):
            self.next_id = next_id
            yield self._step("linking objects of neighbouring planes")
        if self.link:
            self.findings.set_linked(self.link, self.next_id - 1)

    def _kept_probabilities(self) -> NDArray[np.float16] | None:
        shape = (len(self.header.classes), *self.planes.label_shape)
        if 2 * int(np.prod(shape, dtype=np.int64)) > KEPT_PROBABILITIES_BYTES:
            return None
        return np.zeros(shape, np.float16)

    def _kept_plane(self, kept: NDArray[np.float16], plane: tuple[int, ...]) -> NDArray[np.float16]:
        """Return a plane's part of the kept probabilities, to be filled in place: (classes, (z,) y, x)."""
        whole = tuple(slice(None) for _ in self.planes.spatial)
        stored = kept[(slice(None), *self.planes.label_index(plane, whole))]
        return np.moveaxis(self.planes.from_label_order(np.moveaxis(stored, 0, -1)), -1, 0)

    def _keep(self, kept: NDArray[np.float16], plane: tuple[int, ...], source: PlaneSource, found: Any) -> None:
        """Bring a plane's probabilities to full size, block by block: whole, that takes several times their memory."""
        for region in blocks(self.planes.shape):
            full = read_resized(
                lambda part: np.asarray(found[(slice(None), *part)]), source.shape, self.planes.shape, region
            )
            for index, block in enumerate(full):
                kept[(index, *self.planes.label_index(plane, region))] = self.planes.to_label_order(block)

    def _placed(self, maps: MapSink, zoom: float) -> list[PlacedMap]:
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
        return {
            "model_sha256": self.model.sha256,
            "header": dataclasses.asdict(self.header),
            "settings": {
                "axes": self.reading.axes,
                "channel": self.reading.channel,
                "result": self.result,
                "link": self.link,
                "diameter": self.diameter,
                "diameter_used": size.diameter,
                "zoom": size.zoom,
                "sensitivity": self.choice.sensitivity,
                "least_size": self.choice.least_size,
                "drop_edge": self.choice.drop_edge,
                "tile": self.tile,
                "device": str(self.execution.device),
                "precision": str(self.execution.dtype).removeprefix("torch."),
                "attention": list(self.attention),
            },
            "versions": package_versions("napari-medt", "torch", "numpy", "scikit-image"),
        }


def _read(image: Any, axes: str | AxesReading | None, channel: int | None, dimensions: int, name: str) -> AxesReading:
    if isinstance(axes, AxesReading):
        read_axes(image.shape, dtype=image.dtype, axes=axes.axes, dimensions=dimensions, name=name)
        return axes if channel is None else axes.with_channel(channel, name)
    return read_axes(image.shape, dtype=image.dtype, axes=axes, dimensions=dimensions, channel=channel, name=name)
