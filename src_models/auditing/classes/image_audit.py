"""Auditing a model of classes on an image: on what it says of objects in it, or of a plane as a whole."""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from src_models.auditing.classes.audited_pictures import PICTURES, AuditedPicture, pictures_of_run
from src_models.auditing.classes.class_auditor import pictures_audit_steps
from src_models.auditing.results import Audit
from src_models.classifying.classify import classify_steps
from src_models.images.axes import AxesReading
from src_models.images.grey.grey_range import GreyRange
from src_models.images.model_image import ModelImage
from src_models.models.checkpoint import Model
from src_models.progress import Progress

if TYPE_CHECKING:
    from src_models.classifying.class_probabilities import Classified

__all__ = ["WHAT", "image_classes_audit_steps", "image_pictures_steps"]

#: What pictures of a run show, for people.
WHAT = {"objects": "objects", "tiles": "tiles", "image": "planes"}


def image_classes_audit_steps(
    image: Any,
    model: Model,
    *,
    labels: Any = None,
    maps: Collection[str] | None = None,
    plane: tuple[int, ...] | None = None,
    device: str = "auto",
    seed: int = 0,
    name: str = "the image",
    **how: Any,
) -> Generator[Progress, None, Audit]:
    """Measure whether maps of a model of classes are true on one image; closing the generator cancels.

    Parameters
    ----------
    image, model, labels, maps, plane, device, seed, name
        As in :func:`src_models.audit_steps`. With `labels`, objects are audited, and else planes.
    **how
        As :func:`image_pictures_steps` takes it.

    Yields
    ------
    Progress
        While classes are told, and after each pass of the network.

    Returns
    -------
    Audit
        The mean over at most 12 objects or planes, of each class as many as of others, as far as possible.

    Raises
    ------
    ImageError
        If image, labels and model do not fit.
    UserError
        If the model has no such map, or there are no objects.
    """
    pictures = yield from image_pictures_steps(
        image, model, labels=labels, plane=plane, device=device, name=name, **how
    )
    what = WHAT["image" if labels is None else "objects"]
    return (yield from pictures_audit_steps(pictures, model, what=what, maps=maps, device=device, seed=seed, name=name))


def image_pictures_steps(
    image: Any,
    model: Model,
    *,
    labels: Any = None,
    axes: str | AxesReading | None = None,
    grey_range: GreyRange | None = None,
    plane: tuple[int, ...] | None = None,
    zoom: float = 1.0,
    device: str = "auto",
    limit: int = PICTURES,
    name: str = "the image",
) -> Generator[Progress, None, list[AuditedPicture]]:
    """Tell the classes of an image's objects, or of its planes, and return some of their pictures.

    Parameters
    ----------
    image, model, labels, axes, grey_range, zoom, device, name
        As in :func:`src_models.classify_steps`.
    plane
        Position along the axes besides height and width: only what lies there; None takes all.
    limit
        So many pictures at most.

    Yields
    ------
    Progress
        As :func:`src_models.classify_steps` does.

    Raises
    ------
    ImageError
        If image, labels and model do not fit.
    """
    labels = labels if labels is None or hasattr(labels, "dtype") else np.asarray(labels)
    found = yield from classify_steps(
        image,
        model,
        labels=labels,
        axes=axes,
        grey_range=grey_range,
        zoom=zoom,
        device=device,
        name=name,
    )
    read = ModelImage(image, model.header, axes=axes, intensity=grey_range, name=name)
    return pictures_of_run(read, found if plane is None else _of_plane(found, plane), labels, limit=limit)


def _of_plane(found: Classified, plane: tuple[int, ...]) -> Classified:
    """Return what lies in one plane."""
    there = (found.planes == np.asarray(plane, np.int64)).all(axis=1)
    rows = {name: getattr(found, name)[there] for name in ("probabilities", "ids", "positions", "boxes", "planes")}
    return replace(found, **rows)
