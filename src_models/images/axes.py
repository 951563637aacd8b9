"""Which axis of an array is what: the one place where that is decided.

Images come as arrays whose axes may be time, depth, channels, height and width in several orders. A wrong guess made
silently ruins a result, so the reading is an object that is shown to the person before anything is computed. Axes
named by hand or by a file's metadata always win over the guess (:mod:`src_models.images.axes_guess`).

Examples
--------
>>> read_axes((40, 512, 512), spacing={"Z": 0.5, "Y": 0.5, "X": 0.5}, unit="micron").describe()
'Z=40, Y=512, X=512, 1 channel, 0.5 µm'
>>> read_axes((256, 320, 3), dtype="uint8").axes
'YXC'
>>> read_axes((256, 320, 2), dtype="float32").describe()
'Y=256, X=320, 2 channels'
>>> read_axes((2, 256, 320), channel=0).describe()
'Y=256, X=320, only the 1st of 2 channels'
>>> read_axes((4, 256, 320), channel=(2, 0, 1)).describe()
'Y=256, X=320, the 3rd, 1st and 2nd of 4 channels'
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from src_models.errors import ImageError
from src_models.images.axes_guess import MOST_CHANNELS, guess_axes

__all__ = ["MOST_CHANNELS", "AxesReading", "ordinal", "read_axes", "unit_symbol"]

AXES = "TZCYX"
SPATIAL = "ZYX"
_SAMPLES, _UNKNOWN = "S", "IQ"  # tifffile's letters for the samples of a pixel, and for an axis without a meaning

_UNIT_SYMBOLS = {
    "": "pixel",
    "px": "pixel",
    "pixels": "pixel",
    "micron": "µm",
    "microns": "µm",
    "um": "µm",
    "μm": "µm",  # Greek mu; ours is the micro sign
    "\\u00b5m": "µm",  # as ImageJ escapes it
    "micrometer": "µm",
    "micrometre": "µm",
    "millimeter": "mm",
    "millimetre": "mm",
    "nanometer": "nm",
    "nanometre": "nm",
    "centimeter": "cm",
    "centimetre": "cm",
    "meter": "m",
    "metre": "m",
    "angstrom": "Å",
    "inches": "inch",
}


@dataclass(frozen=True, slots=True)
class AxesReading:
    """How an array is read.

    Parameters
    ----------
    axes
        One letter per axis of the array, in order: T time, Z depth, C channels, Y height, X width; each at most once.
    shape
        Shape of the array.
    spacing
        Physical size of a pixel along Z, Y and X as far as the array has them; 1.0 where unknown.
    unit
        Unit of `spacing`; ``"pixel"`` where unknown.
    chosen
        The channels that a person chose, in the order in which a model gets them, counted from 0; None for all of them.
    remarks
        What else was made of the file's numbers, in a few words each, such as ``"from CMYK"``.
    origin
        Where the centre of the first pixel lies, along Z, Y and X in `unit` and along T in seconds; 0 where left out.
    frame_seconds
        Time (s) from one frame to the next; None where unknown.
    modality
        What made the image by the file's own word, as DICOM has it, such as ``"CT"``; None where it does not tell.
    padding
        Ranges of values, ends included, that stand for no tissue by the file's own word.
    value_unit
        What the values are by the file's own word, such as ``"HU"`` or ``"SUVbw"``; empty where it does not tell.
    """

    axes: str
    shape: tuple[int, ...]
    spacing: Mapping[str, float]
    unit: str = "pixel"
    chosen: tuple[int, ...] | None = None
    remarks: tuple[str, ...] = ()
    origin: Mapping[str, float] = field(default_factory=dict)
    frame_seconds: float | None = None
    modality: str | None = None
    padding: tuple[tuple[float, float], ...] = ()
    value_unit: str = ""

    @property
    def rgb(self) -> bool:
        """Whether the last axis holds red, green, blue (and an alpha, which is not used)."""
        return self.axes.endswith("C") and self.shape[-1] in (3, 4) and self.chosen is None

    @property
    def channels(self) -> int:
        """Number of channels that are looked at; 1 where there is no channel axis."""
        return self.size("C") if self.chosen is None else len(self.chosen)

    @property
    def channel(self) -> int | None:
        """The one channel that is looked at, counted from 0; None where it is not one that was chosen."""
        return self.chosen[0] if self.chosen is not None and len(self.chosen) == 1 else None

    def size(self, letter: str) -> int:
        """Return the length of an axis; 1 where the array does not have it."""
        return self.shape[self.axes.index(letter)] if letter in self.axes else 1

    def without_channels(self) -> AxesReading:
        """Return the reading of labels of this image: the same axes less the channels."""
        kept = [(letter, size) for letter, size in zip(self.axes, self.shape, strict=True) if letter != "C"]
        axes, shape = "".join(letter for letter, _ in kept), tuple(size for _, size in kept)
        kept_out: dict[str, Any] = {"remarks": (), "modality": None, "padding": (), "value_unit": ""}
        return replace(self, axes=axes, shape=shape, chosen=None, **kept_out)

    def with_channel(self, channel: int | Sequence[int] | None, name: str = "image") -> AxesReading:
        """Return the reading of one channel alone, or of several in an order, counted from 0; of all for None.

        Raises
        ------
        ImageError
            If there is no such channel.
        """
        chosen = None if channel is None else (channel,) if isinstance(channel, int) else tuple(channel)
        missing = [each for each in chosen or () if not ("C" in self.axes and 0 <= each < self.size("C"))]
        if missing or chosen == ():
            has = f"{self.size('C')} channels, counted from 0" if "C" in self.axes else "no axis of channels"
            raise ImageError(
                f"{name}: there is no channel {', '.join(map(str, missing))}; it is read as {self.describe()}, with "
                f"{has}. Name another one, or its axes if they are read wrongly, such as CYX"
            )
        return replace(self, chosen=chosen)

    def describe(self) -> str:
        """Return the reading as a line for people, such as ``"Z=40, Y=512, X=512, 1 channel, 0.5 µm"``."""
        parts = [f"{letter}={size}" for letter, size in zip(self.axes, self.shape, strict=True) if letter != "C"]
        parts.append(self._describe_channels())
        steps = [self.spacing[letter] for letter in self.axes if letter in SPATIAL]
        if self.unit != "pixel" or any(step != 1 for step in steps):
            sizes = steps[:1] if len(set(steps)) == 1 else steps
            parts.append(" x ".join(f"{size:.4g}" for size in sizes) + f" {self.unit}")
        if self.value_unit:
            parts.append(f"values in {self.value_unit}")
        return ", ".join((*parts, *self.remarks))

    def _describe_channels(self) -> str:
        if self.chosen is not None and len(self.chosen) > 1:
            *first, last = [ordinal(index) for index in self.chosen]
            return f"the {', '.join(first)} and {last} of {self.size('C')} channels"
        if self.channel is not None:
            return f"only the {ordinal(self.channel)} of {self.size('C')} channels"
        if self.rgb:
            return "3 channels (RGB)" if self.channels == 3 else "4 channels (RGB, alpha not used)"
        return "1 channel" if self.channels == 1 else f"{self.channels} channels"


def read_axes(
    shape: Sequence[int],
    *,
    dtype: Any = None,
    axes: str | None = None,
    rgb: bool | None = None,
    spacing: Mapping[str, float] | Sequence[float] | None = None,
    unit: str | None = "pixel",
    dimensions: int = 2,
    labels: bool = False,
    channel: int | Sequence[int] | None = None,
    origin: Mapping[str, float] | None = None,
    frame_seconds: float | None = None,
    name: str = "image",
) -> AxesReading:
    """Decide which axis of an array is what.

    Parameters
    ----------
    shape
        Shape of the array.
    dtype
        Type of its values, if known: complex and non-numeric ones are refused.
    axes
        The axes by name, in order, such as ``"ZYX"``. They win over any guess. S (samples) means channels; I and Q
        (unknown) mean Z, or T where there is a Z.
    rgb
        Whether the last axis is known to hold (True) or not to hold (False) colours; None guesses.
    spacing
        Physical size of a pixel: by letter, or as one number per axis (with or without the channels).
    unit
        Unit of `spacing`, by any of its usual names.
    dimensions
        Dimensions of the network that will run, 2 or 3: for 3 the last three axes but channels are never split.
    labels
        Whether these are labels: no axis is then guessed to be channels.
    channel
        The one channel to look at, counted from 0, or several in an order; None looks at all.
    origin, frame_seconds
        Where the first pixel lies, and the time between frames, as far as known (see :class:`AxesReading`).
    name
        The file or layer, for errors.

    Raises
    ------
    ImageError
        For an array without pixels, with fewer than 2 or more than 5 axes, of complex or non-numeric type; for `axes`
        that do not fit it; for a `channel` that it does not have; and where no guess is defensible, with the axes that
        may be meant (:func:`~src_models.images.axes_guess.guess_axes`).
    """
    sizes = _known_sizes(shape, name)
    _check_type(dtype, name)
    _check_shape(sizes, name)
    if axes is not None:
        letters = _named(axes, sizes, name)
    else:
        letters = guess_axes(sizes, rgb=rgb, dimensions=dimensions, labels=labels, name=name)
    origin = {letter: float(place) for letter, place in (origin or {}).items() if letter in letters}
    return AxesReading(
        letters,
        sizes,
        _spacing(spacing, letters, name),
        unit_symbol(unit),
        origin={letter: place for letter, place in origin.items() if math.isfinite(place)},
        frame_seconds=frame_seconds,
    ).with_channel(channel, name)


def ordinal(index: int) -> str:
    """Return the place of an index that counts from 0, so that nobody has to ask where counting begins.

    Examples
    --------
    >>> [ordinal(index) for index in (0, 1, 2, 3, 10, 20)]
    ['1st', '2nd', '3rd', '4th', '11th', '21st']
    """
    number = index + 1
    teens = number % 100 in (11, 12, 13)
    return f"{number}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def unit_symbol(unit: str | None) -> str:
    """Return the short form of a unit of length: ``"µm"`` for ``"micrometer"``, ``"um"`` or ``"micron"``.

    Names that are not known are returned as they are; None and the empty string mean ``"pixel"``.
    """
    text = (unit or "").strip()
    return _UNIT_SYMBOLS.get(text.lower(), text)


def _check_type(dtype: Any, name: str) -> None:
    if dtype is None:
        return
    kind = np.dtype(dtype).kind
    if kind == "c":
        raise ImageError(f"{name}: its values are complex numbers; take their magnitude (or real part) and open that")
    if kind not in "biuf":
        raise ImageError(f"{name}: its values are of type {np.dtype(dtype)}, not numbers; open an image of numbers")


def _known_sizes(shape: Sequence[float], name: str) -> tuple[int, ...]:
    """Return a shape as integers. Of a dask array that was made by selecting, lengths are NaN until it is computed."""
    if any(math.isnan(size) for size in shape):
        raise ImageError(
            f"{name}: how long its axes are is not known (shape {tuple(shape)}: a dask array with chunks of unknown "
            "size); call its compute_chunk_sizes() first, or compute() it"
        )
    return tuple(int(size) for size in shape)


def _check_shape(shape: tuple[int, ...], name: str) -> None:
    if len(shape) < 2:
        has = "it has only one axis" if shape else "it is a single number"
        raise ImageError(f"{name}: {has} (shape {shape}); open an image, which has height and width")
    if 0 in shape:
        raise ImageError(f"{name}: it is empty (shape {shape}); open an image that has pixels")
    if len(shape) > len(AXES):
        raise ImageError(
            f"{name}: it has {len(shape)} axes (shape {shape}) and at most five are read (T, Z, C, Y, X); "
            "take a part of it with fewer axes"
        )


def _named(axes: str, shape: tuple[int, ...], name: str) -> str:
    """Check axes given by name, and bring tifffile's letters to ours."""
    given = axes.strip().upper()
    if len(given) != len(shape):
        raise ImageError(f"{name}: axes {axes!r} name {len(given)} axes, but it has {len(shape)} (shape {shape})")
    letters = given.replace(_SAMPLES, "C")
    for position in reversed(range(len(letters))):  # the axis next to the plane becomes Z
        if letters[position] in _UNKNOWN:
            free = next((other for other in "ZT" if other not in letters), letters[position])
            letters = letters[:position] + free + letters[position + 1 :]
    if not set(letters) <= set(AXES) or len(set(letters)) < len(letters) or not {"Y", "X"} <= set(letters):
        raise ImageError(
            f"{name}: axes {axes!r} cannot be used; give each of Y and X once, and T, Z, C at most once, such as "
            f"{_example(len(shape))!r}"
        )
    return letters


def _example(ndim: int) -> str:
    return {2: "YX", 3: "ZYX", 4: "ZCYX", 5: "TZCYX"}[ndim]


def _spacing(spacing: Mapping[str, float] | Sequence[float] | None, axes: str, name: str) -> dict[str, float]:
    """Bring spacing to one positive number per spatial axis."""
    if spacing is None:
        given: Mapping[str, float] = {}
    elif isinstance(spacing, Mapping):
        given = {letter.upper(): size for letter, size in spacing.items()}
    else:
        letters = axes if len(spacing) == len(axes) else axes.replace("C", "")
        if len(spacing) != len(letters):
            raise ImageError(f"{name}: {len(spacing)} numbers of spacing do not fit its axes {axes}")
        given = dict(zip(letters, spacing, strict=True))
    return {letter: _positive(given.get(letter, 1.0)) for letter in axes if letter in SPATIAL}


def _positive(size: float) -> float:
    """Return the size of a pixel, or 1.0 for a value that cannot be one (some files say 0 or NaN for unknown)."""
    size = abs(float(size))
    return size if math.isfinite(size) and size > 0 else 1.0
