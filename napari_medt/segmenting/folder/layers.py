"""An image of the folder in the viewer, with its labels over it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_medt.files.image_reader import image_layers, labels_layer
from napari_medt.files.readers import LayerData, volume_layer

if TYPE_CHECKING:
    import napari.viewer

    from src_models.files.image_list import OneImage
    from src_models.prediction.batches.folder_run import ImageRow

__all__ = ["SegmentedLayers", "read_layers"]


def read_layers(row: ImageRow) -> list[LayerData]:
    """Read an image, and its labels where there are some, for a thread beside the window's.

    Raises
    ------
    ImageError
        If one of them cannot be read.
    """
    layers = _image(row.image)
    if row.labels is not None:
        layers.append(_labels(row.labels))
    return layers


def _image(image: OneImage) -> list[LayerData]:
    from src_models.files.images import read_image
    from src_models.files.series.scans import read_scan_image
    from src_models.files.volumes.opening import is_volume, read_volume

    if not is_volume(image.path):
        return image_layers(read_image(image.path, series=None if image.series is None else image.series.number))
    read = read_volume(image.path) if image.series is None else read_scan_image(image.path, image.series)
    return [volume_layer(read, image.name)]


def _labels(path: Path) -> LayerData:
    from src_models.files.images import image_stem, read_image
    from src_models.files.volumes.opening import is_volume, read_volume

    if is_volume(path):
        return volume_layer(read_volume(path), image_stem(path))
    return labels_layer(read_image(path), image_stem(path))


class SegmentedLayers:
    """Shows one image at a time: those that were shown before are hidden, never removed.

    Parameters
    ----------
    viewer
        The viewer.
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self._viewer = viewer
        self._shown: dict[str, list[object]] = {}  # unique ids of layers, by the title of their image

    def forget(self) -> None:
        """Have images opened anew: their labels may be others now."""
        self._hide()
        self._shown.clear()

    def again(self, row: ImageRow) -> bool:
        """Show an image that is in the viewer with its labels already, and tell whether it is."""
        ids = self._shown.get(row.image.title, [])
        layers = [layer for layer in self._viewer.layers if layer.unique_id in ids]
        if not ids or len(layers) < len(ids):
            return False
        self._hide()
        for layer in layers:
            layer.visible = True
        self._viewer.layers.selection.active = layers[-1]
        return True

    def show(self, row: ImageRow, layers: list[LayerData]) -> None:
        """Add the layers of an image."""
        from napari.layers import Layer

        from napari_medt.viewer.scans.scan_view import bring_into_view

        self._hide()
        added = [self._viewer.add_layer(Layer.create(data, options, kind)) for data, options, kind in layers]
        self._shown[row.image.title] = [layer.unique_id for layer in added]
        bring_into_view(self._viewer, added[0])

    def _hide(self) -> None:
        ids = {each for shown in self._shown.values() for each in shown}
        for layer in self._viewer.layers:
            if layer.unique_id in ids:
                layer.visible = False
