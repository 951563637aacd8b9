"""Writing clicked objects to files: the labels, and beside them what every object was made by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medt.files.writers import known_scans, write_scan_labels
from napari_medt.viewer.labels.labels_layers import without_background
from napari_medt.viewer.labels.object_records import records_of
from napari_medt.viewer.reading import read_layer
from src_models.errors import OutputError
from src_models.files.clicked_objects import clicks_path, write_clicks
from src_models.files.volumes.label_files import SCAN_LABEL_SUFFIXES, is_scan_labels

if TYPE_CHECKING:
    import napari.layers

    from src_models.files.volumes.geometry import VolumeGeometry
    from src_models.images.axes import AxesReading

__all__ = ["ObjectsToSave", "with_ending"]

_SUFFIXES = (".tif", ".tiff", *SCAN_LABEL_SUFFIXES)


def with_ending(path: str | Path, ending: str = ".tif") -> Path:
    """Return a file with the ending that belongs to it, if it has none that is known.

    What looks like an ending of another kind of file stays as it is, to be refused. Some systems' dialogs add half of
    an ending, ``.gz``.

    >>> str(with_ending("cells")), str(with_ending("day 1.5 h", ".nii.gz")), str(with_ending("cells.gz"))
    ('cells.tif', 'day 1.5 h.nii.gz', 'cells.nii.gz')
    """
    path = Path(path)
    if path.suffix == ".gz" and not path.name.lower().endswith(_SUFFIXES):
        return path.with_suffix(".nii.gz")
    known = path.name.lower().endswith(_SUFFIXES) or path.suffix[1:].isalpha()
    return path if known else path.with_name(path.name + ending)


@dataclass(frozen=True, slots=True)
class ObjectsToSave:
    """Labels and their objects as they go to files: no layer, so that it is written in a worker thread.

    Parameters
    ----------
    data, meta
        The labels, and what napari's writers are told of their layer.
    records
        What is known of the objects that were clicked into them.
    scans
        What they may lie on.
    reading
        What the axes of their image mean.
    rgb
        Whether colours are an axis of the image alone.
    """

    data: Any
    meta: Mapping[str, Any]
    records: Sequence[Mapping[str, Any]]
    scans: Sequence[VolumeGeometry]
    reading: AxesReading
    rgb: bool

    @classmethod
    def of(cls, labels: napari.layers.Labels, image: napari.layers.Image) -> ObjectsToSave:
        """Return what a layer holds, which lies on an image."""
        data, meta, _ = labels.as_layer_data_tuple()
        return cls(data, meta, records_of(labels), known_scans(meta), read_layer(image), bool(image.rgb))

    def write(self, path: str | Path, *, overwrite: bool = False) -> Sequence[Path]:
        """Write labels, and the clicks, model and time of every object that was clicked into them and is still there.

        Parameters
        ----------
        path
            The file to make: ``.tif``, which is added where no ending is given, or for a scan ``.nii.gz``, ``.nii``,
            ``.nrrd`` or ``.seg.nrrd``, or ``.dcm`` where it was read from DICOM slices.
        overwrite
            Whether existing files may be replaced.

        Returns
        -------
        sequence of Path
            Both files.

        Raises
        ------
        OutputError
            If the suffix is another one, a file exists, or cannot be written.
        """
        path = with_ending(path)
        if not path.name.lower().endswith(_SUFFIXES):
            raise OutputError(f"{path}: objects are written as {', '.join(_SUFFIXES)}; choose one of these endings")
        beside = clicks_path(path)
        if beside.exists() and not overwrite:
            raise OutputError(f"{beside}: this file exists; choose another name, or remove it")
        if is_scan_labels(path):
            if path.exists() and not overwrite:
                raise OutputError(f"{path}: this file exists; choose another name, or remove it")
            write_scan_labels(str(path), self.data, dict(self.meta), self.scans)
        else:
            from src_models.files.labels import write_labels

            write_labels(path, self._without_channels(), reading=self.reading, overwrite=overwrite)
        return path, write_clicks(path, self._present(), overwrite=overwrite)

    def _present(self) -> list[dict[str, Any]]:
        """Return what is known of the objects that are still there."""
        there = set(np.unique(self.data).tolist()) if self.records else set()
        return [dict(entry) for entry in self.records if entry["value"] in there]

    def _without_channels(self) -> Any:
        channel = self.reading.axes.find("C")
        data = without_background(np.asarray(self.data), self.meta.get("metadata", {}))
        return data.squeeze(channel) if 0 <= channel < data.ndim and not self.rgb else data
