"""From the probabilities of each plane to the labels of the whole image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.disk.scratch import Scratch
from src_models.errors import UserError
from src_models.images.model_image import ModelImage
from src_models.images.plane_source import PlaneSource
from src_models.images.planes import LabelPlane, Plane, Planes
from src_models.images.resampling import read_resized
from src_models.labels.labelling import blocks, classes_of, resize_labels, write_components, write_instances
from src_models.labels.linking import link_axes, link_objects
from src_models.labels.object_choice import ObjectChoice, drop_objects
from src_models.labels.pieces import keep_largest, pieces_wanted
from src_models.models.header import ModelHeader
from src_models.prediction.findings import Findings, sizes_of
from src_models.prediction.segmentation import ResultName
from src_models.prediction.settings import RunSettings

__all__ = ["PlaneLabels", "block_classes"]

ONE_SLICE = "All pieces were kept: in one slice, parts of an organ cannot be told from strays."


class PlaneLabels:
    """Writes the labels of an image plane by plane, and takes note of what is found.

    Parameters
    ----------
    image
        The image.
    settings
        What a person chose.
    labels_out
        Array of zeros to write to; None makes one in memory.

    Attributes
    ----------
    labels
        The array that is written to.
    result
        Whether that holds objects or classes.
    link
        Axes through which objects will be linked.
    pieces
        How many pieces each class keeps, by its number; of others all stay.
    note
        Why pieces that the model's file would leave out are kept; else empty.
    findings
        What was found so far.

    Raises
    ------
    UserError
        If a setting is out of its range, or `labels_out` cannot hold the labels.
    """

    def __init__(self, image: ModelImage, settings: RunSettings, labels_out: Any) -> None:
        self._header, self._planes = image.header, image.planes
        self._classes = slice(len(image.header.classes))
        self._choice = settings.choice
        self._instances = self._choice.of_instances(self._header.instances)
        self._next_id = 1
        result = settings.result or self._header.result
        assert result != "class"  # refused before anything was computed
        self.result: ResultName = result
        self.note = ""
        self.pieces = self._wanted_pieces(settings)
        self.link = link_axes(settings.link, self._planes) if self.result == "instances" else ""
        self.labels = self._room(labels_out, image.name)
        self.findings = Findings(image, self.result)

    def _wanted_pieces(self, settings: RunSettings) -> dict[int, int]:
        """Return how many pieces each class keeps: as the model's file says in volumes, as a person says anywhere."""
        wanted = pieces_wanted(settings.pieces, self._header)
        if not wanted or self.result == "instances":
            if wanted and settings.pieces is not None:
                raise UserError("largest pieces are kept of classes, and objects are asked for: choose classes")
            return {}
        if settings.pieces is None and self._dimensions == 2:
            self.note = ONE_SLICE
            return {}
        return wanted

    @property
    def _dimensions(self) -> int:
        """Along how many axes pieces are connected: also those of a network of planes go through the depth."""
        return 3 if self._planes.reading.size("Z") > 1 else 2

    def _room(self, labels_out: Any, name: str) -> Any:
        shape = self._planes.label_shape
        if labels_out is None:
            return np.zeros(shape, np.int32 if self.result == "instances" else np.uint8)
        if tuple(labels_out.shape) != shape:
            raise UserError(f"labels_out has the shape {tuple(labels_out.shape)}; the labels of {name} have {shape}")
        kept = np.dtype(labels_out.dtype)
        if kept.kind not in "iu" or (self.result == "instances" and kept.itemsize < 4):
            raise UserError(
                f"labels_out holds {kept}; make it int32, which holds the numbers of all objects and classes"
            )
        return labels_out

    def count(self, source: PlaneSource) -> int:
        """Return the number of steps that a plane takes, its part in linking included."""
        here = len(blocks(self._planes.shape))
        if self.result == self._header.result == "instances":
            here = len(blocks(source.shape)) + (here if source.resized else 0)
        return here + len(self.link)

    def write(self, source: PlaneSource, outputs: Any, working: Scratch) -> Iterator[str]:
        """Write the labels of a plane; yield, after every block, a line on what is being done.

        Parameters
        ----------
        source
            The plane.
        outputs
            Class probabilities and fields at the network's scale, (outputs, *source.shape).
        working
            Where working files may lie.
        """
        out, first_id = LabelPlane(self.labels, self._planes, source.plane), self._next_id
        if self._header.result == "instances":
            for region in blocks(source.shape):
                self.findings.certainty.add(np.asarray(outputs[(self._classes, *region)]))
        if self.result == self._header.result == "instances":
            yield from self._separate(source, outputs, working, out)
        else:
            yield from self._classify(source, outputs, out)
            if self.result == "instances":
                self._next_id = write_components(out, self._next_id)
        if self.result == "instances":
            self._count(out, first_id)

    def take(self, plane: Plane, found: Any, sizes: NDArray[np.int64] | None) -> Iterator[str]:
        """Write the labels of a plane that were found block by block elsewhere; yield after every block.

        Parameters
        ----------
        plane
            Its position.
        found
            Objects, or classes, in the plane's own pixels; read by region.
        sizes
            Of objects, by number: pixels of each, 0 of numbers that none has, which are passed over. None of classes.
        """
        out, first_id = LabelPlane(self.labels, self._planes, plane), self._next_id
        if sizes is None:
            numbers = np.arange(np.iinfo(np.uint8).max + 1)
        else:
            there = sizes > 0
            numbers = np.where(there, np.cumsum(there) + first_id - 1, 0)
            self._next_id += int(there.sum())
            self.findings.add_sizes(sizes[there])
        for region in blocks(out.shape):
            out[region] = here = numbers[np.asarray(found[region])].astype(self.labels.dtype)
            if self.result == "semantic":
                self.findings.add_classes(here.astype(np.uint8))
            yield "writing labels"
        if sizes is None and self.result == "instances":
            self._next_id = write_components(out, first_id)
            self._count(out, first_id)

    def _count(self, out: LabelPlane, first_id: int) -> None:
        self.findings.add_sizes(sizes_of((out[region] for region in blocks(out.shape)), first_id, self._next_id))

    def _separate(self, source: PlaneSource, outputs: Any, working: Scratch, out: LabelPlane) -> Iterator[str]:
        target = out if not source.resized else working.zeros(source.shape, np.int32)
        for next_id in write_instances(outputs, self._instances, target, self._next_id):
            self._next_id = next_id
            yield "separating objects"
        if source.resized:
            for _ in resize_labels(target, outputs, self._instances, out):
                yield "drawing objects at full size"

    def _classify(self, source: PlaneSource, outputs: Any, out: LabelPlane) -> Iterator[str]:
        for region in blocks(out.shape):
            out[region] = classes = block_classes(self._header, self._choice, outputs, source.shape, out.shape, region)
            if self.result == "semantic":
                self.findings.add_classes(classes)
            yield "choosing classes"

    def finish(self) -> Iterator[str]:
        """Link the objects of neighbouring planes, then drop those that are not wanted."""
        for next_id in link_objects(self.labels, self._planes, self.link):
            self._next_id = next_id
            yield "linking objects of neighbouring planes"
        if self.link:
            self.findings.set_linked(self.link, self._next_id - 1)
        least = self._choice.least_area(self._header.dimensions)
        if self.result == "instances" and (least > 0 or self._choice.drop_edge):
            self.findings.set_kept(*drop_objects(self.labels, self._planes, least, self._choice.drop_edge))

        if self.pieces:
            yield from self._keep_pieces()

    def _keep_pieces(self) -> Iterator[str]:
        """Leave the largest pieces of classes, in each volume of the image."""
        volumes = Planes(self._planes.reading, self._dimensions)
        for volume in volumes:
            steps = keep_largest(LabelPlane(self.labels, volumes, volume), self.pieces)
            while True:
                try:
                    next(steps)
                except StopIteration as end:
                    self.findings.leave_out(end.value)
                    break
                yield "leaving out stray pieces"


def block_classes(
    header: ModelHeader,
    choice: ObjectChoice,
    outputs: Any,
    shape: Sequence[int],
    full: Sequence[int],
    region: tuple[slice, ...],
) -> NDArray[np.uint8]:
    """Return the classes of a block of a plane.

    Parameters
    ----------
    header
        The model's.
    choice
        What a person asks of objects.
    outputs
        Class probabilities and fields at the network's scale, (outputs, *shape).
    shape, full
        Shape (px) of the plane at the network's scale, and at its own.
    region
        The block, in pixels of the plane itself.
    """
    classes = slice(len(header.classes))
    threshold = choice.of_instances(header.instances).foreground if header.result == "instances" else None
    block = read_resized(lambda part: np.asarray(outputs[(classes, *part)]), shape, full, region)
    return classes_of(choice.of_classes(block), foreground=threshold)
