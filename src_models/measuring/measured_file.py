"""Measure the objects in a file of labels, with the image that they lie on."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from src_models.errors import DataSetError, ImageError
from src_models.files.images import ImageFile, read_image, read_label_file
from src_models.files.pairs import pair
from src_models.images.grey.ct_windows import value_unit
from src_models.labels.measurements.measuring import measure_steps
from src_models.labels.measurements.space import PixelSpace
from src_models.labels.measurements.table import Measurements
from src_models.progress import Progress

__all__ = ["Measured", "file_space", "label_names", "measure_file_steps", "with_classes"]

_ORDER = "TZYX"
_COLOURS = ("red", "green", "blue")
_CLASS, _PROBABILITY = "class", "probability"


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a file.

    Parameters
    ----------
    table
        The measurements.
    read_as
        How the labels were read, for people.
    notes
        What a person should know of it, in sentences.
    """

    table: Measurements
    read_as: str
    notes: tuple[str, ...] = field(default=())


def measure_file_steps(
    labels: Path,
    image: Path | None = None,
    *,
    axes: str | None = None,
    series: int | str | None = None,
    names: Mapping[int, str] | None = None,
) -> Generator[Progress, None, Measured]:
    """Measure the objects in a file of labels, in steps.

    Parameters
    ----------
    labels
        The labels.
    image
        What they lie on.
    axes
        Axes of the image by hand.
    series
        Which of several images in the file of the image.
    names
        What numbers are called; what the file says unless given.

    Raises
    ------
    ImageError
        If a file cannot be read, or labels and image do not lie on each other.
    """
    yield Progress(0, 0, f"reading {labels.name}")
    picture = None if image is None else read_image(image, axes=axes, series=series)
    like = None if picture is None else picture.reading
    file = read_label_file(labels, like=like, scan=None if picture is None else picture.geometry)
    notes = list(file.notes)
    space_file, data = file, np.asarray(file.data)
    letters = _letters_of(file, picture)
    if picture is not None:
        _check_shapes(file, picture, data.shape)
        paired = pair(picture, file)
        notes += [*picture.notes, *([] if paired.note is None else [paired.note])]
        data = paired.labels
        space_file = picture if _tells_size(picture) or not _tells_size(file) else file
    space, flat = file_space(space_file, letters)
    values, channels = (None, None) if picture is None else _values(picture, letters)
    data = data.transpose([letters.index(letter) for letter in _ORDER if letter in letters])
    found = yield from measure_steps(
        _flattened(data, letters) if flat else data,
        values if values is None or not flat else _flattened(values, letters),
        space=space,
        axes="".join(letter for letter in _ORDER if letter in letters and not (flat and letter == "Z")),
        channels=channels,
        unit="" if picture is None or channels is not None else value_unit(values, picture.reading),
        names=names or {each.value: each.name for each in file.segments},
    )
    if not space.physical:
        notes.append(f"{space_file.path} does not tell the size of a pixel, so lengths are in {space.unit}")
    return Measured(found, file.reading.describe(), (*notes, *found.notes))


def file_space(file: ImageFile, letters: str) -> tuple[PixelSpace, bool]:
    """Return where the pixels of a file lie, and whether they are to be measured as a plane.

    Parameters
    ----------
    file
        An image, or labels.
    letters
        Its axes less its channels.

    Returns
    -------
    tuple of PixelSpace and bool
        Of Z, Y and X as far as there are; of one slice, of Y and X in the same world.
    """
    reading = file.reading
    flat = "Z" not in letters or reading.size("Z") == 1
    if file.geometry is not None:
        linear, origin, unit = file.geometry.affine[:3, :3], file.geometry.affine[:3, 3], "mm"
    else:
        spatial = [letter for letter in "ZYX" if letter in letters]
        linear = np.diag([reading.spacing.get(letter, 1.0) for letter in spatial])
        origin = np.array([reading.origin.get(letter, 0.0) for letter in spatial])
        unit = reading.unit
    return PixelSpace.of(linear[:, -2:] if flat else linear, origin, unit), flat


def label_names(path: Path) -> dict[int, str]:
    """Read what numbers are called from a JSON file such as ``{"1": "spleen", "2": "liver"}``.

    Raises
    ------
    DataSetError
        If it cannot be read, or is of another form.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {int(number): _name(name) for number, name in content.items()}
    except OSError as error:
        raise DataSetError(f"{path}: it cannot be read ({error.strerror}); check the name") from error
    except (ValueError, TypeError, AttributeError) as error:
        raise DataSetError(
            f'{path}: names of labels are a JSON object of numbers and names, such as {{"1": "spleen"}}'
        ) from error


def with_classes(table: Measurements, path: Path, file: str) -> Measurements:
    """Add the class of each object, and its probability, from a table that ``napari-medt classify`` wrote.

    Parameters
    ----------
    table
        Measurements of one image.
    path
        The table.
    file
        Name of the image without its ending; rows of other images are passed over.

    Raises
    ------
    DataSetError
        If the table cannot be read, or has no columns ``id`` and ``class``.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as opened:
            rows = list(csv.DictReader(opened))
        rows = [row for row in rows if "file" not in row or Path(row["file"]).name.split(".")[0] == file.split(".")[0]]
        classes = {int(row["id"]): row[_CLASS] for row in rows}
        sure = {int(row["id"]): float(row.get(_PROBABILITY) or math.nan) for row in rows}
    except OSError as error:
        raise DataSetError(f"{path}: it cannot be read ({error.strerror}); check the name") from error
    except (KeyError, ValueError) as error:
        raise DataSetError(
            f"{path}: it is no table of classes (columns id and class, as `napari-medt classify --labels` writes them)"
        ) from error
    known = [sure.get(own, math.nan) for own in table.ids]
    told = table.with_column(_PROBABILITY, [None if math.isnan(value) else value for value in known])
    return told.with_column(_CLASS, [classes.get(own) for own in table.ids])


def _name(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _letters_of(file: ImageFile, image: ImageFile | None) -> str:
    """Return the axes of labels as they were handed out: in the image's order where they have the same."""
    own = file.reading.without_channels().axes
    wanted = own if image is None else image.reading.without_channels().axes
    return wanted if set(own) == set(wanted) or len(own) == len(wanted) else own


def _check_shapes(labels: ImageFile, image: ImageFile, shape: tuple[int, ...]) -> None:
    wanted = image.reading.without_channels().shape
    if tuple(shape) != tuple(wanted):
        raise ImageError(
            f"{labels.path} has {_words(shape)} pixels and {image.title} has {_words(wanted)}: they do not lie on each "
            "other; give the image that these labels were made of"
        )


def _words(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _tells_size(file: ImageFile) -> bool:
    return file.geometry is not None or file.reading.unit != "pixel"


def _values(image: ImageFile, letters: str) -> tuple[Any, tuple[str, ...] | None]:
    """Return the values of an image as T, Z, Y, X, its channels last, and what these are called."""
    reading, data = image.reading, image.data
    if not hasattr(data, "transpose"):
        import dask.array as da

        data = da.from_array(data)  # type: ignore[no-untyped-call]
    order = [reading.axes.index(letter) for letter in _ORDER if letter in letters]
    if "C" not in reading.axes:
        return data.transpose(order), None
    data = data.transpose([*order, reading.axes.index("C")])
    if reading.rgb:
        return data[..., :3], _COLOURS
    if reading.size("C") == 1:
        return data[..., 0], None
    return data, tuple(f"channel {place}" for place in range(reading.size("C")))


def _flattened(data: Any, letters: str) -> Any:
    """Leave out Z where it is one slice."""
    return data[(slice(None), 0) if "T" in letters else 0] if "Z" in letters else data
