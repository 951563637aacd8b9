"""The planes of an image file, to be kept as corrections with labels that lie in another file.

Labels come onto the image's voxels by both files' places (:mod:`src_models.files.pairs`), whatever their grid.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.corrections.correction import Bounds, Correction, MarkMode, SlicesAround, Source, mark
from src_models.corrections.volumes import span_around
from src_models.errors import ImageError
from src_models.files.images import ImageFile
from src_models.files.pairs import Paired, pair
from src_models.images.planes import LabelPlane, Plane, Planes

__all__ = ["LabelledImage"]


@dataclass(frozen=True)
class LabelledImage:
    """An image whose planes are labelled.

    Parameters
    ----------
    image
        The image.
    deep
        How many slices are kept around a plane, for a 3D model to learn from; 0 for none.
    layer
        What the image is called; None for its file's name.
    """

    image: ImageFile
    deep: int = 0
    layer: str | None = None

    @cached_property
    def planes(self) -> Planes:
        """The image's planes."""
        return Planes(self.image.reading, 2, self.image.title)

    def on_image(self, labels: ImageFile) -> Paired:
        """Bring labels onto the image's voxels.

        Raises
        ------
        ImageError
            If they lie apart from the image, or have no place and another shape.
        """
        paired = pair(self.image, labels)
        if "Z" not in self.image.reading.axes and paired.labels.shape == (1, *self.planes.label_shape):
            paired = Paired(paired.labels[0], paired.note)  # a picture that other programs hold as one slice
        if paired.labels.shape != self.planes.label_shape:
            raise ImageError(
                f"{labels.path} has the shape {paired.labels.shape} and the planes of the image "
                f"{self.planes.label_shape} ({self.planes.reading.describe()}): give labels that were made for this "
                "image, or its axes with --axes"
            )
        return paired

    def of(self, labels: NDArray[Any], plane: Plane) -> NDArray[Any]:
        """Return a plane of labels, (H, W)."""
        return LabelPlane(labels, self.planes, plane)[:, :]

    def holding(self, *labels: NDArray[Any] | None) -> Iterator[Plane]:
        """Yield the planes in which some labels are not empty."""
        for plane in self.planes:
            if any(array is not None and self.of(array, plane).any() for array in labels):
                yield plane

    def pixels(self, plane: Plane) -> NDArray[Any]:
        """Return a plane of the image, (H, W) or (H, W, C)."""
        block = self.planes.read(self.image.data, plane, (slice(None), slice(None)))
        return np.moveaxis(block, 0, -1) if "C" in self.planes.reading.axes else block[0]

    def around(self, plane: Plane) -> SlicesAround | None:
        """Return a slice with those above and below it, where they are to be kept.

        Raises
        ------
        ImageError
            If the image has no slices.
        """
        if not self.deep:
            return None
        if "Z" not in self.planes.leading:
            raise ImageError(
                f"{self.image.path} has no slices for a 3D model: give its axes (--axes ZYX), or a 2D model"
            )
        axis = self.planes.leading.index("Z")
        span = span_around(plane[axis], self.planes.leading_shape[axis], self.deep)
        stack = [self.pixels((*plane[:axis], at, *plane[axis + 1 :])) for at in range(span.start, span.stop)]
        return SlicesAround(np.stack(stack), plane[axis] - span.start)

    def source(self, plane: Plane = ()) -> Source:
        """Return what a plane is recorded as."""
        reading = self.image.reading
        return Source(
            layer=self.layer or self.image.name,
            file=str(self.image.path.absolute()),
            axes=self.planes.label_axes,
            plane=plane,
            spacing=(reading.spacing.get("Y", 1.0), reading.spacing.get("X", 1.0)),
            unit=reading.unit,
            slice_spacing=reading.spacing.get("Z") if reading.unit != "pixel" else None,
            series=self.image.apart,
            modality=reading.modality,
            padding=reading.padding,
        )

    def correction(
        self,
        plane: Plane,
        labels: NDArray[Any],
        found: NDArray[Any] | None = None,
        *,
        mode: MarkMode = "slice",
        region: Bounds | None = None,
        model_name: str | None = None,
        model_sha256: str | None = None,
        author: str | None = None,
        time: str | None = None,
    ) -> Correction:
        """Return a plane as a correction.

        Parameters
        ----------
        plane
            Which one.
        labels, found
            (H, W): as they are, and as a model had found them; None for nothing.
        mode, region, model_name, model_sha256
            As for :func:`~src_models.corrections.correction.mark`.
        author
            Who made them.
        time
            When (ISO 8601, UTC); None for now.

        Raises
        ------
        UserError
            If nothing is left that counts, or the image has no finite value there.
        """
        correction = mark(
            self.pixels(plane),
            labels,
            found,
            source=self.source(plane),
            mode=mode,
            region=region,
            model_name=model_name,
            model_sha256=model_sha256,
            around=self.around(plane),
        )
        record = replace(correction.record, author=author, time=time or correction.record.time)
        return replace(correction, record=record)
