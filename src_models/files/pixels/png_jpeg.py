"""The pixels of PNG and JPEG: 16 bits stay 16, colours are red, green and blue, and masks keep their numbers.

Pillow reads them, but for what it has no mode for: colours and alpha of 16 bits (it gives 8), and JPEG of 12 bits.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from src_models.errors import ImageError
from src_models.files.pixels.masks import check_kept
from src_models.files.pixels.orientation import EXIF_TAG, orientation_remarks

__all__ = ["jpeg_bits", "read_pixels"]

_GREY, _PALETTE = 0, 3  # colour types of PNG
_FRAMES_OF_JPEG = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # markers that tell the number of bits
_WITHOUT_ALPHA = {"LA": "L", "La": "L", "PA": "P", "RGBa": "RGBA"}
_AS_RGB = {"CMYK": "CMYK", "YCbCr": "YCbCr", "LAB": "CIELAB", "HSV": "HSV"}


def read_pixels(path: Path, kind: str, *, labels: bool = False, index: int = 0) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Read the pixels of a PNG or JPEG.

    Parameters
    ----------
    path
        The file.
    kind
        ``"PNG"`` or ``"JPEG"``.
    labels
        Whether it is a mask, whose numbers stay as they are stored: of a palette its indices.
    index
        Which of several pictures in the file.

    Returns
    -------
    pixels, remarks
        (Y, X) or (Y, X, C) of booleans, 8 or 16 bits; and what a person should know of it, in a few words each.

    Raises
    ------
    ImageError
        If the file is damaged or too large to open safely; if a mask went through the losses of JPEG.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # large images are our daily bread
            deep = _deep_pixels(path, kind)
            if deep is not None:
                return deep, ("alpha not used",) if deep.ndim == 2 and kind == "PNG" else ()
            with Image.open(path) as picture:
                picture.seek(index)
                orientation = picture.getexif().get(EXIF_TAG)
                pixels, remarks = _pixels(picture, labels)
                if labels and kind == "PNG":
                    pixels = _unscaled(pixels, path)
    except Image.DecompressionBombError as error:
        raise ImageError(f"{path}: the {kind} is too large to open safely; convert it to TIFF or OME-Zarr") from error
    except Exception as error:  # decoders raise OSError, SyntaxError, ValueError, struct.error, EOFError ...
        raise ImageError(f"{path}: the {kind} is truncated or damaged ({error}); copy or export it again") from error
    if labels and kind == "JPEG" and pixels.ndim == 2:
        check_kept(pixels, str(path))
    return pixels, (*remarks, *orientation_remarks(orientation))


def _pixels(picture: Image.Image, labels: bool) -> tuple[NDArray[Any], tuple[str, ...]]:
    mode = picture.mode
    if mode in ("P", "PA"):
        if labels:
            return np.asarray(picture if mode == "P" else picture.getchannel(0)), ()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Palette images with Transparency")  # of which nothing is used
            colours = np.asarray(picture.convert("RGB"))
        if (colours == colours[..., :1]).all():
            return colours[..., 0], ("from a palette of greys",)
        return colours, ("from a palette",)
    if mode in _WITHOUT_ALPHA:
        return np.asarray(picture.convert(_WITHOUT_ALPHA[mode])), ("alpha not used",)
    if mode in _AS_RGB:
        return np.asarray(picture.convert("RGB")), (f"from {_AS_RGB[mode]}",)
    pixels = np.asarray(picture)
    return pixels.astype(pixels.dtype.newbyteorder("="), copy=False), ()


def _deep_pixels(path: Path, kind: str) -> NDArray[Any] | None:
    """Read what has more bits than Pillow keeps; None for all else."""
    import imagecodecs

    if kind == "PNG":
        bits, colour_type = _png_kind(path)
        if bits != 16 or colour_type == _GREY:
            return None
        pixels = np.asarray(imagecodecs.png_decode(path.read_bytes()))
    elif jpeg_bits(path) > 8:
        pixels = np.asarray(imagecodecs.jpeg_decode(path.read_bytes()))
    else:
        return None
    return pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] <= 2 else pixels


def _png_kind(path: Path) -> tuple[int, int]:
    """Return bits per sample and colour type, which stand in the first chunk (IHDR)."""
    with path.open("rb") as file:
        start = file.read(26)
    return (start[24], start[25]) if len(start) == 26 else (8, _GREY)


def jpeg_bits(path: Path) -> int:
    """Return bits per sample, which stand in the header of the frame; 8 where none is found."""
    with path.open("rb") as file:
        file.seek(2)
        while len(head := file.read(4)) == 4 and head[0] == 0xFF:
            if head[1] in _FRAMES_OF_JPEG:
                return int.from_bytes(file.read(1)) or 8
            file.seek(int.from_bytes(head[2:]) - 2, 1)
    return 8


def _unscaled(pixels: NDArray[Any], path: Path) -> NDArray[Any]:
    """Undo that Pillow stretches greys of 2 and 4 bits to 0 to 255."""
    bits, colour_type = _png_kind(path)
    if colour_type == _GREY and bits in (2, 4):
        return pixels // np.uint8(255 // (2**bits - 1))
    return pixels
