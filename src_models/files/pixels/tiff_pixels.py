"""What the samples of a TIFF mean: its colours (CMYK, YCbCr, CIELAB, palettes), polarity, and ImageJ's calibration.

Of an image, values are what a person sees: colours are red, green and blue, and more is brighter. Masks keep the
numbers that are stored. What was made of an image's numbers is told in remarks.

A table of colours (palette) that only makes a grey image colourful, as ImageJ's do, is for looking: the numbers count.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from src_models.errors import ImageError
from src_models.files.pixels.imagej import calibration
from src_models.files.pixels.palettes import as_bytes, is_for_looking, is_grey
from src_models.files.volumes.rescaling import value_type

__all__ = ["TiffPixels", "tiff_pixels"]

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE = 0, 1, 2, 3
_CMYK, _YCBCR, _CIELAB, _ICCLAB = 5, 6, 8, 9
_PHOTOMETRIC, _INK_SET, _NOT_CMYK = 262, 332, 2
_REFUSED = {
    10: "ITU L*a*b*",
    32803: "the mosaic of a camera's sensor",
    32844: "logarithms of luminance",
    32845: "logarithms of luminance",
}
# Decoders of other compressions give red, green and blue.
_KEPT_AS_STORED = {1, 5, 8, 32773, 32946, 34925, 50000}
_ALPHA = {1, 2}  # ExtraSamples; 0 says nothing of what it is

_Function = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True, slots=True)
class TiffPixels:
    """How the stored samples of a TIFF become the values of an image.

    Parameters
    ----------
    function
        From stored values to values of any part of the image, its samples along the last axis where there are any;
        None where they are the same.
    dtype
        Type of the values.
    samples
        How many values `function` gives for a pixel; 0 for one without an axis of its own, None for those that are
        stored.
    colours
        Whether the samples of a pixel are the colours of one picture; else they are channels.
    remarks
        What a person should know of that, in a few words each.
    """

    function: _Function | None = None
    dtype: np.dtype[Any] | None = None
    samples: int | None = None
    colours: bool = True
    remarks: tuple[str, ...] = ()

    def apply(self, data: Any, stored: str, axes: str | None = None) -> tuple[Any, str, str | None]:
        """Bring stored samples to values.

        Parameters
        ----------
        data
            NumPy or dask.
        stored
            Its axes by tifffile's letters; S for samples.
        axes
            Axes by hand, of what is stored or of what it becomes; the samples then stay where they are stored.

        Returns
        -------
        data, letters, axes
            The values and their axes: colours at the end, channels in front of the plane.
        """
        ndim, place = data.ndim, stored.find("S")
        if place >= 0:
            data, stored = np.moveaxis(data, place, -1), stored.replace("S", "") + "S"
        if self.function is not None:
            data, stored = self._mapped(data, stored)
        if stored.endswith("S") and place >= 0 and (axes is not None or not self.colours):
            place = place if axes is not None else min(stored.index("Y"), stored.index("X"))
            data, stored = np.moveaxis(data, -1, place), stored[:place] + "S" + stored[place:-1]
        return data, stored, _fitting(axes, ndim, data.ndim)

    def _mapped(self, data: Any, stored: str) -> tuple[Any, str]:
        """Apply the function to all of an array, or to each chunk of a dask array."""
        assert self.function is not None
        bare, has = stored.replace("S", ""), stored.endswith("S")
        letters = bare + "S" * (has if self.samples is None else self.samples > 0)
        if not hasattr(data, "map_blocks"):
            return self.function(data), letters
        chunks: Any = data.chunks
        if has:
            data = data.rechunk({data.ndim - 1: -1})
            chunks = data.chunks if self.samples is None else data.chunks[:-1]
        if self.samples:
            chunks = (*chunks, (self.samples,))
        axis = {"new_axis": data.ndim} if len(letters) > len(stored) else {}
        if len(letters) < len(stored):
            axis = {"drop_axis": data.ndim - 1}
        return data.map_blocks(self.function, dtype=self.dtype, chunks=chunks, **axis), letters


def tiff_pixels(
    tiff: tifffile.TiffFile, series: tifffile.TiffPageSeries, path: Path, *, labels: bool = False
) -> TiffPixels:
    """Work out what the samples of an image in a TIFF mean.

    Parameters
    ----------
    tiff, series
        The open file, and the image in it.
    path
        The file, for errors.
    labels
        Whether they are the numbers of a mask: these stay as they are, but for ImageJ's signed 16 bit.

    Raises
    ------
    ImageError
        If colours are stored in a way that is not read.
    """
    page = series.keyframe
    # The tag must be there; without it, nobody says that 0 is white.
    kind = int(page.tags.valueof(_PHOTOMETRIC, default=_BLACK_IS_ZERO))
    dtype = np.dtype(page.dtype).newbyteorder("=")
    grey = _of_grey(page, dtype)
    straight = calibration(tiff.imagej_metadata or {}, dtype) if tiff.is_imagej else None
    if straight is not None and straight.rescaling is not None and (straight.signed or not labels):
        limits = np.iinfo(dtype)
        values = value_type(dtype, float(limits.min), float(limits.max), [straight.rescaling])
        return TiffPixels(partial(straight.rescaling, dtype=values), values, remarks=straight.remarks)
    if labels:
        return grey
    if kind in _REFUSED:
        raise _refusal(path, _REFUSED[kind])
    if kind == _WHITE_IS_ZERO:
        found = _inverted(page, series, dtype)
    elif kind == _PALETTE:
        found = _coloured(page, dtype, for_looking=bool(tiff.is_imagej or tiff.is_ome))
    elif kind in (_CMYK, _YCBCR, _CIELAB, _ICCLAB):
        found = _other_colours(page, kind, dtype, path)
    else:
        found = grey
    remarks = straight.remarks if straight is not None else ()
    return TiffPixels(found.function, found.dtype, found.samples, found.colours, (*found.remarks, *remarks))


def _fitting(axes: str | None, stored: int, ndim: int) -> str | None:
    """Fit axes by hand that were meant for the stored samples to what these became."""
    if axes is None or len(axes.strip()) != stored or stored == ndim:
        return axes
    if ndim > stored:
        return axes.strip() + "C"
    return axes.strip().upper().replace("S", "C").replace("C", "")


def _refusal(path: Path, kind: str) -> ImageError:
    return ImageError(f"{path}: its colours are stored as {kind}, which is not read; save it as RGB")


def _of_grey(page: tifffile.TiffPage, dtype: np.dtype[Any]) -> TiffPixels:
    """Tell what samples are that no colours are said of: grey and an alpha, which is not used, or channels."""
    if int(page.photometric) in (_RGB, _YCBCR) or page.samplesperpixel == 1:
        return TiffPixels()
    if page.samplesperpixel == 2 and {int(extra) for extra in page.extrasamples} & _ALPHA:
        return TiffPixels(_first, dtype, 0, remarks=("alpha not used",))
    return TiffPixels(colours=False)


def _first(values: NDArray[Any]) -> NDArray[Any]:
    return values[..., 0]


def _inverted(page: tifffile.TiffPage, series: tifffile.TiffPageSeries, dtype: np.dtype[Any]) -> TiffPixels:
    """Turn an image in which 0 is white."""
    grey = _of_grey(page, dtype)
    if dtype.kind == "b" and series.kind == "shaped":  # how tifffile writes an array of booleans
        return grey
    if dtype.kind not in "bui":
        return replace(grey, remarks=(*grey.remarks, "white is the lowest value"))
    top = 2 ** int(page.bitspersample) - 1 if dtype.kind == "u" else -1

    def turned(values: NDArray[Any]) -> NDArray[Any]:
        values = grey.function(values) if grey.function else values
        return ~values if dtype.kind == "b" else dtype.type(top) - values

    remarks = (*grey.remarks, "inverted (0 is white in the file)")
    return TiffPixels(turned, dtype, grey.samples, grey.colours, remarks)


def _coloured(page: tifffile.TiffPage, dtype: np.dtype[Any], *, for_looking: bool) -> TiffPixels:
    """Look colours up in a palette."""
    table = None if page.colormap is None else np.asarray(page.colormap)
    alone = TiffPixels(_first, dtype, 0) if page.samplesperpixel > 1 else TiffPixels()
    if table is None or dtype.kind != "u":
        return alone
    table = as_bytes(table)
    if is_for_looking(table, of_grey=for_looking):
        remarks = () if is_grey(table) else ("its palette is for looking and not used",)
        return TiffPixels(alone.function, alone.dtype, alone.samples, remarks=remarks)
    colours = np.ascontiguousarray(table[0] if is_grey(table) else table.T)

    def looked_up(values: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(colours[_first(values) if page.samplesperpixel > 1 else values])

    if is_grey(table):
        return TiffPixels(looked_up, table.dtype, 0, remarks=("from a palette of greys",))
    return TiffPixels(looked_up, table.dtype, 3, remarks=("from a palette",))


def _other_colours(page: tifffile.TiffPage, kind: int, dtype: np.dtype[Any], path: Path) -> TiffPixels:
    """Bring colours of print and of television to red, green and blue."""
    if kind == _CMYK:
        if page.samplesperpixel < 4 or page.tags.valueof(_INK_SET, default=1) == _NOT_CMYK:
            return TiffPixels(colours=False, remarks=("its channels are inks",))
        if dtype.kind != "u":
            raise _refusal(path, f"CMYK of type {dtype}")
        return TiffPixels(_from_cmyk, dtype, 3, remarks=("from CMYK",))
    if kind == _YCBCR and int(page.compression) not in _KEPT_AS_STORED:
        return TiffPixels()
    if kind == _YCBCR and page.is_subsampled:
        raise _refusal(path, "YCbCr with fewer colours than pixels")
    name = "YCbCr" if kind == _YCBCR else "CIELAB"
    if dtype != np.uint8 or page.samplesperpixel not in (3, 4):
        raise _refusal(path, f"{name} of type {dtype} with {page.samplesperpixel} values per pixel")
    function: _Function = _from_ycbcr if kind == _YCBCR else partial(_from_cielab, signed=kind == _CIELAB)
    return TiffPixels(function, dtype, 3, remarks=(f"from {name}",))


def _from_cmyk(values: NDArray[Any]) -> NDArray[Any]:
    """``(1 - C) (1 - K)`` for red, and so on: inks that each swallow one colour."""
    top = np.iinfo(values.dtype).max
    left = top - values[..., :4].astype(np.float64)
    return np.round(left[..., :3] * left[..., 3:] / top).astype(values.dtype)


def _from_ycbcr(values: NDArray[Any]) -> NDArray[Any]:
    """ITU-R BT.601 at full range, which a TIFF means unless it says otherwise."""
    from PIL import Image

    flat = np.ascontiguousarray(values[..., :3]).reshape(1, -1, 3)
    picture = Image.frombytes("YCbCr", flat.shape[1::-1], flat.tobytes()).convert("RGB")
    return np.asarray(picture).reshape(*values.shape[:-1], 3)


def _from_cielab(values: NDArray[Any], *, signed: bool = True) -> NDArray[Any]:
    """L* is 0 to 255 for 0 to 100; a* and b* are whole, signed, or (ICC) with 128 added. White stays white."""
    from skimage.color import lab2rgb

    lab = values[..., :3].astype(np.float64)
    lab[..., 0] *= 100 / 255
    lab[..., 1:] = values[..., 1:3].view(np.int8) if signed else lab[..., 1:] - 128
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Conversion from CIE-LAB")  # of colours beyond sRGB, which are clipped
        return np.asarray(np.round(np.clip(lab2rgb(lab), 0, 1) * 255).astype(np.uint8))
