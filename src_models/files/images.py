"""Open an image file of any kind we read: TIFF (OME, ImageJ, plain), PNG, JPEG, zarr, OME-Zarr, and scans.

Files are known by what is in them, not by their suffix; NIfTI, NRRD and MetaImage alone must be called so. How each is
read is part of the result, to be shown.

Examples
--------
>>> import tempfile, tifffile
>>> with tempfile.TemporaryDirectory() as folder:
...     path = Path(folder) / "stack.tif"
...     tifffile.imwrite(path, np.zeros((4, 30, 40), "uint16"), imagej=True, metadata={"axes": "ZYX"})
...     read_image(path).reading.describe()
'Z=4, Y=30, X=40, 1 channel'
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.exchange.formats import labels_stem
from src_models.files.kinds import PICTURES, kind_of
from src_models.files.pixels.masks import as_mask
from src_models.files.pixels.png_jpeg import read_pixels
from src_models.files.series.image_series import ImageSeries, choose
from src_models.files.series.pictures import picture_images
from src_models.files.series.scans import read_scan_image, scan_images
from src_models.files.slides.foreign_slides import SLIDE_SUFFIXES
from src_models.files.tiff import is_tiff, list_tiff, read_tiff
from src_models.files.volumes.opening import is_volume, read_volume
from src_models.images.axes import AxesReading, read_axes

if TYPE_CHECKING:
    from src_models.files.volumes.dicom.stack import Uneven
    from src_models.files.volumes.geometry import VolumeGeometry
    from src_models.files.volumes.volume import Segment, Volume

__all__ = [
    "ImageFile",
    "image_stem",
    "image_title",
    "list_series",
    "looks_like_image",
    "read_image",
    "read_label_file",
    "read_labels",
]

# The levels of an image, the finest first, how it is read, and which of several images it is.
_Read = tuple[tuple[Any, ...], AxesReading, ImageSeries | None]
_SUFFIXES = (
    ".ome.tif", ".ome.tiff", ".ome.zarr", ".tif", ".tiff", ".btf", ".png", ".jpg", ".jpeg", ".zarr", ".nii.gz", ".nii",
    ".seg.nrrd", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm", *SLIDE_SUFFIXES,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An opened image file.

    Parameters
    ----------
    data
        NumPy array; for zarr, large tiled TIFF, DICOM, unpacked NIfTI and raw NRRD a dask array, of which nothing is
        read yet.
    reading
        Which axis is what, and the size of a pixel.
    path
        The file.
    geometry
        Where a scan (NIfTI, NRRD, DICOM) is in the patient, which its labels need; None for other images.
    series
        Which of several images in the file; None where there is one.
    levels
        The coarser levels of a pyramid that is read lazily, finest first.
    inside
        Where in a zarr the image is; empty where the zarr itself is the image.
    notes
        What a person should know of how the file was read, such as slices that were left out.
    segments
        What the numbers of labels are called, where the file tells, as 3D Slicer's do.
    """

    data: Any
    reading: AxesReading
    path: Path
    geometry: VolumeGeometry | None = None
    series: ImageSeries | None = None
    levels: tuple[Any, ...] = ()
    inside: str = ""
    notes: tuple[str, ...] = ()
    segments: tuple[Segment, ...] = ()

    @property
    def name(self) -> str:
        """The file's name without its suffix; of one of several images in it, also what tells that one apart."""
        return image_stem(self.path, self.series)

    @property
    def apart(self) -> str | None:
        """What tells the image apart from others in its file; None where there is one."""
        return self.series.label or None if self.series is not None else None

    @property
    def title(self) -> str:
        """What to call the image in messages: its path, and which of several images in it."""
        return image_title(self.path, self.series)

    @property
    def place(self) -> Path:
        """Where the image itself lies: the file, or in a zarr the folder of the image."""
        return self.path / self.inside


def image_title(path: str | Path, series: ImageSeries | None = None) -> str:
    """Return what to call an image in messages: its path, and of several images in it number and name."""
    return str(path) if series is None else f"{path}, image {series.number} {series.name!r} of {series.count}"


def image_stem(path: str | Path, series: ImageSeries | None = None) -> str:
    """Return the name of an image without its suffix, also a double one such as ``.ome.tif``.

    One of several images in a file is called by both: image ``left`` of ``cells.tif`` is ``cells_left``.
    An image inside a zarr is called by both: ``plate.zarr/A/1/0`` is ``plate_A_1_0``. Another folder is called by its
    whole name, which may have dots, as the numbers of DICOM do.
    """
    path = Path(path)
    if series is not None:
        return "_".join(filter(None, (image_stem(path), series.label)))
    for parent in path.parents:
        if parent.suffix.lower() == ".zarr":
            return "_".join((image_stem(parent), *path.relative_to(parent).parts))
    for suffix in _SUFFIXES:
        if path.name.lower().endswith(suffix) and len(path.name) > len(suffix):
            return path.name[: -len(suffix)]
    return path.resolve().name if path.is_dir() else labels_stem(path)


def looks_like_image(path: str | Path) -> bool:
    """Tell whether something is an image by its name or by its content, without reading it.

    What is called like an image counts, even if it is damaged: opening it says what is wrong. A folder is an image if
    it is (called) a zarr or itself holds DICOM slices.
    """
    from src_models.files.volumes.dicom.encoding import is_dicom
    from src_models.files.volumes.dicom.folders import has_dicom
    from src_models.files.zarr import is_zarr

    path = Path(path)
    try:
        if path.is_dir():
            return path.suffix.lower() == ".zarr" or is_zarr(path) or has_dicom(path)
        if path.name.lower().endswith(_SUFFIXES):
            return True
        with path.open("rb") as file:
            start = file.read(4)
        return any(start.startswith(magic) for magic in PICTURES) or is_tiff(path) or is_dicom(path)
    except OSError:
        return False


def read_image(
    path: str | Path, *, axes: str | None = None, series: int | str | None = None, uneven: Uneven = "refuse"
) -> ImageFile:
    """Open an image file.

    Parameters
    ----------
    path
        A TIFF, PNG, JPEG, NIfTI or NRRD file, a zarr or OME-Zarr folder (also one level or array inside), or a folder
        of DICOM slices, itself or further in (or, of several series in a folder, any file of one).
    axes
        Its axes by hand, such as ``"ZYX"``; they win over its metadata and over any guess.
    series
        Which of several images in it, by number (from 0) or name, as :func:`list_series` tells them.
    uneven
        What becomes of DICOM slices at uneven distances: ``"refuse"``, or ``"resample"`` for slices at even distances,
        linearly between those there are.

    Raises
    ------
    SeveralImagesError
        If it holds several images and `series` is None.
    ImageError
        If the file is missing, damaged, of another kind, or not an image that can be read (see
        :func:`src_models.images.axes.read_axes`), or holds no such series. The message begins with the path.
    """
    return _read(Path(path), axes=axes, labels=False, series=series, uneven=uneven)


def list_series(path: str | Path) -> tuple[ImageSeries, ...]:
    """List the images in a file or folder, without reading them.

    Returns
    -------
    tuple of ImageSeries
        Their numbers, names, and, where that is told without opening each, stored shapes and axes. One for a file
        that is one image, also of many pages, slices or frames.

    Raises
    ------
    ImageError
        If the file is missing or damaged, or of a kind that is not read.
    """
    from src_models.files.series.zarr import zarr_images

    path = Path(path)
    _check_there(path)
    if is_volume(path):
        return scan_images(path)
    kind = kind_of(path)
    if kind == "zarr":
        return zarr_images(path)
    return list_tiff(path) if kind == "TIFF" else picture_images(path, kind)[0]


def read_labels(path: str | Path, *, series: int | str | None = None, like: AxesReading | None = None) -> NDArray[Any]:
    """Read a mask of integers: 0 is background, other numbers are classes or objects, with or without gaps.

    Parameters
    ----------
    path
        The file: an image, or labels of another program (:mod:`src_models.files.exchange.formats`).
    series
        Which of several images in it, by number (from 0) or name.
    like
        The reading of the image that they are labels of: where the file has the same axes in another order, they are
        brought into the image's, and outlines are painted onto its pixels.

    Returns
    -------
    NDArray
        The mask ([T, ][Z, ]Y, X, or as the file has them) in the file's integer type; booleans and whole numbers that
        are stored as floats become integers (:func:`src_models.files.pixels.masks.as_mask`).

    Raises
    ------
    ImageError
        If the file cannot be read, or holds colours, channels, fractions or negative numbers.
    """
    return np.asarray(read_label_file(path, series=series, like=like).data)


def read_label_file(
    path: str | Path,
    *,
    series: int | str | None = None,
    like: AxesReading | None = None,
    scan: VolumeGeometry | None = None,
) -> ImageFile:
    """Read a mask as :func:`read_labels` does, with how it is read and where it is in the patient.

    `scan` is where the image's voxels are, for labels in DICOM and of other programs: outlines have no voxels of
    their own.

    Raises
    ------
    ImageError
        As :func:`read_labels`.
    """
    path = Path(path)
    file = _read_foreign(path, like, scan) or _read(path, axes=None, labels=True, series=series, scan=scan)
    return replace(file, data=_whole_numbers(file, path, like))


def _read_foreign(path: Path, like: AxesReading | None, scan: VolumeGeometry | None) -> ImageFile | None:
    """Read labels of another program; None if the file is none. On a scan, they are of its voxels as handed out."""
    from src_models.files.exchange.formats import program_of, read_foreign
    from src_models.files.volumes.volume import Segment

    if program_of(path) is None:
        return None
    _check_there(path)
    found = read_foreign(path, like=like)
    segments = tuple(Segment(number, name) for number, name in sorted(found.names.items()))
    place = scan if scan is not None and found.data.shape[-3:] == scan.shape else None
    return ImageFile(found.data, found.reading, path, place, notes=found.notes, segments=segments)


def _whole_numbers(file: ImageFile, path: Path, like: AxesReading | None) -> NDArray[Any]:
    data, axes = np.asarray(file.data), file.reading.axes
    if "C" in axes and file.reading.channels == 1:
        data, axes = data.squeeze(axes.index("C")), axes.replace("C", "")
    elif "C" in axes:
        raise ImageError(
            f"{path}: it has {file.reading.channels} colours or channels, and a mask has one number per pixel; "
            "save the mask as a single-channel image of integers"
        )
    return as_mask(_in_order(data, axes, like), str(path))


def _in_order(mask: NDArray[Any], axes: str, like: AxesReading | None) -> NDArray[Any]:
    wanted = axes if like is None else like.without_channels().axes
    return mask.transpose([axes.index(letter) for letter in wanted]) if set(wanted) == set(axes) else mask


def _read(
    path: Path,
    *,
    axes: str | None,
    labels: bool,
    series: int | str | None,
    uneven: Uneven = "refuse",
    scan: VolumeGeometry | None = None,
) -> ImageFile:
    _check_there(path)
    if is_volume(path):
        return _read_scan(path, axes=axes, series=series, uneven=uneven, scan=scan)
    if path.is_dir() and kind_of(path) == "zarr":  # other folders are refused
        return _read_zarr(path, axes=axes, labels=labels, series=series)
    levels, reading, chosen = _read_image(path, axes=axes, labels=labels, series=series)
    return ImageFile(levels[0], reading, path, None, chosen, levels[1:])


def _read_scan(
    path: Path, *, axes: str | None, series: int | str | None, uneven: Uneven, scan: VolumeGeometry | None = None
) -> ImageFile:
    if series is None:
        try:
            volume = read_volume(path, axes=axes, uneven=uneven, scan=scan)
        except ImageError:
            choose(scan_images(path), None, path)  # says it if there are several
            raise
        return _of_volume(volume, path, None)
    images = scan_images(path)
    image = choose(images, series, path)
    volume = read_scan_image(path, image, axes=axes, uneven=uneven)
    which = image if len(images) > 1 else None
    return _of_volume(volume, path, which)


def _of_volume(volume: Volume, path: Path, series: ImageSeries | None) -> ImageFile:
    told = volume.notes, volume.segments
    return ImageFile(volume.data, volume.reading, path, volume.geometry, series, notes=told[0], segments=told[1])


def _check_there(path: Path) -> None:
    if not path.exists():
        raise ImageError(f"{path}: there is no such file; check the name")


def _read_image(path: Path, *, axes: str | None, labels: bool, series: int | str | None) -> _Read:
    """Read a file that is no scan."""
    kind = kind_of(path)
    if kind == "TIFF":
        return read_tiff(path, axes=axes, labels=labels, series=series)
    return _read_pictures(path, kind, axes=axes, labels=labels, series=series)


def _read_zarr(path: Path, *, axes: str | None, labels: bool, series: int | str | None) -> ImageFile:
    from src_models.files.series.zarr import zarr_images
    from src_models.files.zarr import read_zarr

    images = zarr_images(path)
    image = choose(images, series, path)
    inside, multiscale = image.place
    levels, reading = read_zarr(path / inside, axes=axes, labels=labels, multiscale=multiscale)
    which = image if len(images) > 1 else None
    return ImageFile(levels[0], reading, path, None, which, levels[1:], inside)


def _read_pictures(path: Path, kind: str, *, axes: str | None, labels: bool, series: int | str | None) -> _Read:
    """Read a picture; frames of a film, which are of one size, are a stack over time."""
    images, frames = picture_images(path, kind)
    image = choose(images, series, path)
    if frames is None:
        data, reading = _read_picture(path, kind, axes=axes, labels=labels, index=image.place[0])
        return (data,), reading, image if len(images) > 1 else None
    read = [_read_picture(path, kind, axes=None, labels=labels, index=index) for index in frames]
    data = np.stack([one for one, _ in read])
    letters = axes or "T" + read[0][1].axes
    reading = read_axes(data.shape, dtype=data.dtype, axes=letters, labels=labels, name=str(path))
    return (data,), replace(reading, remarks=read[0][1].remarks), None


def _read_picture(
    path: Path, kind: str, *, axes: str | None, labels: bool, index: int = 0
) -> tuple[NDArray[Any], AxesReading]:
    data, remarks = read_pixels(path, kind, labels=labels, index=index)
    letters = axes or ("YXC" if data.ndim == 3 else "YX")
    reading = read_axes(data.shape, dtype=data.dtype, axes=letters, labels=labels, name=str(path))
    return data, replace(reading, remarks=remarks)
