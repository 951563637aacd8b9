"""Save labels as NIfTI, NRRD, MetaImage or DICOM that lies on the scan they belong to, voxel on voxel.

Which scan that is: the one the labels were read from, else a scan in the viewer of the same shape at the same place.
Labels that lie on no scan are written with the place that their layer has in the viewer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_medt.files.segment_names import named_segments
from napari_medt.files.zarr_writer import is_in_zarr, write_zarr_labels
from napari_medt.viewer.labels.labels_layers import without_background
from napari_medt.viewer.layer_notes import LayerNotes
from src_models.errors import OutputError
from src_models.files.volumes.label_files import DICOM_SUFFIX, is_scan_labels

if TYPE_CHECKING:
    from npe2.manifest.contributions import WriterContribution

    from src_models.files.volumes.geometry import VolumeGeometry
    from src_models.files.volumes.volume import Maker

__all__ = ["known_scans", "write_scan_labels"]


def write_scan_labels(
    path: str, data: Any, meta: dict[str, Any], scans: Sequence[VolumeGeometry] | None = None
) -> list[str]:
    """Write a labels layer.

    Parameters
    ----------
    path
        The file to make; napari has asked whether one that exists may be replaced. A scan itself never is. Without an
        ending, ``.nii.gz`` is added; a name with the ending of another format is left to the plugin that writes that.
    data
        ([t, ]z, y, x) integers; (y, x) is a scan of one slice.
    meta
        The layer's attributes.
    scans
        What they may lie on, as :func:`known_scans` told; None asks it, which a worker thread must not.

    Returns
    -------
    list of str
        The file that was written.

    Raises
    ------
    OutputError
        If the labels have more axes, or the path is the scan's own or cannot be written, or an ending was added and
        the file exists: nobody was asked about that one.
    """
    from src_models.files.volumes.geometry import VolumeGeometry
    from src_models.files.volumes.label_files import write_volume_labels

    if is_in_zarr(path):  # which has no place for other files; an ending may be napari's, which nobody was asked about
        return write_zarr_labels(re.sub(r"\.(nii(\.gz)?|(seg\.)?nrrd|mha|dcm)$", ".zarr", path, flags=re.I), data, meta)
    other = _other_writer(path)
    if other is not None:
        return [str(written) for written in np.atleast_1d(other.exec(args=(path, data, meta)))]
    target = _with_ending(path)
    labels = data[0] if meta.get("multiscale") else data
    if labels.ndim not in (2, 3, 4):
        raise OutputError(
            f"layer {meta.get('name')!r}: a scan's file holds labels with axes (z, y, x), or time before them, and "
            f"these have {labels.ndim} axes; save them as TIFF"
        )
    to_world = _to_world(labels.ndim, meta)
    labels = without_background(np.asarray(labels), meta.get("metadata", {}))
    labels = labels[None] if labels.ndim == 2 else labels
    known = known_scans(meta) if scans is None else scans
    if target.lower().endswith(DICOM_SUFFIX):  # which only the slices themselves can have, whatever else lies there
        known = sorted(known, key=lambda one: not one.files)
    geometry = _scan_below(labels.shape[-3:], to_world, known)
    if geometry is None:
        geometry = VolumeGeometry.of_grid(to_world, labels.shape[-3:])
        labels = geometry.to_data(labels)
    seconds = _seconds_per_frame(meta) if labels.ndim == 4 else 1.0
    asked = target == path
    segments = named_segments(meta.get("features"))
    written = write_volume_labels(
        target,
        labels,
        geometry,
        overwrite=asked,
        frame_seconds=seconds,
        segments=segments,
        maker=_maker(LayerNotes.read(meta.get("metadata", {}))),
    )
    return [str(written)]


def known_scans(meta: Mapping[str, Any]) -> list[VolumeGeometry]:
    """Return the scan that a labels layer knows of, by its attributes, then those in the viewer."""
    from napari import current_viewer

    viewer = current_viewer()
    layers = [] if viewer is None else list(viewer.layers)
    notes = [LayerNotes.read(metadata) for metadata in (meta.get("metadata", {}), *(each.metadata for each in layers))]
    return [note.volume for note in notes if note.volume is not None]


def _maker(notes: LayerNotes) -> Maker | None:
    """Return the model that made a layer; None for a person."""
    from src_models.files.volumes.volume import Maker

    sha256 = notes.provenance.get("model_sha256") or (notes.correction and notes.correction.model_sha256)
    name = notes.model or (notes.correction and notes.correction.model_name)
    name = name or notes.provenance.get("header", {}).get("name")
    if not name and notes.objects:
        name, sha256 = "clicks", notes.objects[-1].get("model_sha256")
    if not name:
        return None
    helped = notes.edited or notes.correction is not None or bool(notes.objects)
    return Maker(str(name), f"SHA-256 {str(sha256)[:16]}" if sha256 else "unknown", helped)


def _other_writer(path: str) -> WriterContribution | None:
    """Return another plugin's writer of labels for the ending of a name.

    napari's dialog calls the writer of the type that is chosen in it, whatever the name ends with.
    """
    from npe2 import PluginManager

    if is_scan_labels(path) or not Path(path).suffix:
        return None
    return PluginManager.instance().get_writer(path, ["labels"])[0]


def _with_ending(path: str) -> str:
    """Return a name that ends as labels of a scan do; dialogs of some systems add half of an ending, ``.gz``."""
    return path if is_scan_labels(path) else path.removesuffix(".gz") + ".nii.gz"


def _to_world(ndim: int, meta: dict[str, Any]) -> NDArray[np.float64]:
    """Return the matrix (4, 4) from a position (z, y, x) in the layer to the world in mm."""
    from napari.layers import Labels

    place = {name: meta[name] for name in ("scale", "translate", "rotate", "shear", "affine", "units") if name in meta}
    layer = Labels(np.zeros((1,) * ndim, np.uint8), **place)
    matrix = np.eye(ndim + 1)
    matrix[:-1, -1] = layer.data_to_world(np.zeros(ndim))
    for axis, step in enumerate(np.eye(ndim)):
        matrix[:-1, axis] = layer.data_to_world(step) - matrix[:-1, -1]
    matrix[:-1] *= [[_in(unit, "mm")] for unit in layer.units]
    volume = np.eye(4)
    kept = min(ndim, 3)
    volume[-kept - 1 :, -kept - 1 :] = matrix[-kept - 1 :, -kept - 1 :]
    return volume


def _in(unit: Any, wanted: str) -> float:
    """Return how long a unit of napari is; 1 for pixels and others that have no length or time."""
    return float((1 * unit).to(wanted).magnitude) if unit.is_compatible_with(wanted) else 1.0


def _seconds_per_frame(meta: dict[str, Any]) -> float:
    from napari.layers import Labels

    layer = Labels(np.zeros((1, 1, 1, 1), np.uint8), scale=meta.get("scale"), units=meta.get("units"))
    return float(layer.scale[0]) * _in(layer.units[0], "s")


def _scan_below(
    shape: tuple[int, ...], to_world: NDArray[np.float64], scans: Sequence[VolumeGeometry]
) -> VolumeGeometry | None:
    """Return the geometry of the scan whose voxels the labels' are."""
    from src_models.files.pairs import Grid, compare

    labels = Grid(to_world, shape)
    for geometry in scans:
        if compare(Grid(geometry.affine, geometry.shape), labels).fit == "same":
            return geometry
    return None
