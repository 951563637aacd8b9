"""Models that segment by themselves, on a volume or picture of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from threading import Event
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.serving.answers import Refusal
from napari_medt.serving.store.served_image import ServedImage
from src_models.images.grey.ct_windows import ct_window, ct_windows
from src_models.models.header import ModelHeader
from src_models.progress import finish

if TYPE_CHECKING:
    from src_models.models.checkpoint import Model
    from src_models.prediction.segmentation import ResultName

__all__ = ["AS_TRAINED", "label_names", "segment_image", "segment_options", "window_limits"]

TOGETHER, APART = "all in one segment", "a segment each"
AS_TRAINED = "as the model was trained"
_MOST_SEGMENTS = 1000  # each is a row in a table of 3D Slicer, and a surface


def label_names(name: str, header: ModelHeader) -> tuple[str, ...]:
    """Return what a model finds: its classes, or its objects by the model's name."""
    return (name,) if header.result == "instances" else header.classes[1:]


def segment_options(header: ModelHeader) -> dict[str, Any]:
    """Return the options of a model, each as a client shows them."""
    windows = [AS_TRAINED, *(f"CT: {window.name}" for window in ct_windows())]
    objects = {"objects": [TOGETHER, APART], "diameter_px": 0.0} if header.result == "instances" else {}
    return {**objects, "sensitivity": 0.0, "grey_values": windows}


def segment_image(
    image: ServedImage, model: Model, name: str, params: Mapping[str, Any], gone: Event, title: str = "the volume"
) -> tuple[NDArray[Any], dict[str, int]]:
    """Segment an image, a volume slice by slice, as everywhere else.

    Parameters
    ----------
    image
        The image.
    model, name
        The model, and what it is called.
    params
        Options (:func:`segment_options`), as the client sent them.
    gone
        Is set if nobody waits for the result any more.
    title
        What to call the image in errors.

    Returns
    -------
    labels
        (k, j, i) on the client's grid.
    names
        The value of each name: 1 and up without a gap, also of what is not there.

    Raises
    ------
    Refusal
        If an option cannot be understood, there are too many objects for a segment each (400), or nobody waits.
    UserError
        If image and model do not fit.
    """
    from src_models.prediction.segment import segment_steps

    apart = model.header.result == "instances" and params.get("objects") == APART
    result: ResultName = "instances" if apart else "semantic"
    steps = segment_steps(
        image.data,
        model,
        axes=image.reading,
        grey_range=window_limits(params.get("grey_values")),
        diameter=_number(params, "diameter_px") or None,
        sensitivity=_number(params, "sensitivity"),
        result=result,
        name=title,
    )
    with closing(steps):
        labels = np.asarray(finish(steps, lambda _: _check_waited_for(gone)).labels)
    names: Sequence[str] = label_names(name, model.header)
    if apart:
        numbers = np.union1d(labels, [0])
        count, labels = len(numbers) - 1, np.searchsorted(numbers, labels)
        if count > _MOST_SEGMENTS:
            raise Refusal(400, f"{count:,} objects were found, too many for a segment each: choose {TOGETHER!r}")
        names = [f"{name} {number}" for number in range(1, count + 1)]
    dtype = np.min_scalar_type(max(len(names), 1))
    return image.to_grid(labels.astype(dtype)), {label: value for value, label in enumerate(names, start=1)}


def window_limits(chosen: Any) -> tuple[float, float] | None:
    """Return the grey values of a CT window that a client chose; None for none."""
    kind, _, window = str(chosen or "").partition(": ")
    return ct_window(window).limits if kind == "CT" else None


def _check_waited_for(gone: Event) -> None:
    if gone.is_set():
        raise Refusal(499, "the client has gone")


def _number(params: Mapping[str, Any], name: str) -> float:
    """Return an option that is a number; 0 where it is left out."""
    try:
        number = float(params.get(name) or 0)
    except (TypeError, ValueError, OverflowError):
        number = np.nan
    if not np.isfinite(number):
        raise Refusal(400, f"the option {name} is {str(params.get(name))[:40]!r}, and should be a number")
    return number
