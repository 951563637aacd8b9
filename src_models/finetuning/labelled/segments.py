"""Segments that a person named, as the numbers that a set of corrections holds for a model.

Other programs number segments as they like, and tell them by name. A model that tells classes has a number for each
name; names that it does not know are new classes, which a round of learning gives it. A model that finds objects asks
for no names: each connected part of a segment is an object.

Examples
--------
>>> known = LabelKind("classes", ("liver", "spleen"))
>>> numbers, kind = numbers_of({1: "Spleen", 2: "tumour", 3: "background_scribbles"}, known)
>>> numbers, kind.names
({1: 2, 2: 3, 3: 0}, ('liver', 'spleen', 'tumour'))
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.disk.atomic import atomic_path
from src_models.errors import DataSetError, UserError
from src_models.finetuning.kinds.label_kind import BACKGROUND, LabelKind
from src_models.labels.instances import connected_parts

__all__ = [
    "NAMES_FILE",
    "NO_SEGMENTS",
    "kind_of_set",
    "numbered",
    "numbers_of",
    "objects_in",
    "values_in",
    "write_names",
]

NAMES_FILE = "labels.json"  # as data sets have it
_COUNTED = 2**16
# Segments that say nothing of what is where: strokes, which other segments were made of, and what is no segment.
NO_SEGMENTS = frozenset({BACKGROUND, "foreground_scribbles", "background_scribbles"})


def numbers_of(segments: Mapping[int, str], known: LabelKind) -> tuple[dict[int, int], LabelKind]:
    """Return the number of each segment, and the kind of labels with the classes that are new.

    Parameters
    ----------
    segments
        Names by the values that the labels hold.
    known
        Classes there are.

    Raises
    ------
    UserError
        If a segment has no name, or there are more classes than a network learns.
    """
    names = list(known.names)
    numbers: dict[int, int] = {}
    for value, name in segments.items():
        said = name.strip()
        if not said:
            raise UserError("a segment has no name: give each one the name of what it shows, and submit them again")
        if said.casefold() in NO_SEGMENTS:
            numbers[value] = 0
            continue
        same = [at for at, other in enumerate(names) if other.casefold() == said.casefold()]
        if not same:
            names.append(said)
        numbers[value] = 1 + (same[0] if same else len(names) - 1)
    return numbers, LabelKind("classes", tuple(names))


def numbered(labels: NDArray[Any], numbers: Mapping[int, int]) -> NDArray[np.int32]:
    """Return labels with other numbers; what has none is background."""
    found = np.zeros(labels.shape, np.int32)
    for value in values_in(labels):
        if number := numbers.get(value, 0):
            found[labels == value] = number
    return found


def values_in(labels: NDArray[Any]) -> list[int]:
    """Return the numbers that labels hold, 0 and above, in order.

    Examples
    --------
    >>> values_in(np.array([[0, 7], [70_000, 7]]))
    [0, 7, 70000]
    """
    if labels.size and labels.dtype.kind in "iu" and labels.max() < _COUNTED:
        return [int(value) for value in np.flatnonzero(np.bincount(labels.ravel()))]  # without sorting a volume
    return [int(value) for value in np.unique(labels)]


def objects_in(labels: NDArray[Any], segments: Mapping[int, str]) -> NDArray[np.int32]:
    """Return a number for each connected part of each segment; strokes and background are none."""
    objects = {value: value for value, name in segments.items() if name.strip().casefold() not in NO_SEGMENTS}
    return connected_parts(numbered(labels, objects))


def kind_of_set(folder: Path, model: LabelKind) -> LabelKind:
    """Return what the numbers of a set of corrections mean: the classes of its model, and those that came later.

    Raises
    ------
    DataSetError
        If the file that names them cannot be read, or belongs to another model.
    """
    if model.meaning == "objects":
        return model
    path = folder / NAMES_FILE
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        names = tuple(str(table[str(number)]) for number in range(1, len(table) + 1))
    except FileNotFoundError:
        return model
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataSetError(
            f'{path}: it does not tell the names of classes ({error}); write them as {{"1": "liver", ...}}'
        ) from error
    if names[: len(model.names)] != model.names:
        raise DataSetError(
            f"{path}: its classes ({', '.join(names)}) do not begin with the model's ({', '.join(model.names)}): keep "
            "corrections of another model in another folder"
        )
    return LabelKind("classes", names)


def write_names(folder: Path, names: Sequence[str]) -> None:
    """Write what the numbers of a set of corrections are called, before corrections with new numbers are kept.

    Raises
    ------
    OutputError
        If it cannot be written; then what was there still is.
    """
    with atomic_path(folder / NAMES_FILE, overwrite=True) as beside:
        table = {str(number): name for number, name in enumerate(names, 1)}
        beside.write_text(json.dumps(table, indent=1, ensure_ascii=False), encoding="utf-8")
