"""The zoom at which a model sees an image: one that was made for a spacing, or that learnt at a zoom of its own.

Examples
--------
>>> from src_models.images.axes import read_axes
>>> from src_models.models.header import ModelHeader
>>> header = ModelHeader(name="organs", purpose="an example", architecture="unet", config={}, channels=("grey",),
...                      classes=("background", "liver"), spacing=(1.5, 1.5), unit="mm")
>>> at = seen_at(read_axes((40, 512, 512), axes="ZYX", spacing=(5, 0.75, 750e-3), unit="mm"), header)
>>> at.zoom, at.words
(0.5, 'image resampled from 0.75 to 1.5 mm')
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from src_models.errors import UserError
from src_models.images.axes import AxesReading
from src_models.images.resampling import Zoom, one_zoom, zoomed_shape
from src_models.images.units import converted
from src_models.models.header import ModelHeader

__all__ = ["SeenAt", "parse_spacing", "seen_at", "spacing_in", "spacing_words"]

# No voxel's side is changed by more, and no image is enlarged to more voxels than this: a size so far off is a wrong
# one, or the model was made for things of another order of size.
MOST_ZOOM = 64.0
MOST_VOXELS = 2**30


@dataclass(frozen=True, slots=True)
class SeenAt:
    """At which scale a model sees an image.

    Parameters
    ----------
    zoom
        Factor by which the image is resized before the network sees it, or one for each axis.
    known
        Whether that brings its voxels to the model's spacing, or is the zoom that the model learnt at.
    words
        What is done, in a few words; empty where the image is seen as it is.
    note
        A sentence for people where the model's spacing cannot be had; else empty.
    """

    zoom: Zoom = 1.0
    known: bool = False
    words: str = ""
    note: str = ""


def seen_at(reading: AxesReading, header: ModelHeader, name: str = "the image") -> SeenAt:
    """Return the scale at which a model sees an image.

    Parameters
    ----------
    reading
        How the image is read: its `spacing` and `unit` count.
    header
        The model's: its `spacing` and `unit` do, or its `image_zoom`.
    name
        What to call the image.
    """
    if header.spacing is None:
        return _as_learnt(reading, header)
    wanted = spacing_words(header.spacing, header.unit)
    own = spacing_in(reading, header)
    pixels = "pixels" if header.dimensions == 2 else "voxels"
    if own is None:
        return SeenAt(
            note=f"The model {header.name!r} was made for {pixels} of {wanted}, and how large those of {name} are is "
            "not known: it saw them as they are, and things at another size than it learnt. Give the image its size "
            "(in napari the layer's scale and units), or open a file that holds it."
        )
    zooms = [one / other for one, other in zip(own, header.spacing, strict=True)]
    shape = [reading.size(letter) for letter in "ZYX"[-header.dimensions :]]
    resized = zoomed_shape(shape, tuple(zooms))
    voxels = math.prod(resized)
    if max(*zooms, *(1 / zoom for zoom in zooms)) > MOST_ZOOM or voxels > max(MOST_VOXELS, math.prod(shape)):
        return SeenAt(
            note=f"The model {header.name!r} was made for {pixels} of {wanted}, and those of {name} are said to have "
            f"{spacing_words(own, header.unit)}: that is too far off to resample the image, and it was seen as it is. "
            "Mend its size, or choose another model."
        )
    if tuple(shape) == resized:
        return SeenAt(known=True)
    words = f"image resampled from {spacing_words(own)} to {wanted}"
    return SeenAt(one_zoom(zooms), known=True, words=words)


def _as_learnt(reading: AxesReading, header: ModelHeader) -> SeenAt:
    zoom = header.image_zoom
    shape = [reading.size(letter) for letter in "ZYX"[-header.dimensions :]]
    if zoom == 1 or zoomed_shape(shape, zoom) == tuple(shape):
        return SeenAt(known=zoom != 1)
    if zoom**header.dimensions * math.prod(shape) > MOST_VOXELS and zoom > 1:
        return SeenAt(
            note=f"The model {header.name!r} learnt from images resized {zoom:.2g} times, and that is too large for "
            "this one: it was seen as it is. Segment a part of it."
        )
    return SeenAt(zoom, known=True, words=f"image resized {zoom:.2g} times, as the model learnt")


def parse_spacing(text: str, unit: str) -> tuple[float, ...] | None:
    """Read the size of a pixel along each axis, such as ``1.5,1.5``; None for an empty text.

    Raises
    ------
    UserError
        If these are no numbers above 0, or the unit is no unit of length.
    """
    if not text:
        return None
    if converted(1.0, unit, "mm") is None:
        raise UserError(f"--unit {unit!r} is no unit of length that is known, such as mm or µm")
    try:
        sizes = tuple(float(part) for part in text.split(","))
    except ValueError:
        sizes = ()
    if not sizes or not all(0 < size < float("inf") for size in sizes):
        raise UserError(f"--spacing {text!r} is no list of sizes, such as 1.5,1.5 or, for volumes, 3,1.5,1.5")
    return sizes


def spacing_in(reading: AxesReading, header: ModelHeader) -> tuple[float, ...] | None:
    """Return the spacing of an image along the axes that a network sees, in the model's unit; None if not known."""
    sizes = [
        converted(reading.spacing[letter], reading.unit, header.unit or "pixel") if letter in reading.spacing else None
        for letter in "ZYX"[-header.dimensions :]
    ]
    return tuple(size for size in sizes if size is not None) if None not in sizes else None


def spacing_words(spacing: Sequence[float], unit: str | None = None) -> str:
    """Return a spacing for people, such as ``"5 x 0.75 x 0.75 mm"``, or ``"1.5 mm"`` where it is the same all over."""
    sizes = [f"{size:.3g}" for size in spacing]
    text = sizes[0] if len(set(sizes)) == 1 else " x ".join(sizes)
    return f"{text} {unit}" if unit else text
