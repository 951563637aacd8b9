"""What was told of objects, tiles or images as a table, and a record of how it was made.

The table ``cells_classes.csv`` has the record ``cells_classes.json``. Both are written whole or not at all.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from src_models.classifying.class_probabilities import Classified
from src_models.disk.atomic import atomic_path, check_new
from src_models.disk.names import fitting
from src_models.errors import DataSetError, OutputError
from src_models.files.class_sets.folder import read_table

if TYPE_CHECKING:
    from src_models.files.images import ImageFile

__all__ = [
    "ClassifiedFile",
    "GivenClasses",
    "check_class_record",
    "class_table_path",
    "columns",
    "read_class_table",
    "rows_of",
    "write_class_record",
    "write_class_table",
]

VERSION = 1
AXES = "TZYX"
ENDING = "_classes.csv"
_TOLD = "p "


def class_table_path(output: Path, stem: str) -> Path:
    """Return the table of an image in a folder of results; a name that is too long for a file is shortened."""
    return output / f"{fitting(stem, ENDING)}{ENDING}"


def columns(classes: Sequence[str]) -> list[str]:
    """Return the headings of a table: file, number, middle, class, its probability, and those of all classes."""
    return ["file", "id", *AXES.lower(), "class", "probability", *(f"{_TOLD}{name}" for name in classes)]


def rows_of(found: Classified, file: str, axes: str) -> list[list[object]]:
    """Return the rows of a table.

    Parameters
    ----------
    found
        What was told.
    file
        What the rows say they are of.
    axes
        The image's axes less its channels; of those that it lacks, cells are empty.
    """
    places = [axes.find(letter) for letter in AXES]
    return [
        [
            file,
            int(number),
            *("" if place < 0 else _short(position[place]) for place in places),
            name,
            f"{max(each):.6f}",
            *(f"{value:.6f}" for value in each),
        ]
        for number, position, name, each in zip(
            found.ids.tolist(), found.positions.tolist(), found.names, found.probabilities.tolist(), strict=True
        )
    ]


def write_class_table(
    path: Path, classes: Sequence[str], rows: Sequence[Sequence[object]], *, overwrite: bool = False
) -> Path:
    """Write a table.

    Raises
    ------
    OutputError
        If it exists and `overwrite` is False, or cannot be written.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns(classes))
    writer.writerows(rows)
    with atomic_path(path, overwrite) as beside:
        beside.write_text(text.getvalue(), encoding="utf-8", newline="")
    return path


@dataclass(frozen=True, slots=True)
class GivenClasses:
    """Classes of objects in an image, as a person wrote them into a table.

    Parameters
    ----------
    found
        The objects, and what a model had said of them; where the table does not say that, all is equally likely.
    classes
        What the table calls each now, by its number.
    changed
        Numbers of those that are called otherwise than the model had said.
    """

    found: Classified
    classes: dict[int, str]
    changed: tuple[int, ...]


def read_class_table(path: Path, file: str, axes: str) -> GivenClasses:
    """Read the rows of one image from a table, in which a person may have mended the column ``class``.

    Parameters
    ----------
    path
        A table that :func:`write_class_table` wrote, or another with the columns id, y, x and class.
    file
        The image, as the column ``file`` calls it, where there is one: its path, or its name.
    axes
        The image's axes less its channels; the table needs a column for each.

    Raises
    ------
    DataSetError
        If a column is missing, a cell holds no number, no row is of the image, or two are of one object.
    """
    rows = read_table(path, "id", "class", *axes.lower())
    if rows and "file" in rows[0]:
        rows = [row for row in rows if row["file"] == file] or [
            row for row in rows if Path(row["file"]).name == Path(file).name
        ]
    if not rows:
        raise DataSetError(f"{path}: no row is of {file}; check the column file")
    told = [name.removeprefix(_TOLD) for name in rows[0] if name.startswith(_TOLD)]
    classes = tuple(told) or tuple(sorted({row["class"] for row in rows}))
    try:
        ids = np.array([int(row["id"]) for row in rows])
        positions = np.array([[float(row[letter]) for letter in axes.lower()] for row in rows])
        values = np.array([[float(row[f"{_TOLD}{name}"]) for name in told] for row in rows])
    except ValueError as error:
        raise DataSetError(f"{path}: a cell of a row of {file} holds no number ({error}); mend it") from error
    if len(set(ids.tolist())) < len(ids):
        raise DataSetError(f"{path}: an object of {file} has two rows; leave one of each")
    leading = [index for index, letter in enumerate(axes) if letter not in "YX"]
    found = Classified(
        classes,
        (values if told else np.full((len(rows), len(classes)), 1 / len(classes))).astype(np.float32),
        ids=ids,
        positions=positions,
        boxes=np.zeros((len(rows), 4), np.int64),
        planes=positions[:, leading].round().astype(np.int64),
        kind="objects",
    )
    given = {int(number): row["class"] for number, row in zip(ids, rows, strict=True)}
    before = dict(zip(ids.tolist(), found.names, strict=True)) if told else {}
    return GivenClasses(found, given, tuple(number for number in given if before.get(number) != given[number]))


def check_class_record(table: Path, *, overwrite: bool = False) -> None:
    """Refuse a record's place if something else is there; the record of an earlier table goes with it.

    Raises
    ------
    OutputError
        If a file of that name is no record, and may not be replaced.
    """
    path = table.with_suffix(".json")
    if path == table:
        raise OutputError(f"{table}: a table's name ends in .csv")
    check_new(path, overwrite=overwrite or _is_record(path))


@dataclass(frozen=True, slots=True)
class ClassifiedFile:
    """What was told of one image, and of what: its file, and that of its labels."""

    image: ImageFile
    found: Classified
    labels: Path | None = None


def write_class_record(
    table: Path, files: Sequence[ClassifiedFile], *, seconds: float, overwrite: bool = False
) -> Path:
    """Write beside a table by which model, settings and versions it was made, in how long, and what was found.

    Parameters
    ----------
    table
        The table.
    files
        The images that it is of, at least one.
    seconds
        How long it took.
    overwrite
        Whether a file that is no record may be replaced.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    path, provenance = table.with_suffix(".json"), files[0].found.provenance
    content = {
        "record": VERSION,
        "classes": table.name,
        "model": {"name": provenance["header"]["name"], "sha256": provenance["model_sha256"]},
        "settings": provenance["settings"],
        "versions": provenance["versions"],
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "result": "class",
        "images": [_described(file) for file in files],
    }
    with atomic_path(path, overwrite=overwrite or _is_record(path)) as written:
        written.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _described(file: ClassifiedFile) -> dict[str, Any]:
    image, found = file.image, file.found
    series = image.series
    return {
        "image": str(image.path.absolute()),
        **({} if series is None else {"series": {"number": series.number, "name": series.name}}),
        "labels": None if file.labels is None else str(file.labels.absolute()),
        "read_as": found.read_as,
        "read_notes": list(image.notes),
        "found": found.counts,
        "summary": found.summary,
        "notes": list(found.notes),
    }


def _is_record(path: Path) -> bool:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and {"record", "classes", "model"} <= content.keys()


def _short(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
