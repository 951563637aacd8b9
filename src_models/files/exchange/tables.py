"""Classes and measurements of objects from tables: of ``napari-medt measure`` and ``napari-medt classify --labels``."""

from __future__ import annotations

import csv
import math
from pathlib import Path

from src_models.errors import DataSetError

__all__ = ["read_object_table"]

_ID, _CLASS, _FILE = "id", "class", "file"


def read_object_table(path: Path, image: str) -> tuple[dict[int, str], dict[int, dict[str, float]]]:
    """Read what a table tells of the objects in an image.

    Parameters
    ----------
    path
        Comma-separated, with the column ``id``: the number of the object.
    image
        Name of the image without its ending; where the table has a column ``file``, rows of other images are passed
        over.

    Returns
    -------
    tuple of dict
        The class of each object, by number, from the column ``class``; and the numbers in all other columns, by title.
        Of an object with several rows, as in a time series, the first counts.

    Raises
    ------
    DataSetError
        If it cannot be read, or has no column ``id``.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataSetError(f"{path}: it cannot be read as comma-separated text ({error}); check the name") from error
    kinds: dict[int, str] = {}
    measured: dict[int, dict[str, float]] = {}
    for row in rows:
        if row.get(_FILE) and _image_of(row[_FILE]) != _image_of(image):
            continue
        try:
            number = int(row[_ID])
        except (KeyError, ValueError, TypeError) as error:
            raise DataSetError(
                f"{path}: it has no column id with the numbers of objects; give a table that `napari-medt measure` or "
                "`napari-medt classify --labels` wrote"
            ) from error
        if number in measured:
            continue
        if row.get(_CLASS):
            kinds[number] = row[_CLASS]
        told = {title: _number(text) for title, text in row.items() if title not in (_ID, _CLASS, _FILE)}
        measured[number] = {title: value for title, value in told.items() if math.isfinite(value)}
    return kinds, measured


def _image_of(name: str) -> str:
    return Path(name).name.split(".")[0].removesuffix("_labels")


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except (ValueError, TypeError):
        return math.nan
