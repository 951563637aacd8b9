"""One corrected plane: image, labels, what the network had found, and who made which pixel.

A plane need not be corrected as a whole. What counts is in the map of makers: pixels of maker 0 were not looked at and
are ignored when a network learns.

Examples
--------
>>> labels = np.zeros((4, 6), int); labels[1:3, 1:4] = 1
>>> found = np.zeros((4, 6), int); found[1:3, 1:3] = 1
>>> correction = mark(np.zeros((4, 6), "uint8"), labels, found, source=Source(layer="cells"))
>>> correction.changed.sum(), correction.record.made_by
(np.int64(2), {'network': 22, 'click': 0, 'brush': 2})
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from src_models.errors import DataSetError, ImageError, UserError
from src_models.images.axes import AxesReading

__all__ = [
    "MAKERS",
    "SCHEMA_VERSION",
    "Bounds",
    "Correction",
    "CorrectionRecord",
    "MarkMode",
    "SlicesAround",
    "Source",
    "mark",
]

SCHEMA_VERSION = 1
MAKERS = {"unmarked": 0, "network": 1, "click": 2, "brush": 3}
MarkMode = Literal["slice", "region", "painted"]
Bounds = tuple[tuple[int, int], tuple[int, int]]  # (first row, row after the last), (first column, column after)

# A larger plane is not kept whole: the part that counts, and this many pixels around it for the network to see.
LARGEST_PLANE = 2048 * 2048
CONTEXT = 128
HIGHEST_LABEL = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a plane comes from.

    Parameters
    ----------
    layer
        Name of the image layer, or of the image.
    file
        The file that it was opened from, if known.
    axes
        The image's axes less its channels, such as ``"ZYX"``.
    plane
        Index of the plane along the axes before Y and X.
    spacing, unit
        Physical size of a pixel (y, x), and its unit.
    series
        What tells the image apart from others in its file; None where there is one.
    modality
        What made the image by the file's own word, such as ``"CT"``; None where it does not tell.
    padding
        Ranges of values, ends included, that stand for no tissue by the file's own word.
    slice_spacing
        How far slices lie apart, in the same unit; None where that is not known.
    """

    layer: str
    file: str | None = None
    axes: str = "YX"
    plane: tuple[int, ...] = ()
    spacing: tuple[float, float] = (1.0, 1.0)
    unit: str = "pixel"
    series: str | None = None
    modality: str | None = None
    padding: tuple[tuple[float, float], ...] = ()
    slice_spacing: float | None = None

    @property
    def image(self) -> str:
        """What corrections of one image have in common: its file, and which of several images in it; or its layer."""
        return (self.file or self.layer) + (f" # {self.series}" if self.series and self.file else "")

    @property
    def same_place(self) -> tuple[Any, ...]:
        """What two corrections of one plane have in common."""
        return (self.image, self.axes, self.plane)

    @property
    def place_name(self) -> str:
        """What a plane adds to a file's name, such as ``"_z3"``; nothing of an image of one plane."""
        leading = self.axes[: len(self.plane)]
        return "".join(f"_{letter.lower()}{index}" for letter, index in zip(leading, self.plane, strict=True))

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Source:
        """Return a source from its fields as JSON holds them."""
        tuples = {name: tuple(fields[name]) for name in ("plane", "spacing") if name in fields}
        padding = tuple(tuple(ends) for ends in fields.get("padding", ()))
        return cls(**{**fields, **tuples, "padding": padding})


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionRecord:
    """What is known of a correction besides its pixels; stored as JSON.

    Parameters
    ----------
    source
        Where the plane comes from.
    mode
        What counts: the whole ``"slice"``, a ``"region"``, or only what was ``"painted"``.
    region
        The part of the plane that is kept, ((first row, row after the last), (first column, column after the last)).
    made_by
        Number of counting pixels by who made them: network, click, brush.
    prompts
        Clicks, boxes and scribbles that objects were made with, as JSON holds them.
    model_name, model_sha256
        The model whose result was corrected, before it learnt from this; None where there was none.
    time
        When it was marked (ISO 8601, UTC).
    clicked
        Of an object that was clicked: what tells it from others, as ``"object"``, and how grey values became the
        network's, as ``"normalisation"``. None of what was mended otherwise.
    slice_at
        Which of the slices that are kept around it this is; None where none are.
    author
        Who made it, as a program told that sent it; None where nobody was named.
    """

    source: Source
    mode: MarkMode
    region: Bounds
    made_by: Mapping[str, int]
    prompts: tuple[Mapping[str, Any], ...] = ()
    model_name: str | None = None
    model_sha256: str | None = None
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    schema_version: int = SCHEMA_VERSION
    clicked: Mapping[str, Any] | None = None
    slice_at: int | None = None
    author: str | None = None

    def to_json(self) -> str:
        """Return the record as a JSON object."""
        fields = dataclasses.asdict(self)
        for name in ("clicked", "slice_at", "author"):  # earlier versions can read what holds nothing new to them
            if fields[name] is None:
                del fields[name]
        for name in ("series", "modality", "padding", "slice_spacing"):
            if not fields["source"][name]:
                del fields["source"][name]
        return json.dumps(fields, sort_keys=True, indent=1, default=_of_numpy)

    @classmethod
    def from_json(cls, text: str, name: str) -> CorrectionRecord:
        """Read a record back.

        Raises
        ------
        DataSetError
            If the text is no such record, or of a newer version; the message begins with `name`.
        """
        try:
            raw = json.loads(text)
            version = raw["schema_version"]
            if version > SCHEMA_VERSION:
                raise DataSetError(
                    f"{name}: this correction was recorded by a newer napari-medt (version {version} of its records); "
                    "update napari-medt"
                )
            source = Source.from_fields(raw.pop("source"))
            (top, bottom), (left, right) = raw.pop("region")
            prompts = tuple(raw.pop("prompts"))
            return cls(source=source, region=((top, bottom), (left, right)), prompts=prompts, **raw)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            if isinstance(error, DataSetError):
                raise
            raise DataSetError(f"{name}: this is not the record of a correction ({error}); delete it") from error


@dataclass(frozen=True, slots=True, eq=False)
class SlicesAround:
    """What a 3D network sees of a corrected slice: it, and those above and below, (D, H, W) or (D, H, W, C)."""

    image: NDArray[Any]
    place: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Correction:
    """A corrected plane, or the part of one that counts with what is around it; or a volume, with a first axis more.

    Parameters
    ----------
    image
        (H, W), or (H, W, C) with two channels or more, last, in the type of its file.
    labels, predicted
        (H, W) integers: as the person left them, and as the network had found them (zeros where there was none).
    makers
        (H, W) uint8, see :data:`MAKERS`: who made each pixel; 0 does not count.
    record
        Everything else.
    around
        Of a slice that a 3D network is to learn from, the slices around it.
    """

    image: NDArray[Any]
    labels: NDArray[np.int32]
    predicted: NDArray[np.int32]
    makers: NDArray[np.uint8]
    record: CorrectionRecord
    around: SlicesAround | None = None

    @property
    def counts(self) -> NDArray[np.bool_]:
        """Which pixels a network learns from, (H, W)."""
        return np.asarray(self.makers > 0)

    @property
    def reading(self) -> AxesReading:
        """How `image` is read, by what its source says of it; where that lacks a size, none is known."""
        source, letters = self.record.source, "ZYX"[-self.labels.ndim :]
        axes = letters + ("C" if self.image.ndim > self.labels.ndim else "")
        known = "Z" not in letters or source.slice_spacing is not None
        spacing = {"Z": source.slice_spacing or 1.0, "Y": source.spacing[0], "X": source.spacing[1]}
        return AxesReading(
            axes,
            self.image.shape,
            {letter: spacing[letter] for letter in letters},
            source.unit if known else "pixel",
            modality=source.modality,
            padding=source.padding,
        )

    @property
    def changed(self) -> NDArray[np.bool_]:
        """Which of them the person changed, (H, W)."""
        return np.asarray(self.makers > MAKERS["network"])


def mark(
    image: NDArray[Any],
    labels: NDArray[Any],
    predicted: NDArray[Any] | None = None,
    *,
    source: Source,
    mode: MarkMode = "slice",
    region: Bounds | None = None,
    background: NDArray[np.bool_] | None = None,
    clicked: Collection[int] = (),
    prompts: Sequence[Mapping[str, Any]] = (),
    model_name: str | None = None,
    model_sha256: str | None = None,
    around: SlicesAround | None = None,
) -> Correction:
    """Mark a plane as corrected.

    Parameters
    ----------
    image
        (H, W) or (H, W, C).
    labels, predicted
        (H, W): the mended labels, and what the network had found; None for nothing.
    source
        Where the plane comes from.
    mode
        What counts. ``"slice"``: all of it. ``"region"``: what lies in `region`. ``"painted"``: where `labels` and
        `predicted` differ, and `background`.
    region
        Rows and columns, for ``mode="region"``; what reaches beyond the plane is left out.
    background
        (H, W): where a person said that there is nothing, also where nothing was found before. Labels are 0 there.
    clicked
        Ids of the objects that were made by clicks; all else that differs was made with a brush.
    prompts
        The clicks, as JSON holds them.
    model_name, model_sha256
        The model that `predicted` comes from.
    around
        Of a slice that a 3D network is to learn from, all of the slices around it.

    Raises
    ------
    ImageError
        If shapes differ, or labels are negative or too high.
    UserError
        If nothing is left that counts, or the image has no finite value there.
    """
    plane = image.shape[:2]
    found = np.zeros(plane, np.int32) if predicted is None else np.asarray(predicted)
    for what, array in (("labels", np.asarray(labels)), ("earlier labels", found)):
        if array.shape != plane:
            raise ImageError(
                f"the {what} of {source.layer} have the shape {array.shape} and its planes {plane}: choose labels that "
                "were made for this image"
            )
        if array.size and array.min() < 0:
            raise ImageError(f"the {what} of {source.layer} hold negative numbers; number objects or classes from 1")
        if array.size and array.max() > HIGHEST_LABEL:
            raise ImageError(f"the {what} of {source.layer} hold numbers above {HIGHEST_LABEL:,}; number them anew")
    mended = np.asarray(labels).astype(np.int32)
    if background is not None:
        mended[background] = 0
    differs = mended != found
    makers = np.where(differs, MAKERS["brush"], MAKERS["network"]).astype(np.uint8)
    if background is not None:
        makers[background] = MAKERS["brush"]
    makers[differs & np.isin(mended, list(clicked)) & (mended > 0)] = MAKERS["click"]
    makers[~_counting(mode, region, makers)] = MAKERS["unmarked"]
    if not makers.any():
        raise UserError(_NOTHING[mode])
    cut = _kept(makers)
    if not np.isfinite(np.asarray(image)[cut]).any():
        raise UserError(
            f"{source.layer}: no value of the image is a finite number there (all are NaN or infinite), so there is "
            "nothing to learn from: correct another plane, or another part"
        )
    kept = makers[cut]
    record = CorrectionRecord(
        source=source,
        mode=mode,
        region=((cut[0].start, cut[0].stop), (cut[1].start, cut[1].stop)),
        made_by={name: int((kept == maker).sum()) for name, maker in MAKERS.items() if maker},
        prompts=tuple(prompts),
        model_name=model_name,
        model_sha256=model_sha256,
        slice_at=None if around is None else around.place,
    )
    return Correction(
        image=_as_kept(image)[cut],
        labels=mended[cut],
        predicted=found[cut].astype(np.int32),
        makers=kept,
        record=record,
        around=None if around is None else SlicesAround(around.image[:, cut[0], cut[1]], around.place),
    )


_NOTHING = {
    "slice": "The plane is empty: there is nothing to mark.",
    "region": "That region lies beside the image: draw it over what you corrected.",
    "painted": (
        "Nothing was painted here since the network's result: paint first, or mark the whole slice if all of it is "
        "right."
    ),
}


def _as_kept(image: NDArray[Any]) -> NDArray[Any]:
    """Return an image as files hold it: a single channel without an axis, and what is true as 1."""
    plane = np.asarray(image)
    plane = plane[..., 0] if plane.ndim == 3 and plane.shape[2] == 1 else plane
    return plane.astype(np.uint8) if plane.dtype == bool else plane


def _of_numpy(value: Any) -> Any:
    """Return a number or an array of NumPy as JSON holds it."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{value!r} cannot be kept with a correction")


def _counting(mode: MarkMode, region: Bounds | None, makers: NDArray[np.uint8]) -> NDArray[np.bool_]:
    if mode == "painted":
        return np.asarray(makers > MAKERS["network"])
    inside = np.zeros(makers.shape, bool)
    if mode == "slice" or region is None:
        inside[...] = True
    else:
        (top, bottom), (left, right) = region
        inside[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = True
    return inside


def _kept(makers: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Return what is kept of a plane: all of it, or of a large one what counts and its surroundings."""
    height, width = makers.shape
    if makers.size <= LARGEST_PLANE:
        return slice(0, height), slice(0, width)
    rows, columns = np.flatnonzero(makers.any(axis=1)), np.flatnonzero(makers.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - CONTEXT), min(height, int(rows[-1]) + 1 + CONTEXT)),
        slice(max(0, int(columns[0]) - CONTEXT), min(width, int(columns[-1]) + 1 + CONTEXT)),
    )
