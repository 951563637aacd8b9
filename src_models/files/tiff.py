"""Read a TIFF with what its metadata say of axes and spacing: OME-TIFF, ImageJ, and plain ones.

A damaged file is refused, never read in part: tifffile gives the pages it could find and logs the rest, so its log is
listened to while it reads. Which images it holds, and how large ones are read tile by tile, is told in
:mod:`src_models.files.series`.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import tifffile
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.ome_parts import check_parts, companion
from src_models.files.pixels.imagej import hyperstack, number
from src_models.files.pixels.masks import check_kept
from src_models.files.pixels.orientation import EXIF_TAG, orientation_remarks
from src_models.files.pixels.tiff_pixels import tiff_pixels
from src_models.files.series.image_series import ImageSeries, choose
from src_models.files.series.lazy_tiff import is_lazy, lazy_levels
from src_models.files.series.tiff import image_number_in_ome, stored_axes, stored_pixels, tiff_images
from src_models.files.slides.pixel_size import slide_pixel_size
from src_models.files.tiff_place import read_place
from src_models.images.axes import AXES, AxesReading, read_axes, unit_symbol
from src_models.images.axes_guess import ends_with_channels, guess_axes

__all__ = ["is_tiff", "list_tiff", "read_tiff"]

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MICROMETRES = {"nm": 1e-3, "µm": 1.0, "mm": 1e3, "cm": 1e4, "m": 1e6, "Å": 1e-4}
# Resolution units of a plain TIFF that mean the object. Inches mean paper: 72 or 300 dpi says nothing of a microscope.
_RESOLUTION_UNITS = {3: 1e4, 4: 1e3, 5: 1.0}
_LARGEST_IN_CM = 100.0  # µm; a coarser pixel with a resolution in cm is a print resolution as well
_DECIMAL_COMMA = re.compile(r'(PhysicalSize[XYZ]="\s*\d+),(\d+\s*")')
_LOSSY = (6, 7, 33007, 34892)  # JPEG
# What tifffile logs and then reads on, giving fewer pages or zeros.
_SIGNS_OF_DAMAGE = (
    "invalid page offset",
    "invalid value offset",
    "corrupted tag list",
    "failed to reshape",
    "missing data",
    "missing bytecounts",
    "read_segments",
    "failed to read",
)


def is_tiff(path: Path) -> bool:
    """Tell whether a file begins as a TIFF does, whatever its name."""
    with path.open("rb") as file:
        return file.read(4) in _MAGIC


def list_tiff(path: Path) -> tuple[ImageSeries, ...]:
    """List the images in a TIFF.

    Raises
    ------
    ImageError
        If the file is damaged.
    """
    with _open(path) as tiff:
        return tiff_images(tiff)


def read_tiff(
    path: Path, *, axes: str | None = None, labels: bool = False, series: int | str | None = None
) -> tuple[tuple[Any, ...], AxesReading, ImageSeries | None]:
    """Read an image of a TIFF.

    Parameters
    ----------
    path
        The file.
    axes
        Axes by hand, such as ``"ZYX"``; they win over the metadata.
    labels
        Whether to read it as labels (see :func:`src_models.images.axes.read_axes`); they are read whole.
    series
        Which of several images, by number from 0 or name.

    Returns
    -------
    levels, reading, series
        The array in native byte order, dask of large tiled images, followed by the coarser levels of one that is
        read tile by tile; how it is read; and which of the images it is, None where there is one.

    Raises
    ------
    ImageError
        If the file is damaged, cannot be decompressed, or does not hold an image; if there is no such series, or
        there are several images and `series` is None.
    """
    with _open(path) as tiff:
        images = tiff_images(tiff)
        image = choose(images, series, path)
        pages = tiff.series[image.place[0]]
        pixels = tiff_pixels(tiff, pages, path, labels=labels)
        lazy = not labels and is_lazy(tiff, image)
        levels: tuple[Any, ...] = lazy_levels(path, tiff, image) if lazy else (stored_pixels(tiff, image),)
        stored, bare = stored_axes(tiff, image), pages.kind == "shaped"
        if tiff.is_imagej and pages.kind in ("generic", "uniform") and not lazy:
            data, stored = _as_imagej_says(tiff, levels[0], stored, path)
            levels = (data,)
        lossy = int(pages.keyframe.compression) in _LOSSY
        spacing, unit = _spacing(tiff, image)
        place = read_place(tiff, spacing, _ome_pixels(tiff, image) if tiff.is_ome and tiff.ome_metadata else {})
        remarks = (*pixels.remarks, *_more_remarks(tiff, pages))
    if not lazy:
        levels = tuple(data.astype(data.dtype.newbyteorder("="), copy=False) for data in levels)
    if labels and not stored.endswith("S"):
        stored = stored.replace("S", "Q")  # tifffile writes a stack of three masks like colours, plane by plane
    if labels and lossy and "S" not in stored:
        check_kept(levels[0], str(path))
    applied = [pixels.apply(data, stored, axes) for data in levels]
    _, letters, axes = applied[0]
    known: dict[str, Any] = {"spacing": spacing, "unit": unit, "labels": labels, "name": str(path), **place}
    reading = replace(_reading(applied[0][0], letters, axes=axes, bare=bare, **known), remarks=remarks)
    levels = tuple(data for data, _, _ in applied)
    return levels, reading, image if len(images) > 1 else None


@contextmanager
def _open(path: Path) -> Iterator[tifffile.TiffFile]:
    """Open a TIFF for as long as the block runs; what is damaged in it becomes an error."""
    damage: list[str] = []
    try:
        with _listening(damage), tifffile.TiffFile(path) as tiff:
            if tiff.is_ome and tiff.ome_metadata:
                check_parts(tiff.ome_metadata, path)
            yield tiff
    except ImageError:
        raise
    except Exception as error:  # tifffile meets damage with whatever its parsers raise: struct.error, zlib.error, ...
        raise ImageError(_explain(path, error)) from error
    if damage:
        raise ImageError(f"{path}: the TIFF is truncated or damaged ({damage[0]}); copy or export it again")


def _reading(data: Any, stored: str, *, axes: str | None, bare: bool, name: str, **known: Any) -> AxesReading:
    """Read axes by hand, else as stored, else by guess.

    An array that was written without a word on its axes (`bare`) is read as in Python; pages that are strips of two
    columns are no planes.
    """
    if axes is None:
        letters = "".join(letter if letter in AXES + "SIQ" else "Q" for letter in stored)
        unknown = len(letters) > 2 and set(letters) <= set("IQYX")
        if unknown and ends_with_channels(data.shape):
            letters = guess_axes(data.shape)
        elif unknown and bare and not known["labels"]:
            letters = ""
        if letters:
            try:
                return read_axes(data.shape, dtype=data.dtype, axes=letters, name=name, **known)
            except ImageError:  # more unknown axes than there are names for
                pass
    return read_axes(data.shape, dtype=data.dtype, axes=axes, name=name, **known)


def _as_imagej_says(tiff: tifffile.TiffFile, data: NDArray[Any], stored: str, path: Path) -> tuple[NDArray[Any], str]:
    """Lay planes out as ImageJ's description says, which tifffile did not see in how they are stored."""
    own = data.shape[-1:] if stored.endswith("S") else ()
    shape = data.shape[: data.ndim - len(own)]
    shape, letters = hyperstack(tiff.imagej_metadata or {}, shape, samples=math.prod(own), name=str(path))
    return data.reshape((*shape, *own)), letters + "S" * len(own)


def _more_remarks(tiff: tifffile.TiffFile, pages: tifffile.TiffPageSeries) -> tuple[str, ...]:
    remarks = orientation_remarks(pages.keyframe.tags.valueof(EXIF_TAG))
    whole = companion(tiff.ome_metadata) if tiff.is_ome and tiff.ome_metadata else None
    return remarks if whole is None else (*remarks, f"a part of the image that {whole} describes")


@contextmanager
def _listening(damage: list[str]) -> Iterator[None]:
    """Collect what tifffile logs about damage."""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            message = record.getMessage()
            if any(sign in message.lower() for sign in _SIGNS_OF_DAMAGE):
                damage.append(message.rsplit("> ", 1)[-1])

    logger, listener = logging.getLogger("tifffile"), Listener(logging.WARNING)
    logger.addHandler(listener)
    try:
        yield
    finally:
        logger.removeHandler(listener)


def _explain(path: Path, error: Exception) -> str:
    if "imagecodecs" in str(error):
        return f"{path}: {error} to decompress it; `pip install imagecodecs`, or save the image without compression"
    if isinstance(error, MemoryError):
        return f"{path}: it does not fit into memory; convert it to OME-Zarr, which is read tile by tile"
    if isinstance(error, OSError) and error.errno is not None:
        return f"{path}: it cannot be read ({error.strerror})"
    return f"{path}: the TIFF is truncated or damaged ({error}); copy or export it again"


def _spacing(tiff: tifffile.TiffFile, image: ImageSeries) -> tuple[dict[str, float], str]:
    if tiff.is_ome and tiff.ome_metadata:
        return _ome_spacing(tiff, image)
    series = tiff.series[image.place[0]]
    scanned = slide_pixel_size(series)
    if scanned:
        return scanned, "µm"
    page = series.keyframe
    along = {"X": 0, "Y": 1}
    resolution = {letter: float(page.resolution[place]) for letter, place in along.items()}
    sizes = {letter: 1 / per for letter, per in resolution.items() if math.isfinite(per) and per > 0}
    if tiff.is_imagej:
        return _imagej_spacing(tiff.imagej_metadata or {}, sizes)
    factor = _RESOLUTION_UNITS.get(int(page.resolutionunit), 0.0)
    micrometres = {letter: size * factor for letter, size in sizes.items()}
    if not factor or (page.resolutionunit == 3 and max(micrometres.values(), default=0.0) > _LARGEST_IN_CM):
        return {}, "pixel"
    return micrometres, "µm"


def _imagej_spacing(metadata: Mapping[str, Any], sizes: dict[str, float]) -> tuple[dict[str, float], str]:
    unit = unit_symbol(str(metadata.get("unit", "")))
    if unit in ("pixel", "inch"):
        return {}, "pixel"
    step = number(metadata.get("spacing"))
    return sizes | ({} if step is None else {"Z": abs(step)}), unit


def _ome_pixels(tiff: tifffile.TiffFile, image: ImageSeries) -> Mapping[str, Any]:
    """Return what OME-XML says of the pixels of an image."""
    xml = _DECIMAL_COMMA.sub(r"\1.\2", tiff.ome_metadata or "")
    found = tifffile.xml2dict(xml).get("OME", {}).get("Image", {})
    elements = found if isinstance(found, list) else [found]
    names = [str(element.get("Name", "")) for element in elements]
    pixels: Mapping[str, Any] = elements[image_number_in_ome(tiff, image, names)].get("Pixels", {})
    return pixels


def _ome_spacing(tiff: tifffile.TiffFile, image: ImageSeries) -> tuple[dict[str, float], str]:
    """Read the physical pixel sizes of an image from OME-XML; sizes in other units are brought to that of X."""
    pixels = _ome_pixels(tiff, image)
    units = {letter: unit_symbol(str(pixels.get(f"PhysicalSize{letter}Unit", "µm"))) for letter in "XYZ"}
    said = {letter: number(pixels.get(f"PhysicalSize{letter}")) for letter in "XYZ"}
    sizes = {letter: size for letter, size in said.items() if size is not None}
    if not sizes:
        return {}, "pixel"
    common = units[next(iter(sizes))]
    for letter, size in sizes.items():
        if units[letter] != common and {units[letter], common} <= set(_MICROMETRES):
            sizes[letter] = size * _MICROMETRES[units[letter]] / _MICROMETRES[common]
    return sizes, common
