"""What the Attention widget saves: maps with their place, the view with a colour bar, tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src_models.errors import UserError

if TYPE_CHECKING:
    import napari.layers
    import napari.viewer

    from src_models.attention.placed_map import PlacedMap
    from src_models.files.volumes.geometry import VolumeGeometry
    from src_models.images.axes import AxesReading
    from src_models.prediction.jobs import RegionResult

__all__ = ["map_files", "save_maps", "save_picture", "save_table", "scan_of"]


def map_files(
    outcome: RegionResult, names: Collection[str], folder: Path, place: VolumeGeometry | None = None
) -> dict[str, Path]:
    """Return the file of each map of a run, of all maps if none is named: NIfTI for a scan, which has a place."""
    from src_models.attention.map_files import map_path
    from src_models.prediction.maps.map_formats import map_ending

    ending = map_ending(None, of_scan=place is not None, name=outcome.job.layer_name)
    stem = f"{outcome.job.layer_name}_{outcome.model_name}"
    wanted = names or [placed.name for placed in outcome.segmentation.attention]
    return {name: map_path(folder, stem, name, ending) for name in wanted}


def save_maps(
    outcome: RegionResult,
    names: Collection[str],
    folder: Path,
    reading: AxesReading,
    place: VolumeGeometry | None = None,
    *,
    overwrite: bool = False,
) -> list[Path]:
    """Write maps of a run, placed on the whole image: as NIfTI if it is a scan, else as OME-TIFF.

    Parameters
    ----------
    outcome
        The run.
    names
        Which maps; all, if this is empty.
    folder
        Where to.
    reading
        How the image layer is read.
    place
        Where the scan lies that the layer shows; None for other images.
    overwrite
        Whether existing files may be replaced.

    Raises
    ------
    OutputError
        If a file exists, or cannot be written.
    """
    from src_models.prediction.maps.map_formats import write_placed_map

    files = map_files(outcome, names, folder, place)
    maps = [_in_layer(outcome, placed) for placed in outcome.segmentation.attention if placed.name in files]
    return [
        write_placed_map(files[placed.name], placed, reading=reading, geometry=place, overwrite=overwrite)
        for placed in maps
    ]


def scan_of(layer: napari.layers.Layer, reading: AxesReading) -> VolumeGeometry | None:
    """Return where the scan lies that a layer shows; None for other images, and where an axis is read as channels."""
    from napari_medt.viewer.layer_notes import notes_of

    return notes_of(layer).volume if "C" not in reading.axes[-3:] else None


def save_table(
    outcome: RegionResult, path: Path, position: Sequence[float] | None = None, *, overwrite: bool = False
) -> Path:
    """Write the range of every map of a run, and its value at a place (px of the part that was run on), as CSV.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, or cannot be written.
    """
    from src_models.attention.map_table import map_rows, write_table

    return write_table(path, map_rows(outcome.segmentation.attention, position), overwrite=overwrite)


def save_picture(viewer: napari.viewer.Viewer, layer: napari.layers.Image | None, path: Path) -> Path:
    """Save the canvas as a PNG, with the colour bar of a layer; an existing file is replaced.

    Raises
    ------
    UserError
        If there is no layer to draw a colour bar of.
    OutputError
        If the file cannot be written.
    """
    from imageio.v3 import imwrite

    from src_models.disk.atomic import atomic_path

    if layer is None:
        raise UserError("No attention is shown: tick a map, or point at the image, before you save a picture.")
    before = layer.colorbar.visible
    layer.colorbar.visible = True
    try:
        picture: Any = viewer.screenshot(canvas_only=True, flash=False)
    finally:
        layer.colorbar.visible = before
    with atomic_path(path, overwrite=True) as beside:
        imwrite(beside, picture, extension=".png")
    return path


def _in_layer(outcome: RegionResult, placed: PlacedMap) -> PlacedMap:
    """Return a map in the axes, less channels, and pixels of the layer instead of the part of it that was run on."""
    from dataclasses import replace

    region = outcome.job.region.without_channels()
    scale, translate = region.place(placed.scale, placed.translate)
    return replace(placed, data=region.expand(placed.data), scale=scale, translate=translate)
