"""What is read from an image layer before it is segmented: its full-resolution array, and what its axes mean.

How a person wants a layer read (its axes by hand, some of its channels, a range of grey values) is kept here for as
long as the layer lives, so that every widget reads it alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

import numpy as np

from napari_medt.viewer.layer_notes import notes_of
from src_models.errors import ImageError
from src_models.images.axis_names import axis_letter
from src_models.images.grey.grey_range import GreyRange

if TYPE_CHECKING:
    import napari.layers

    from src_models.images.axes import AxesReading

__all__ = [
    "AS_SHOWN",
    "GreyChoice",
    "ReadAs",
    "choose_grey",
    "choose_reading",
    "chosen_grey",
    "chosen_reading",
    "full_resolution",
    "grey_range_of",
    "layer_looks_like_dyes",
    "read_layer",
    "reading_event",
]

GreyChoice = GreyRange | Literal["as shown"] | None  # None leaves it to the model

AS_SHOWN: Literal["as shown"] = "as shown"

_EVENT = "napari_medt_reading"

# Pixels along a side of what is looked at to tell dyes from colours: that must not be felt in the window.
_LOOKED_AT = 256


@dataclass(frozen=True, slots=True)
class ReadAs:
    """How a person wants a layer read.

    Parameters
    ----------
    axes
        Its axes by hand, such as ``"CZYX"``; None leaves them to be worked out.
    channels
        The channels that are looked at, counted from 0, in the order in which a model gets them; None for all.
    typed
        Whether the axes were typed, rather than chosen with the channel.
    """

    axes: str | None = None
    channels: tuple[int, ...] | None = None
    typed: bool = False


_chosen: WeakKeyDictionary[napari.layers.Image, ReadAs] = WeakKeyDictionary()
_chosen_grey: WeakKeyDictionary[napari.layers.Image, GreyRange | Literal["as shown"]] = WeakKeyDictionary()


def choose_reading(layer: napari.layers.Image, read_as: ReadAs | None) -> None:
    """Have a layer read as a person said; None forgets it."""
    if read_as is None:
        _chosen.pop(layer, None)
    else:
        _chosen[layer] = read_as
    reading_event(layer)()


def reading_event(layer: napari.layers.Image) -> Any:
    """Return the event of a layer that tells that a person chose how it is read."""
    if _EVENT not in layer.events.emitters:
        layer.events.add(**{_EVENT: None})
    return layer.events[_EVENT]


def chosen_reading(layer: napari.layers.Image) -> ReadAs | None:
    """Return how a person wants a layer read; None where nobody said."""
    return _chosen.get(layer)


def choose_grey(layer: napari.layers.Image, choice: GreyChoice) -> None:
    """Have these grey values of a layer count: a range, its contrast limits, or what the model does."""
    if choice is None:
        _chosen_grey.pop(layer, None)
    else:
        _chosen_grey[layer] = choice
    reading_event(layer)()


def chosen_grey(layer: napari.layers.Image) -> GreyChoice:
    """Return what a person chose for a layer; None where nobody did."""
    return _chosen_grey.get(layer)


def grey_range_of(layer: napari.layers.Image) -> GreyRange | None:
    """Return the grey values of a layer that count now; None where that is left to the model."""
    choice = chosen_grey(layer)
    if choice == AS_SHOWN:
        low, high = (float(limit) for limit in layer.contrast_limits)
        return GreyRange(low, high) if low < high else None
    return choice if isinstance(choice, GreyRange) else None


def full_resolution(layer: napari.layers.Image) -> Any:
    """Return a layer's array; of a multiscale pyramid the level at full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


def coarser_levels(layer: napari.layers.Image) -> tuple[Any, ...]:
    """Return a layer's array at coarser levels; none where it has one level alone."""
    return tuple(layer.data)[1:] if layer.multiscale else ()


def read_layer(
    layer: napari.layers.Image, axes: str | None = None, dimensions: int = 2, *, read_as: ReadAs | None = None
) -> AxesReading:
    """Work out what the axes of an image layer mean.

    Parameters
    ----------
    layer
        The layer; its axis labels count where they name all axes, its scale, affine and units give the pixel size.
    axes
        Axes given by hand, such as ``"TZYX"``; they win, and the channels that were chosen stay.
    dimensions
        Dimensions of the network that will run, 2 or 3.
    read_as
        How to read it; None takes what a person chose for the layer (:func:`choose_reading`).

    Raises
    ------
    ImageError
        If the layer has no pixels, too few or too many axes, or the axes given do not fit.
    """
    from src_models.images.axes import read_axes

    notes = notes_of(layer)
    data, name = full_resolution(layer), f"layer {layer.name!r}"
    read_as = read_as or _chosen.get(layer, ReadAs())
    axes = axes or read_as.axes
    if layer.rgb and axes is not None and not axes.strip().upper().endswith("C"):
        raise ImageError(f"{name}: it is shown in colour, so its axes must end with C, and {axes!r} do not")
    reading = read_axes(
        data.shape,
        dtype=data.dtype,
        axes=axes or _axes_from_labels(layer),
        rgb=bool(layer.rgb),
        spacing=_spacing(layer),
        unit=str(layer.units[-1]),
        dimensions=dimensions,
        channel=read_as.channels,
        name=name,
    )
    padding = tuple((low, high) for low, high in notes.padding)
    return replace(reading, modality=notes.modality, padding=padding, value_unit=notes.value_unit)


def layer_looks_like_dyes(layer: napari.layers.Image, reading: AxesReading) -> bool:
    """Whether the channels of a layer in memory look like three dyes, as far as a quick look can tell.

    Parameters
    ----------
    layer
        The layer; one that is not in memory is not looked at.
    reading
        How it is read.
    """
    from src_models.images.channels import looks_like_dyes

    data = layer.data[-1] if layer.multiscale else layer.data
    if reading.size("C") not in (3, 4) or not isinstance(data, np.ndarray):
        return False
    index: list[int | slice] = []
    for letter, size in zip(reading.axes, data.shape, strict=True):
        if letter == "C":
            index.append(slice(None))
        else:
            index.append(slice(None, None, max(1, size // _LOOKED_AT)) if letter in "YX" else size // 2)
    kept = [letter for letter, cut in zip(reading.axes, index, strict=True) if isinstance(cut, slice)]
    return looks_like_dyes(np.moveaxis(data[tuple(index)], kept.index("C"), 0))


def _axes_from_labels(layer: napari.layers.Image) -> str | None:
    """Return the axes that the layer's axis labels name, if they name all of them."""
    letters = [axis_letter(label) for label in layer.axis_labels]
    if layer.rgb:
        letters.append("C")
    axes = "".join(letter for letter in letters if letter)
    complete = len(axes) == len(letters) == len(set(axes)) and {"Y", "X"} <= set(axes)
    return axes if complete else None


def _spacing(layer: napari.layers.Image) -> list[float]:
    """Return the size of a pixel in the world along each axis of the layer, its affine included, in the unit of X."""
    from src_models.images.units import converted

    origin = np.asarray(layer.data_to_world(np.zeros(layer.ndim)))
    steps = np.array([np.asarray(layer.data_to_world(step)) - origin for step in np.eye(layer.ndim)])
    into = str(layer.units[-1])
    factors = [converted(1.0, str(unit), into) for unit in layer.units]
    steps = steps * [1.0 if factor is None else factor for factor in factors]
    # Rounded as a share of itself: in metres, all that is under a microscope is less than a millionth.
    return [float(f"{np.linalg.norm(step):.9g}") for step in steps]
