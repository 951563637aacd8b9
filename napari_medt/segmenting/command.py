"""Segmenting as one function: for Python, and, made into a form, for the command palette.

Its annotations are what magicgui makes the form of, so they are evaluated here.
"""

from collections.abc import Generator
from concurrent.futures import Future
from typing import Annotated, Any

from napari.layers import Image
from napari.types import LayerDataTuple

from napari_medt.preferences import read_preferences
from napari_medt.running.window_future import promise
from napari_medt.viewer.reading import coarser_levels, full_resolution, grey_range_of, read_layer
from napari_medt.viewer.regions import whole_region
from napari_medt.viewer.result_layers import labels_tuple_steps, with_layers_ready
from src_models.models.header import read_header
from src_models.models.library import local_models, model_path, shipped_models
from src_models.prediction.jobs import RegionRun, SegmentSettings, segmentation_steps
from src_models.progress import Progress, finish

__all__ = ["model_names", "segment_layer"]


def model_names(_form: Any = None) -> list[str]:
    """Return the names of the models that segment by themselves."""
    return [entry.name for entry in (*shipped_models(), *local_models()) if entry.header.use == "segment"]


def segment_layer(
    image: Image,
    model: Annotated[str, {"choices": model_names, "tooltip": "The trained network."}] = "nuclei",
    diameter: Annotated[
        float, {"label": "object size (px)", "max": 10_000.0, "tooltip": "Diameter of an object; 0: worked out."}
    ] = 0.0,
    sensitivity: Annotated[
        float, {"widget_type": "FloatSlider", "min": -1.0, "max": 1.0, "tooltip": "Above 0 more is found, below less."}
    ] = 0.0,
    device: Annotated[str, {"choices": ["auto", "cpu", "cuda", "mps"], "tooltip": "Where the network runs."}] = "auto",
) -> Future[LayerDataTuple]:
    """Segment all of an image layer, beside the window.

    Parameters
    ----------
    image
        The layer; it is read as the widgets read it, and not changed.
    model
        Name of a model, or a file's path.
    diameter
        Diameter of the objects (px); 0 estimates it.
    sensitivity
        From -1 (only what is sure) to 1, as in :func:`src_models.segment`.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.

    Returns
    -------
    Future of LayerDataTuple
        Labels as a layer that lies over the image: data, options (``name``, ``metadata``, ``scale``, ...), "labels".
        A form adds it to its viewer; in Python, ``napari.layers.Layer.create(*segment_layer(image).result())`` is it.
        Its ``result()`` raises a UserError where the image cannot be segmented with that model.

    Raises
    ------
    UserError
        If there is no such model, or the layer cannot be read.
    """
    path = model_path(model)
    reading = read_layer(image, None, read_header(path).dimensions)
    settings = SegmentSettings(
        model=path,
        grey_range=grey_range_of(image),
        diameter=diameter or None,
        sensitivity=sensitivity,
        device=device,
        threads=read_preferences().threads,
    )
    run = RegionRun(
        settings=settings,
        data=full_resolution(image),
        region=whole_region(image, reading),
        layer_id=image.unique_id,
        layer_name=image.name,
        levels=coarser_levels(image),
    )
    return promise(with_layers_ready(_steps(image, run)), f"Segmenting {image.name}")


def _steps(image: Image, run: RegionRun) -> Generator[Progress, None, LayerDataTuple]:
    outcome = yield from segmentation_steps(run)
    return LayerDataTuple(finish(labels_tuple_steps(image, outcome)))
