"""The part of an image that an audit looks at: one pass of the network, around the middle of a plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from src_models.computing.execution import Execution, choose_execution, prepare
from src_models.errors import ImageError, UserError
from src_models.images.axes import AxesReading
from src_models.images.grey.grey_range import GreyRange
from src_models.images.model_image import ModelImage
from src_models.images.planes import Plane, Planes
from src_models.images.resampling import mean_zoom, read_resized
from src_models.models.checkpoint import Model
from src_models.prediction.object_size import choose_zoom, size_at_spacing

__all__ = ["NothingFoundError", "View", "view_of"]

LARGEST = 256


class NothingFoundError(UserError):
    """The model finds nothing in the part that is audited: there is no result to explain."""


@dataclass(frozen=True, slots=True)
class View:
    """What is audited.

    Parameters
    ----------
    picture
        The network's input (C, h, w) on the device.
    network, execution
        Ready to run, in single precision throughout: small differences are wanted.
    zoom
        Factor by which the image was resized.
    plane
        The plane's position in a stack.
    region
        Rows and columns (px of the image) of the plane.
    whole
        Whether that is the whole plane.
    objects
        Objects that people drew, (h, w), or None.
    labels
        The same over the whole plane (H, W) at the image's own size, or None.
    threshold
        Foreground probability from which the model takes a pixel for an object's.
    classes
        Number of the model's classes.
    """

    picture: Tensor
    network: nn.Module
    execution: Execution
    zoom: float
    plane: Plane
    region: tuple[slice, ...]
    whole: bool
    objects: NDArray[Any] | None
    labels: NDArray[Any] | None
    threshold: float
    classes: int

    def foreground(self, batch: Tensor) -> Tensor:
        """Return the probability (N, h, w) of not being background, of network inputs (N, C, h, w)."""
        return 1 - self.execution(self.network, batch, self.classes)[:, 0]


def view_of(
    image: Any,
    model: Model,
    *,
    labels: Any = None,
    axes: str | AxesReading | None = None,
    grey_range: GreyRange | None = None,
    plane: Plane | None = None,
    device: str = "auto",
    name: str = "the image",
) -> View:
    """Cut the view out of an image.

    It is at most 256 x 256 px, and no larger than the model's tile, so that one pass of the network is what is
    audited: with tiles, a pixel acts on no more than the tiles it lies in, and chance would depend on their seams.

    Parameters
    ----------
    image, model, axes, grey_range, device, name
        As in :func:`src_models.segment`.
    labels
        Objects, in the image's axes without channels, or of the one plane; 0 is background.
    plane
        Position along the axes besides height and width; None takes the first.

    Raises
    ------
    UserError
        If the model is a 3D one, or there is no such plane.
    ImageError
        If the image or the labels do not fit, or channels would be mixed that look like dyes.
    """
    header = model.header
    if header.dimensions != 2:
        raise UserError(f"the model {header.name!r} works on volumes, and only 2D models can be audited; choose one")
    seen = ModelImage(image, header, axes=axes, intensity=grey_range, name=name)
    seen.check_colours()
    planes = seen.planes
    plane = next(iter(planes)) if plane is None else plane
    source = seen.plane(plane)
    truth = None if labels is None else _plane_of_labels(labels, planes, plane, name)
    execution = choose_execution(device, dtype=torch.float32)
    network = prepare(model.network, execution)
    at_spacing = size_at_spacing(seen, None)
    zoom = choose_zoom(source, network, execution, header, None) if at_spacing is None else at_spacing.zoom
    source = source.zoomed(zoom)
    region = _middle(source.shape, header.tile)
    picture = torch.from_numpy(source.read(region)).to(execution.device)
    in_image = tuple(
        slice(int(part.start * size / zoomed), int(np.ceil(part.stop * size / zoomed)))
        for part, size, zoomed in zip(region, planes.shape, source.shape, strict=True)
    )
    return View(
        picture=picture,
        network=network,
        execution=execution,
        zoom=mean_zoom(zoom),
        plane=plane,
        region=in_image,
        whole=all(part.stop - part.start == size for part, size in zip(region, source.shape, strict=True)),
        objects=None if truth is None else _resized(truth, source.shape, region),
        labels=truth,
        threshold=header.instances.foreground if header.result == "instances" else 0.5,
        classes=len(header.classes),
    )


def _middle(shape: Sequence[int], tile: Sequence[int]) -> tuple[slice, ...]:
    sizes = [min(size, most, LARGEST) for size, most in zip(shape, tile, strict=True)]
    starts = [(size - part) // 2 for size, part in zip(shape, sizes, strict=True)]
    return tuple(slice(start, start + size) for start, size in zip(starts, sizes, strict=True))


def _plane_of_labels(labels: Any, planes: Planes, plane: Plane, name: str) -> NDArray[Any]:
    labels = labels if hasattr(labels, "shape") else np.asarray(labels)
    whole = tuple(slice(0, size) for size in planes.shape)
    if tuple(labels.shape) == planes.label_shape:
        return planes.from_label_order(np.asarray(labels[planes.label_index(plane, whole)]))
    if tuple(labels.shape) == planes.shape:
        return np.asarray(labels)
    raise ImageError(
        f"the labels have the shape {tuple(labels.shape)}, and those of {name} have {planes.label_shape}; choose the "
        "labels that belong to it"
    )


def _resized(labels: NDArray[Any], resized: Sequence[int], region: tuple[slice, ...]) -> NDArray[Any]:
    return read_resized(lambda part: labels[part], labels.shape, resized, region, order=0)
