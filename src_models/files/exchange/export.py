"""Labels in a file, written for another program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from src_models.errors import ImageError
from src_models.files.exchange.described import Described
from src_models.files.exchange.formats import format_of, program_of, write_foreign
from src_models.files.exchange.geojson import ObjectType
from src_models.files.exchange.tables import read_object_table
from src_models.files.images import ImageFile, image_stem, read_image, read_label_file
from src_models.files.pairs import pair
from src_models.files.zarr import is_zarr
from src_models.images.axes import AxesReading

__all__ = ["Exported", "export_labels", "is_hyperstack", "write_outlines"]

_LABELS = "_labels"


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Parameters
    ----------
    outlines
        How many: one for each object and plane.
    read_as
        How the labels were read, for people.
    notes
        What a person should know, in sentences.
    """

    outlines: int
    read_as: str
    notes: tuple[str, ...] = field(default=())


def export_labels(
    labels: Path,
    output: Path,
    *,
    image: Path | None = None,
    names: Mapping[int, str] | None = None,
    tables: Sequence[Path] = (),
    kind: ObjectType = "detection",
    overwrite: bool = False,
) -> Exported:
    """Write the outlines of labels in a file for ImageJ, QuPath, or as COCO.

    Parameters
    ----------
    labels
        The labels, in any format that is read. Those in zarr are read some rows at a time.
    output
        ``NAME.zip``, ``NAME.geojson`` or ``NAME.json``.
    image
        What they lie on: the outlines are in its pixels, and it is named in the file.
    names
        What numbers are called; what the file of the labels says unless given.
    tables
        Tables of classes and measurements (see :func:`~src_models.files.exchange.tables.read_object_table`).
    kind
        What objects become in QuPath.
    overwrite
        Whether an existing file may be replaced.

    Raises
    ------
    UserError
        If a file cannot be read, labels and image do not lie on each other, or the file cannot be written.
    """
    format_of(output)
    picture = None if image is None else read_image(image)
    file = _opened(labels, picture)
    data, axes, notes = file.data, file.reading.without_channels().axes, list(file.notes)
    if picture is not None:
        wanted = picture.reading.without_channels()
        paired = pair(picture, file)
        notes += [] if paired.note is None else [paired.note]
        data, axes = paired.labels, wanted.axes
        if data.shape != wanted.shape:
            raise ImageError(
                f"{labels} is of {_words(data.shape)} pixels and {picture.title} of {_words(wanted.shape)}: they do "
                "not lie on each other; give the image that these labels were made of"
            )
    stem = (image_stem(labels) if picture is None else picture.name).removesuffix(_LABELS)
    kinds: dict[int, str] = {}
    measured: dict[int, dict[str, float]] = {}
    for table in tables:
        more, numbers = read_object_table(table, stem)
        kinds |= more
        for number, values in numbers.items():
            measured.setdefault(number, {}).update(values)
    described = Described(
        names=names or {one.value: one.name for one in file.segments},
        kinds=kinds,
        measurements=measured,
        image=stem if picture is None else picture.path.name,
        several=picture is not None and is_hyperstack(picture.reading),
    )
    count = write_foreign(output, data, axes, described, kind=kind, overwrite=overwrite)
    return Exported(count, file.reading.describe(), tuple(notes))


def is_hyperstack(reading: AxesReading) -> bool:
    """Tell whether ImageJ shows an image with more than one slider, of channels, slices and frames."""
    letters = "TZ" if reading.rgb else "TZC"
    return sum(reading.size(letter) > 1 for letter in reading.axes if letter in letters) > 1


def write_outlines(path: Path, labels: Any, image: ImageFile, names: Sequence[str], *, overwrite: bool = False) -> int:
    """Write the outlines of what was found in an image.

    Parameters
    ----------
    path
        As of :func:`~src_models.files.exchange.formats.write_foreign`.
    labels
        Integers in the axes of the image less its channels.
    image
        The image.
    names
        Names of the classes by number, the background first, of labels that are classes; else empty.
    overwrite
        Whether an existing file may be replaced.
    """
    called = {number: name for number, name in enumerate(names) if number}
    described = Described(names=called, image=image.path.name, several=is_hyperstack(image.reading))
    axes, kind = image.reading.without_channels().axes, "annotation" if called else "detection"
    return write_foreign(path, labels, axes, described, kind=cast("ObjectType", kind), overwrite=overwrite)


def _opened(labels: Path, picture: ImageFile | None) -> ImageFile:
    if picture is None and program_of(labels) is None and labels.is_dir() and is_zarr(labels):
        lazy = read_image(labels)
        if "C" not in lazy.reading.axes and lazy.data.dtype.kind in "bu":
            return lazy
    like = None if picture is None else picture.reading
    return read_label_file(labels, like=like, scan=None if picture is None else picture.geometry)


def _words(shape: Sequence[Any]) -> str:
    return " x ".join(map(str, shape))
