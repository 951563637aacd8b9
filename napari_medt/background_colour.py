"""Background that a person paints is neutral grey, whatever colours objects have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import napari.layers

__all__ = ["GREY", "show_background_grey"]

GREY = (0.5, 0.5, 0.5, 1.0)

_MOST_COLOURS = 2**16 - 2  # with the one that cannot be seen, as many as napari takes without becoming slower


def show_background_grey(labels: napari.layers.Labels, background: int) -> None:
    """Give the number that background is painted with a grey of its own; all other numbers keep their colours.

    napari's colours repeat after some numbers; here, after so many that background is alone in its place among them.
    Colours that a person gave number by number are left alone.

    Parameters
    ----------
    labels
        The layer.
    background
        The number.
    """
    from napari.utils.colormaps import CyclicLabelColormap

    colours = labels.colormap
    if not isinstance(colours, CyclicLabelColormap):
        return
    hidden, cycle = np.asarray(colours.colors)[:1], np.asarray(colours.colors)[1:]
    if np.allclose(cycle[(background - 1) % len(cycle)], GREY):
        return
    times = min(-(-background // len(cycle)), _MOST_COLOURS // len(cycle))
    more = np.tile(cycle, (times, 1))
    more[(background - 1) % len(more)] = GREY
    labels.colormap = CyclicLabelColormap(
        name=colours.name,
        colors=np.concatenate([hidden, more]),
        background_value=colours.background_value,
        seed=colours.seed,
    )
