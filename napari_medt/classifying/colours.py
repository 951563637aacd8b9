"""A colour for each class, and labels in them."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap

__all__ = ["class_colour", "class_colours", "coloured_by_class"]

# Okabe and Ito's, which most people can tell apart however they see colours, but for black; then some of Tableau's.
_FIRST = (
    "#e69f00",
    "#56b4e9",
    "#009e73",
    "#f0e442",
    "#0072b2",
    "#d55e00",
    "#cc79a7",
    "#8c564b",
    "#bcbd22",
    "#9467bd",
    "#e7e7e7",
    "#17becf",
)
_GOLDEN = 0.618034  # of a turn around the colours, so that neighbours differ
_MOST_NUMBERS = 2**16 - 2  # of colours that come in turn, as many as napari takes without becoming slower


def class_colour(place: int) -> str:
    """Return the colour of a class by its place among all classes, as ``#rrggbb``."""
    if place < len(_FIRST):
        return _FIRST[place]
    further = place - len(_FIRST)
    rgb = colorsys.hsv_to_rgb((further * _GOLDEN) % 1.0, 0.55, (0.95, 0.75)[further % 2])
    return "#" + "".join(f"{round(255 * part):02x}" for part in rgb)


def class_colours(count: int) -> tuple[str, ...]:
    """Return the colours of so many classes."""
    return tuple(class_colour(place) for place in range(count))


def coloured_by_class(
    ids: NDArray[np.int64], numbers: NDArray[np.int64], colours: tuple[str, ...]
) -> CyclicLabelColormap | DirectLabelColormap:
    """Return colours of labels in which each object has that of its class; what is no object here cannot be seen.

    For colours by number (a ``DirectLabelColormap``), napari compiles code for seconds at first use, in the GUI thread.
    Colours that come in turn, as many as the highest number, do the same at once.

    Parameters
    ----------
    ids
        Numbers of the objects.
    numbers
        The class of each, as a place in `colours`.
    colours
        Of the classes.
    """
    from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap

    rgba = np.array([[*(int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)), 1.0] for colour in colours])
    highest = int(ids.max(initial=0))
    if highest > _MOST_NUMBERS:
        by_number: dict[Any, Any] = {own: rgba[number] for own, number in zip(ids.tolist(), numbers, strict=True)}
        return DirectLabelColormap(color_dict={None: "transparent", 0: "transparent", **by_number})
    turn = np.zeros((max(highest, 1) + 1, 4))
    turn[ids] = rgba[numbers] if len(ids) else turn[ids]
    return CyclicLabelColormap(name="classes", colors=turn, background_value=0)
