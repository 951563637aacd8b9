"""Labels of ``napari-medt click``: which ones an object is begun with, and those that it is written into."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medt.cli.console import Console
from src_models.errors import ImageError, OutputError, UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from src_models.clicking.clicked_object import AcceptedObject
    from src_models.files.images import ImageFile
    from src_models.files.volumes.volume import Maker, Segment
    from src_models.images.planes import Planes

__all__ = ["Given", "check_output", "given_labels", "planes_of", "write_clicked"]


@dataclass(frozen=True, slots=True)
class Given:
    """Labels that one object of is mended.

    Parameters
    ----------
    labels
        All of them, on the image's pixels.
    value
        The object's number.
    segments
        What the numbers are called.
    """

    labels: NDArray[Any]
    value: int
    segments: tuple[Segment, ...] = ()

    def mask(self, source: ImageFile) -> NDArray[np.bool_]:
        """Return the object, height and width last."""
        import numpy as np

        planes = planes_of(source)
        whole = (slice(None), slice(None))
        masks = [planes.from_label_order(self.labels[planes.label_index(plane, whole)]) for plane in planes]
        return np.stack(masks).reshape(*planes.leading_shape, *planes.shape) == self.value


def given_labels(path: Path, value: int | None, source: ImageFile, console: Console) -> Given:
    """Read labels, bring them onto an image, and find the object that is meant.

    Raises
    ------
    UserError
        If they cannot be read or do not lie on the image, or hold no such object, or several and none was named.
    """
    import numpy as np

    from src_models.files.images import read_label_file
    from src_models.files.pairs import pair

    file = read_label_file(path, like=source.reading, scan=source.geometry)
    paired = pair(source, file)
    if paired.note is not None:
        console.notes([paired.note])
    labels, shape = np.asarray(paired.labels), source.reading.without_channels().shape
    if labels.shape != shape:
        raise ImageError(
            f"{path} has the shape {' x '.join(map(str, labels.shape))}, and {source.title} needs "
            f"{' x '.join(map(str, shape))}: give labels of this image"
        )
    numbers = [int(number) for number in np.unique(labels) if number]
    if value is None and len(numbers) == 1:
        value = numbers[0]
    if value is None or value not in numbers:
        held = f"the objects {', '.join(map(str, numbers[:12]))}{', ...' if len(numbers) > 12 else ''}"
        raise UserError(
            f"{path} holds {held if numbers else 'no objects'}"
            + ("" if value is None else f", and no {value}")
            + (": choose one with --object" if numbers else "")
        )
    return Given(labels, value, file.segments)


def check_output(path: Path, source: ImageFile) -> None:
    """Refuse a format that labels of an image cannot be written in.

    Raises
    ------
    OutputError
        If it is for scans, and the image is none, or for DICOM slices, and the scan was not read from such.
    """
    from src_models.files.volumes.label_files import DICOM_SUFFIX, is_scan_labels

    if not is_scan_labels(path):
        return
    if source.geometry is None or "C" in source.reading.axes:
        raise OutputError(
            f"{path}: labels are written as NIfTI, NRRD or DICOM for scans alone, which {source.title} is not; "
            "choose .tif or .zarr"
        )
    if path.suffix.lower() == DICOM_SUFFIX:
        from src_models.files.volumes.dicom_labels.seg_writing import check_dicom_seg

        check_dicom_seg(path, source.geometry)


def write_clicked(
    path: Path,
    accepted: AcceptedObject,
    source: ImageFile,
    *,
    overwrite: bool,
    given: Given | None = None,
    maker: Maker | None = None,
) -> None:
    """Write an object as labels: alone as number 1, or in its place among labels that were given.

    Parameters
    ----------
    path
        The file; its ending says the format.
    accepted
        The object.
    source
        The image.
    overwrite
        Whether an existing file may be replaced.
    given
        The labels that it is one of; all others keep their pixels.
    maker
        The model, for formats that name it.
    """
    import numpy as np

    from src_models.disk.atomic import atomic_path
    from src_models.files.labels import output_zarr, write_labels
    from src_models.files.volumes.label_files import is_scan_labels, write_volume_labels

    shape = source.reading.without_channels().shape
    largest = 1 if given is None else int(given.labels.max())
    dtype = np.min_scalar_type(largest)
    if path.suffix.lower() == ".zarr":
        with atomic_path(path, overwrite=overwrite) as beside:
            _draw(accepted, source, output_zarr(beside, shape, str(dtype), reading=source.reading), given)
        return
    labels = np.zeros(shape, dtype)
    _draw(accepted, source, labels, given)
    if source.geometry is not None and is_scan_labels(path):
        segments = None if given is None else given.segments or None
        write_volume_labels(path, labels, source.geometry, overwrite=overwrite, segments=segments, maker=maker)
    else:
        write_labels(path, labels, reading=source.reading, overwrite=overwrite)


def planes_of(source: ImageFile) -> Planes:
    """Return the planes of an image."""
    from src_models.images.planes import Planes

    return Planes(source.reading, 2, source.title)


def _draw(accepted: AcceptedObject, source: ImageFile, labels: Any, given: Given | None) -> None:
    """Write the object into labels of zeros; beside it, what was given of the others."""
    import numpy as np

    planes, stack = planes_of(source), accepted.slices[0].plane[:-1]
    if given is not None:
        for plane in planes:
            index = planes.label_index(plane, (slice(None), slice(None)))
            there = np.asarray(given.labels[index])
            labels[index] = np.where(there == given.value, 0, there) if plane[:-1] == stack else there
    for part in accepted.slices:
        index = planes.label_index(part.plane, part.region)
        there, mask = np.asarray(labels[index]), planes.to_label_order(part.mask)
        labels[index] = np.where(mask & (there == 0), 1 if given is None else given.value, there)
