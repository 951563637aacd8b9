"""Linking objects over time as one function: for Python, and, made into a form, for the command palette.

Its annotations are what magicgui makes the form of, so they are evaluated here.
"""

from collections.abc import Generator
from concurrent.futures import Future
from typing import Annotated, Any

import numpy as np
from napari.layers import Labels
from napari.types import LayerDataTuple

from napari_medt.running.window_future import promise
from napari_medt.viewer.placement import placement
from src_models.errors import UserError
from src_models.progress import Progress

__all__ = ["link_objects"]


def link_objects(
    labels: Labels,
    farthest: Annotated[
        float,
        {
            "label": "farthest way",
            "max": 1e6,
            "tooltip": "How far an object goes from frame to frame; 0: its diameter.",
        },
    ] = 0.0,
    gap: Annotated[int, {"label": "missed frames", "max": 20, "tooltip": "In how many on end it may be missed."}] = 1,
    divisions: Annotated[bool, {"tooltip": "Whether objects divide."}] = True,
) -> Future[LayerDataTuple]:
    """Link the objects in labels of a time series, beside the window.

    Parameters
    ----------
    labels
        The layer, whose first axis is time; its numbers may be new in each frame.
    farthest
        How far an object goes at most from frame to frame, in the units of the layer; 0 takes the objects' diameter.
    gap
        In how many frames on end an object may be missed.
    divisions
        Whether objects divide.

    Returns
    -------
    Future of LayerDataTuple
        Tracks as a layer that lies over the labels: data, options (``name``, ``graph``, ``scale``, ...), "tracks".

    Raises
    ------
    UserError
        If the labels have no time.
    """
    data = labels.data[0] if labels.multiscale else labels.data
    if data.ndim not in (3, 4):
        raise UserError(
            f"{labels.name!r} has {data.ndim} axes: choose labels of a time series (t, y, x) or (t, z, y, x)"
        )
    place = placement(labels)
    spacing = [float(abs(step)) for step in np.asarray(labels.scale)[1:]]
    options = {"spacing": spacing, "farthest": farthest or None, "gap": gap, "divisions": divisions}
    return promise(_steps(data, labels.name, place, options), f"Linking {labels.name}")


def _steps(
    data: Any, name: str, place: dict[str, Any], options: dict[str, Any]
) -> Generator[Progress, None, LayerDataTuple]:
    from src_models.tracking.linking import track_objects

    yield Progress(0, 0, "linking objects")
    found = track_objects(data, **options)
    return LayerDataTuple((found.data(), {"name": f"{name} - tracks", "graph": found.graph(), **place}, "tracks"))
