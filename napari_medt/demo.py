"""The demo: a real sample image, segmented by a model that ships, with every attention map, in files and in napari.

It goes the way that the Segment widget goes, from image layer to result layers, so what it shows is what a person gets.
Where there is no display, the same window is drawn on a screen in memory and saved as a picture.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medt.files import samples
from napari_medt.system_libraries import explain, missing
from src_models.errors import UserError
from src_models.progress import finish

if TYPE_CHECKING:
    import napari
    import napari.layers

    from src_models.prediction.jobs import RegionResult
    from src_models.progress import Progress

__all__ = [
    "IMAGES",
    "Demo",
    "check_window",
    "picture",
    "run_on_virtual_screen",
    "segment_sample",
    "show",
    "watch",
    "write_results",
]

IMAGES: dict[str, Callable[[], list[samples.LayerData]]] = {
    "fluorescence": samples.fluorescence,
    "histology": samples.histology,
    "brightfield": samples.brightfield,
}
MODEL = "nuclei"
WINDOW_SIZE = (1500, 950)
APART = 0.2  # standard deviations: a map on whose objects values are less apart from the rest explains nothing
_SCREEN = "-screen 0 1600x1000x24"


@dataclass(frozen=True)
class Demo:
    """A sample image and what the model made of it.

    Parameters
    ----------
    image
        The image as a layer.
    truth
        Arguments of the layer with the labels that people drew.
    outcome
        Labels and attention maps.
    """

    image: napari.layers.Image
    truth: samples.LayerData
    outcome: RegionResult


def segment_sample(name: str, on_progress: Callable[[Progress], None] | None = None) -> Demo:
    """Segment a sample image with the model that ships, and record every attention map.

    Parameters
    ----------
    name
        One of `IMAGES`.
    on_progress
        Called after every tile.

    Raises
    ------
    UserError
        If there is no such sample, or the model is missing or cannot run here.
    """
    if name not in IMAGES:
        raise UserError(f"There is no sample image {name!r}; there are {', '.join(IMAGES)}.")
    (data, options, _), truth = IMAGES[name]()
    from napari.layers import Image

    image = Image(data, **options)
    return Demo(image, truth, _outcome(image, on_progress))


def _outcome(image: napari.layers.Image, on_progress: Callable[[Progress], None] | None) -> RegionResult:
    from napari_medt.viewer.reading import read_layer
    from napari_medt.viewer.regions import whole_region
    from src_models.models.architectures import attention_names
    from src_models.models.header import read_header
    from src_models.models.library import find_model
    from src_models.prediction.jobs import RegionRun, SegmentSettings, segmentation_steps

    model = find_model(MODEL)
    whole = whole_region(image, read_layer(image))
    header = read_header(model)
    settings = SegmentSettings(model=model, attention=tuple(attention_names(header.architecture, header.config)))
    steps = segmentation_steps(
        RegionRun(settings=settings, data=image.data, region=whole, layer_id=image.unique_id, layer_name=image.name)
    )
    return finish(steps, on_progress)


def write_results(demo: Demo, folder: Path) -> list[Path]:
    """Write labels and attention maps as TIFF, over those of an earlier demo.

    Parameters
    ----------
    demo
        The segmented sample.
    folder
        Where to; it is made if it is missing.

    Returns
    -------
    list of Path
        The files, labels first.

    Raises
    ------
    OutputError
        If the folder cannot be written to.
    """
    from napari_medt.viewer.reading import read_layer
    from src_models.attention.map_files import map_path, write_map
    from src_models.files.labels import write_labels

    reading = read_layer(demo.image)
    name = demo.image.name
    files = [write_labels(folder / f"{name}_labels.tif", demo.outcome.labels, reading=reading, overwrite=True)]
    for placed in demo.outcome.segmentation.attention:
        path = map_path(folder, name, placed.name)
        files.append(write_map(path, placed, reading=reading, overwrite=True))
    return files


def show(demo: Demo) -> napari.Viewer:
    """Open napari with the image, its labels, the attention maps, the ground truth and the Segment widget."""
    import napari

    from napari_medt.viewer.result_layers import ResultLayers

    viewer = napari.Viewer(title="napari-medt demo")
    _stretch_contrast(demo.image)
    viewer.add_layer(demo.image)
    data, options, _ = demo.truth
    viewer.add_labels(data, **options)
    shown = ResultLayers(viewer).show(demo.image, demo.outcome)
    shown.labels.contour = 2  # so that the image is seen under its labels
    _uncover_telling_map(viewer, demo)
    viewer.window.add_plugin_dock_widget("napari-medt", "Segment")
    return viewer


def _uncover_telling_map(viewer: napari.Viewer, demo: Demo) -> None:
    """Make the attention map visible that sets the objects apart most: bright where they are, or dark.

    One that does neither would only tint the image.
    """
    from napari_medt.viewer.result_layers import ResultLayers
    from src_models.attention.map_contrast import object_contrast

    found = demo.outcome.segmentation
    contrasts = {placed.name: object_contrast(placed, found.labels) for placed in found.attention}
    apart = {name: abs(contrast.separation) for name, contrast in contrasts.items() if contrast is not None}
    telling = max(apart, key=apart.__getitem__, default=None)
    if telling is None or apart[telling] <= APART:
        return
    layer = ResultLayers(viewer).map_of(demo.image, demo.outcome.model_name, telling)
    if layer is not None:
        layer.visible = True


def _stretch_contrast(image: napari.layers.Image) -> None:
    """Show grey values between percentiles, so that a few bright nuclei do not darken all the others."""
    if not image.rgb:
        image.contrast_limits = np.percentile(image.data, (0.1, 99.8))


def check_window() -> None:
    """Make sure that a window can open, before the work whose result it shows.

    Raises
    ------
    UserError
        If there is no Qt binding, or a system library is missing.
    """
    lacking = missing(virtual_screen=False)
    if lacking:
        raise UserError(explain(lacking))
    try:
        import qtpy.QtWidgets  # noqa: F401
    except ImportError as error:
        raise UserError(
            "napari's window needs a Qt binding and there is none here: install napari-medt with its extra `all`, "
            'as in pip install "napari-medt[all]".'
        ) from error


def watch(demo: Demo) -> None:
    """Open the window, and come back when a person has closed it."""
    import napari

    show(demo)
    napari.run()


def picture(demo: Demo, path: Path) -> None:
    """Open the window, save the whole of it, canvas and dock widgets included, as a PNG, and close it.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    viewer = show(demo)
    try:
        _save_picture(viewer, path)
    finally:
        viewer.close()
        del viewer
        # No event loop deletes the widgets, and they and napari's objects hold each other: at the end of Python they
        # would be taken apart in any order, which can end the process with a segmentation fault.
        gc.collect()


def _save_picture(viewer: napari.Viewer, path: Path) -> None:
    from imageio.v3 import imwrite

    from src_models.disk.atomic import atomic_path

    viewer.window.resize(*WINDOW_SIZE)
    _settle()
    viewer.reset_view()
    _settle()
    window: Any = viewer.screenshot(canvas_only=False, flash=False)
    with atomic_path(path, overwrite=True) as beside:
        imwrite(beside, window, extension=".png")


def _settle(seconds: float = 1.0) -> None:
    """Let Qt lay out and draw what is pending."""
    from qtpy.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(int(1000 * seconds), loop.quit)
    loop.exec()


def run_on_virtual_screen(arguments: list[str]) -> None:
    """Become the same command with these arguments on a screen in memory; this process does not go on.

    Raises
    ------
    UserError
        If Xvfb is not installed.
    """
    lacking = missing(virtual_screen=True)
    if lacking:
        raise UserError(f"There is no display here, and nothing to draw without one.\n{explain(lacking)}")
    program = shutil.which("xvfb-run") or "xvfb-run"
    # -P: the folder that the command is run in must not be searched for modules.
    command = [program, "-a", f"--server-args={_SCREEN}", sys.executable, "-P", "-m", "napari_medt", *arguments]
    sys.stdout.flush()
    os.execv(program, command)  # noqa: S606
