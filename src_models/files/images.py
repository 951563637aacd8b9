"""Open an image file of any kind we read: TIFF (OME, ImageJ, plain), PNG, JPEG, zarr, OME-Zarr, NIfTI and DICOM.

Files are known by what is in them, not by their suffix; NIfTI alone must be called so. How each is read is part of the
result, to be shown.

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

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.tiff import is_tiff, read_tiff
from src_models.files.volumes.opening import is_volume, read_volume
from src_models.images.axes import AxesReading, read_axes

if TYPE_CHECKING:
    from src_models.files.volumes.dicom.stack import Uneven
    from src_models.files.volumes.geometry import VolumeGeometry

__all__ = ["ImageFile", "image_stem", "looks_like_image", "read_image", "read_labels"]

_PICTURES = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG"}
_AS_MODE = {"CMYK": "RGB", "YCbCr": "RGB", "LA": "L", "La": "L"}  # colours as RGB; an alpha of grey is not used
_KINDS = "TIFF, PNG, JPEG, zarr, OME-Zarr, NIfTI and DICOM"
_SUFFIXES = (
    ".ome.tif", ".ome.tiff", ".ome.zarr", ".tif", ".tiff", ".btf", ".png", ".jpg", ".jpeg", ".zarr", ".nii.gz", ".nii",
    ".dcm",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An opened image file.

    Parameters
    ----------
    data
        NumPy array; for zarr, DICOM and unpacked NIfTI a dask array, of which nothing is read yet.
    reading
        Which axis is what, and the size of a pixel.
    path
        The file.
    geometry
        Where a scan (NIfTI, DICOM) is in the patient, which its labels need; None for other images.
    notes
        What a person should know of how the file was read, such as slices that were left out.
    """

    data: Any
    reading: AxesReading
    path: Path
    geometry: VolumeGeometry | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file's name without its suffix."""
        return image_stem(self.path)


def image_stem(path: str | Path) -> str:
    """Return the name of an image without its suffix, also a double one such as ``.ome.tif``.

    An image inside a zarr is called by both: ``plate.zarr/A/1/0`` is ``plate_A_1_0``. Another folder is called by its
    whole name, which may have dots, as the numbers of DICOM do.
    """
    path = Path(path)
    for parent in path.parents:
        if parent.suffix.lower() == ".zarr":
            return "_".join((image_stem(parent), *path.relative_to(parent).parts))
    for suffix in _SUFFIXES:
        if path.name.lower().endswith(suffix) and len(path.name) > len(suffix):
            return path.name[: -len(suffix)]
    return path.resolve().name if path.is_dir() else path.stem


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
        return any(start.startswith(magic) for magic in _PICTURES) or is_tiff(path) or is_dicom(path)
    except OSError:
        return False


def read_image(path: str | Path, *, axes: str | None = None, uneven: Uneven = "refuse") -> ImageFile:
    """Open an image file.

    Parameters
    ----------
    path
        A TIFF, PNG, JPEG or NIfTI file, a zarr or OME-Zarr folder (also one level or array inside), or a folder of
        DICOM slices, itself or further in (or, of several series in a folder, any file of one).
    axes
        Its axes by hand, such as ``"ZYX"``; they win over its metadata and over any guess.
    uneven
        What becomes of DICOM slices at uneven distances: ``"refuse"``, or ``"resample"`` for slices at even distances,
        linearly between those there are.

    Raises
    ------
    ImageError
        If the file is missing, damaged, of another kind, or not an image that can be read (see
        :func:`src_models.images.axes.read_axes`). The message begins with the path.
    """
    return _read(Path(path), axes=axes, labels=False, uneven=uneven)


def read_labels(path: str | Path) -> NDArray[Any]:
    """Read a mask of integers: 0 is background, other numbers are classes or objects, with or without gaps.

    Returns
    -------
    NDArray
        The mask ([T, ][Z, ]Y, X) in the file's integer type; booleans become 0 and 1 (uint8).

    Raises
    ------
    ImageError
        If the file cannot be read, or holds colours, channels, fractions or negative numbers.
    """
    path = Path(path)
    file = _read(path, axes=None, labels=True)
    if "C" in file.reading.axes:
        raise ImageError(
            f"{path}: it has {file.reading.channels} colours or channels, and a mask has one number per pixel; "
            "save the mask as a single-channel image of integers"
        )
    mask = np.asarray(file.data)
    if mask.dtype == bool:
        return mask.astype(np.uint8)
    if mask.dtype.kind not in "iu":
        raise ImageError(f"{path}: its values are of type {mask.dtype}, and a mask holds integers; save it as integers")
    if mask.dtype.kind == "i" and mask.min() < 0:
        raise ImageError(f"{path}: the mask holds negative numbers ({mask.min()}); number its objects from 1")
    return mask


def _read(path: Path, *, axes: str | None, labels: bool, uneven: Uneven = "refuse") -> ImageFile:
    if not path.exists():
        raise ImageError(f"{path}: there is no such file; check the name")
    if is_volume(path):
        volume = read_volume(path, axes=axes, uneven=uneven)
        return ImageFile(volume.data, volume.reading, path, volume.geometry, volume.notes)
    return ImageFile(*_read_image(path, axes=axes, labels=labels), path)


def _read_image(path: Path, *, axes: str | None, labels: bool) -> tuple[Any, AxesReading]:
    """Read what is no scan."""
    if path.is_dir():
        return _read_folder(path, axes=axes, labels=labels)
    try:
        with path.open("rb") as file:
            start = file.read(8)
        if is_tiff(path):
            return read_tiff(path, axes=axes, labels=labels)
    except OSError as error:
        raise ImageError(f"{path}: it cannot be read ({error.strerror})") from error
    for magic, kind in _PICTURES.items():
        if start.startswith(magic):
            return _read_picture(path, kind, axes=axes, labels=labels)
    if not start:
        raise ImageError(f"{path}: the file is empty (0 bytes); copy or export it again")
    raise ImageError(f"{path}: its content is no image of a kind that is read ({_KINDS}), whatever its name says")


def _read_folder(path: Path, *, axes: str | None, labels: bool) -> tuple[Any, AxesReading]:
    from src_models.files.zarr import is_zarr, read_zarr

    if not is_zarr(path):
        raise ImageError(f"{path}: it is a folder and no zarr; name the image files in it")
    return read_zarr(path, axes=axes, labels=labels)


def _read_picture(path: Path, kind: str, *, axes: str | None, labels: bool) -> tuple[NDArray[Any], AxesReading]:
    """Read a PNG or JPEG. Of a palette image, labels are the indices and images the colours."""
    import imageio.v3 as iio
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # large images are our daily bread
            with iio.imopen(path, "r", plugin="pillow") as file:
                mode = file.metadata()["mode"]
                wanted = "P" if labels and mode == "P" else _AS_MODE.get(mode)
                data = np.asarray(file.read(index=0, **({"mode": wanted} if wanted else {})))
    except Image.DecompressionBombError as error:
        raise ImageError(f"{path}: the {kind} is too large to open safely; convert it to TIFF or OME-Zarr") from error
    except Exception as error:  # Pillow's decoders raise OSError, SyntaxError, ValueError, struct.error, EOFError ...
        raise ImageError(f"{path}: the {kind} is truncated or damaged ({error}); copy or export it again") from error
    if axes is None:
        axes = "YXC" if data.ndim == 3 else "YX"
    return data, read_axes(data.shape, dtype=data.dtype, axes=axes, labels=labels, name=str(path))
