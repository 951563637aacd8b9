"""Open scans in napari, at their place in the patient in mm: NIfTI, NRRD, MetaImage, DICOM files and folders."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from src_models.files.volumes.volume import Volume

__all__ = ["NO_LAYERS", "scan_reader", "volume_layer"]


LayerData = tuple[Any, dict[str, Any], str]
Reader = Callable[[str | Sequence[str]], list[LayerData]]

NO_LAYERS: list[Any] = [(None,)]  # what napari wants of a reader that opens nothing: a person cancelled


def scan_reader(path: str | Sequence[str]) -> Reader | None:
    """Return the reader of scans, or None for what is none: a folder without DICOM, or with zarr."""
    from src_models.files.volumes.opening import is_volume

    return _open_all if all(is_volume(one) for one in _paths(path)) else None


def _paths(path: str | Sequence[str]) -> list[Path]:
    return [Path(path)] if isinstance(path, str | Path) else [Path(one) for one in path]


def _open_all(path: str | Sequence[str]) -> list[LayerData]:
    """Open scans; of files that belong to one DICOM series, the series once, and of a folder of several, the chosen."""
    from napari_medt.files.preview.chosen_series import chosen_series
    from napari_medt.viewer.scans.scan_view import show_what_opens
    from src_models.files.images import image_stem
    from src_models.files.volumes.dicom.encoding import is_dicom
    from src_models.files.volumes.dicom_labels.kinds import is_dicom_labels
    from src_models.files.volumes.opening import read_volume

    show_what_opens()
    opened = []
    for one in _distinct(_paths(path)):
        if one.is_dir() or (is_dicom(one) and not is_dicom_labels(one)):
            opened += [volume_layer(volume, name) for name, volume in chosen_series(one)]
        else:
            opened.append(volume_layer(read_volume(one), image_stem(one)))
    return opened or NO_LAYERS


def _distinct(paths: list[Path]) -> list[Path]:
    """Keep one file of each DICOM series, and all else."""
    from src_models.files.volumes.dicom.encoding import is_dicom
    from src_models.files.volumes.dicom.reading import read_slices
    from src_models.files.volumes.dicom.slices import NoSlice

    if len(paths) == 1:
        return paths
    kept: dict[tuple[Any, ...], Path] = {}
    for path in paths:
        key: tuple[Any, ...] = (path,)
        found = read_slices(path) if is_dicom(path) else ()
        if found and not isinstance(found, NoSlice) and found[0].pixels.frames == 1:
            key = (path.parent, found[0].series)
        kept.setdefault(key, path)
    return list(kept.values())


def volume_layer(volume: Volume, name: str) -> LayerData:
    """Return the layer of a scan, or of labels of one, at its place; what is to be known of it is shown."""
    import numpy as np
    from napari.utils.notifications import show_warning

    from napari_medt.files.segment_names import segment_features
    from napari_medt.viewer.layer_notes import LayerNotes
    from src_models.images.grey.ct_windows import ct_window, shows_ct

    for note in volume.notes:
        show_warning(f"{name}: {note}")
    axes = volume.reading.axes
    time = [volume.frame_seconds] * (len(axes) - 3)
    affine = np.eye(len(axes) + 1)
    affine[-4:, -4:] = volume.geometry.directions
    options: dict[str, Any] = {
        "name": name,
        "scale": (*time, *volume.geometry.spacing),
        "affine": affine,
        "units": (*("s" for _ in time), *("mm",) * 3),
        "axis_labels": tuple(axes.lower()),
    }
    geometry = volume.geometry
    for note in geometry.notes:
        show_warning(note)
    if volume.labels:  # they can be painted, and saved again to their own file
        options["metadata"] = LayerNotes(volume=dataclasses.replace(geometry, path=None)).metadata()
        if volume.segments:
            options["features"] = segment_features(volume.segments)
        return np.array(volume.data), options, "labels"
    reading = volume.reading
    notes = LayerNotes(
        volume=geometry,
        modality=reading.modality,
        padding=reading.padding,
        value_unit=reading.value_unit,
        windows=volume.windows,
    )
    options["metadata"] = notes.metadata()
    options["rgb"] = False
    if shows_ct(volume.data, reading):
        options["contrast_limits"] = ct_window("soft tissue").limits
    return volume.data, options, "image"
