"""Background that a person paints is neutral grey, whatever colours objects have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import napari.layers
    from napari.utils.colormaps import CyclicLabelColormap

__all__ = ["GREY", "show_background_grey", "usual_colours", "with_grey"]

GREY = (0.5, 0.5, 0.5, 1.0)

_MOST_COLOURS = 2**16 - 2  # with the one that cannot be seen, as many as napari takes without becoming slower


def show_background_grey(labels: napari.layers.Labels, background: int) -> None:
    """Give the number that background is painted with a grey of its own; all other numbers keep their colours.

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
    if isinstance(colours, CyclicLabelColormap) and not np.allclose(colours.map(background), GREY):
        grey = with_grey(colours, background)
        grey.use_selection, grey.selection = labels.show_selected_label, labels.selected_label
        labels.colormap = grey


def usual_colours(background: int) -> CyclicLabelColormap:
    """Return the colours that napari gives to labels, with grey for background."""
    from napari.layers import Labels

    usual: Any = Labels(np.zeros((1, 1), np.int32)).colormap
    return with_grey(usual, background)


def with_grey(colours: CyclicLabelColormap, background: int) -> CyclicLabelColormap:
    """Return colours that repeat after so many numbers that background is alone in its place among them."""
    from napari.utils.colormaps import CyclicLabelColormap

    hidden, cycle = np.asarray(colours.colors)[:1], np.asarray(colours.colors)[1:]
    times = max(1, min(-(-background // len(cycle)), _MOST_COLOURS // len(cycle)))
    more = np.tile(cycle, (times, 1))
    more[(background - 1) % len(more)] = GREY
    return CyclicLabelColormap(
        name=colours.name,
        colors=np.concatenate([hidden, more]),
        background_value=colours.background_value,
        seed=colours.seed,
    )
