"""Where ``napari-medt segment`` puts labels: TIFF, zarr for large lazy images, NIfTI for scans."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from src_models.files.images import ImageFile
    from src_models.files.volumes.geometry import VolumeGeometry
    from src_models.prediction.segmentation import Segmentation

__all__ = ["LARGE", "labels_path", "segment_to_file"]

LARGE = 64 * 2**20  # pixels; labels of larger lazy images are written tile by tile

Run = Callable[..., "Segmentation"]


def labels_path(output: Path, stem: str, suffix: str) -> Path:
    """Return the file for an image's labels."""
    return output / f"{stem}_labels{suffix}"


def segment_to_file(image: ImageFile, run: Run, output: Path, *, overwrite: bool) -> tuple[Segmentation, Path]:
    """Segment an image and write its labels.

    Parameters
    ----------
    image
        The image.
    run
        Segments it; its keyword `labels_out` is an array to write the labels to, or None.
    output
        Folder for the labels.
    overwrite
        Whether an existing file may be replaced.

    Returns
    -------
    segmentation, path
        What was found, and the file with the labels: a scan's are NIfTI on its own grid.
    """
    if image.geometry is not None and "C" not in image.reading.axes[-3:]:
        return _labels_to_nifti(image, image.geometry, run, output, overwrite)
    return _labels_to_image(image, run, output, overwrite)


def _labels_to_image(image: ImageFile, run: Run, output: Path, overwrite: bool) -> tuple[Segmentation, Path]:
    """Write labels as TIFF; of a large lazy image as zarr, tile by tile."""
    from src_models.disk.atomic import atomic_path
    from src_models.files.labels import output_zarr, write_labels

    if not _is_large(image):
        segmentation = run(labels_out=None)
        path = labels_path(output, image.name, ".tif")
        write_labels(path, segmentation.labels, reading=image.reading, overwrite=overwrite)
        return segmentation, path
    path = labels_path(output, image.name, ".zarr")
    with atomic_path(path, overwrite=overwrite) as beside:
        out = output_zarr(beside, image.reading.without_channels().shape, "int32", reading=image.reading)
        return run(labels_out=out), path


def _labels_to_nifti(
    image: ImageFile, geometry: VolumeGeometry, run: Run, output: Path, overwrite: bool
) -> tuple[Segmentation, Path]:
    """Write labels of a scan onto its own grid; those of a large lazy one wait on disk until they are complete."""
    from src_models.files.volumes.nifti_labels import write_nifti_labels

    path = labels_path(output, image.name, ".nii.gz")
    with _room_for_labels(image, path) as labels_out:
        segmentation = run(labels_out=labels_out)
        write_nifti_labels(path, segmentation.labels, geometry, overwrite=overwrite)
    return segmentation, path


@contextmanager
def _room_for_labels(image: ImageFile, path: Path) -> Iterator[Any]:
    """Give a zarr beside `path` for the labels of a large lazy image, for as long as the block runs; else None."""
    from src_models.disk.atomic import output_error
    from src_models.errors import OutputError
    from src_models.files.labels import output_zarr

    if not _is_large(image):
        yield None
        return
    try:
        with TemporaryDirectory(dir=path.parent, prefix=".") as folder:
            yield output_zarr(Path(folder) / "labels.zarr", image.reading.without_channels().shape, "int32")
    except OutputError:
        raise
    except OSError as error:
        raise output_error(path, error) from error


def _is_large(image: ImageFile) -> bool:
    import math

    import numpy as np

    return not isinstance(image.data, np.ndarray) and math.prod(image.reading.without_channels().shape) > LARGE
