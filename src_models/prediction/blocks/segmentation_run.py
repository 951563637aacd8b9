"""One run of a model on an image: from the planes to labels, maps, and what to say of them."""

from __future__ import annotations

import dataclasses
import errno
import tempfile
from collections.abc import Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from src_models.attention.placed_map import PlacedMap
from src_models.computing.execution import Execution, choose_execution
from src_models.computing.memory import reused_memory
from src_models.computing.package_versions import package_versions
from src_models.computing.ready_networks import ready_network
from src_models.disk.scratch import Scratch
from src_models.errors import OutputError
from src_models.images.model_image import ModelImage
from src_models.images.plane_source import PlaneSource
from src_models.images.planes import Plane
from src_models.images.resampling import Zoom, read_resized, zoomed_shape
from src_models.labels.labelling import blocks
from src_models.labels.pieces import class_names
from src_models.models.architectures import choose_attention
from src_models.models.checkpoint import Model
from src_models.prediction.object_size import LOOKING, ObjectSize, size_at_spacing, size_steps
from src_models.prediction.plane_labels import PlaneLabels
from src_models.prediction.plane_prediction import MapSink, PlanePrediction
from src_models.prediction.segmentation import Segmentation
from src_models.prediction.settings import RunSettings
from src_models.progress import Progress

__all__ = ["SegmentationRun"]

KEPT_PROBABILITIES_BYTES = 512 * 2**20
FILLED = "Values that are NaN or infinite were taken as {:.4g}, the lowest value of the image."


class SegmentationRun:
    """The state of one call of :func:`src_models.segment_steps`.

    Parameters
    ----------
    image
        The image, ready for the model.
    model
        The model.
    settings
        What a person chose.
    labels_out
        Array of zeros to write the labels to; None makes one in memory.

    Attributes
    ----------
    labels
        The labels, and what was found.
    execution
        Where the network runs, and how.
    tile
        Size (px) of the tiles.
    total
        How many steps there are, once that is known.
    fill
        What values that are no finite numbers were filled with; None where none were read.
    """

    def __init__(self, image: ModelImage, model: Model, settings: RunSettings, labels_out: Any) -> None:
        self.image, self.model, self.settings = image, model, settings
        self.header, self.planes = image.header, image.planes
        self.labels = PlaneLabels(image, settings, labels_out)
        self.execution: Execution = choose_execution(settings.device)
        self.attention = choose_attention(self.header, settings.attention)
        self.tile = (settings.tile,) * self.header.dimensions if settings.tile else self.header.tile
        self.scratch = Scratch()
        self.maps = MapSink(self.scratch, self.planes.leading_shape)
        self.probabilities: NDArray[np.float16] | None = None
        self.done = 0
        self.total = 0
        self.fill: float | None = None

    def steps(self) -> Generator[Progress, None, Segmentation]:
        """Go through the run, one tile or block after each step.

        Raises
        ------
        OutputError
            If the disk has no room for results or working files.
        """
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
        with ready_network(self.model.network, self.execution) as network:
            size = yield from self._size(network)
            yield from self.write_planes(network, size)
        for note in self.labels.finish():
            yield self.step(note)
        findings = self.labels.findings
        return Segmentation(
            labels=self.labels.labels,
            probabilities=self.probabilities,
            attention=self._placed(self.maps, size.zoom),
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

    def write_planes(self, network: nn.Module, size: ObjectSize) -> Generator[Progress, None, None]:
        """Write the labels of every plane, one tile or block after each step.

        Parameters
        ----------
        network
            The network, prepared for :attr:`execution`.
        size
            How large the objects are, and the zoom.
        """
        probabilities = self.probabilities = self._kept_probabilities()
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
                    self.maps,
                    found,
                    flips=self.settings.flips,
                    tissue=self.settings.tissue,
                )
                if self.total == 0:  # every plane takes as many steps as the first
                    self.total = len(self.planes) * (len(prediction) + self.labels.count(source))
                for note in prediction.steps():
                    yield self.step(note)
                if source.fill is not None:
                    self.fill = source.fill
                for note in self.labels.write(source, found, working):
                    yield self.step(note)
                if probabilities is not None and kept is None:
                    self._keep(probabilities, source, found)

    def _size(self, network: nn.Module) -> Generator[Progress, None, ObjectSize]:
        at_spacing = size_at_spacing(self.image, self.settings.diameter)
        if at_spacing is not None:
            return at_spacing
        first = self.image.plane(next(iter(self.planes)))
        settings = self.settings  # glass has no objects to tell the size by
        middle = None if settings.tissue is None or self.planes.spatial != "YX" else settings.tissue.middle
        steps = size_steps(first, network, self.execution, self.header, settings.diameter, self.tile, middle)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                size: ObjectSize = end.value
                return size
            yield Progress(0, 0, LOOKING)

    def _notes(self) -> tuple[str, ...]:
        filled = "" if self.fill is None else FILLED.format(self.fill)
        tissue = "" if self.settings.tissue is None else self.settings.tissue.note
        image = self.image
        return tuple(
            filter(None, (image.channel_note, image.grey_note, filled, image.seen_at.note, tissue, self.labels.note))
        )

    def step(self, message: str) -> Progress:
        """Count a step, and return how far the run is."""
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
        names = class_names(self.header)
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
                "largest_pieces": {names[number - 1]: n for number, n in self.labels.pieces.items()},
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
                "tissue": None if settings.tissue is None else round(settings.tissue.share, 4),
            },
            "versions": package_versions("napari-medt", "torch", "numpy", "scikit-image"),
        }
