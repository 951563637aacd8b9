"""Folders of classes: ``images/CLASS/NAME`` or ``CLASS/NAME``, with a folder for each split above these if there are.

A ``manifest.csv`` beside them may say more, in the columns ``file`` (the path below ``images/``, or below the folder),
``split``, ``class`` (in place of the folder's name) and ``source_image`` (what the picture was cut out of). Where there
is one, pictures that it does not list are left out.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from src_models.errors import DataSetError
from src_models.files.class_sets.class_set import ClassSample, ClassSet
from src_models.files.images import read_image

__all__ = ["few", "has_class_folders", "open_class_folder", "read_picture", "read_table"]

SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg")
SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
NOT_CLASSES = {"images", "masks", "marked"}
LOOKED_AT = 15  # pictures whose size is looked at
LAYOUT = (
    "a set of classes has a folder for each class, images/CLASS/ or CLASS/, or a manifest.csv with the columns file "
    "and class"
)


def has_class_folders(root: Path) -> bool:
    """Whether a folder holds pictures in folders of classes, or a manifest that tells classes."""
    home = _home(root)
    manifest = root / "manifest.csv"
    if manifest.is_file():
        with manifest.open(newline="", encoding="utf-8-sig", errors="replace") as file:
            if {"file", "class"} <= set(next(csv.reader(file), [])):
                return True
    return any(_is_picture(path) for folder in _folders(home) for path in folder.rglob("*"))


def open_class_folder(folder: str | Path) -> ClassSet:
    """List the pictures of a folder of classes; their pixels are read one by one later.

    Raises
    ------
    DataSetError
        If it is laid out otherwise, or its manifest cannot be used.
    """
    root = Path(folder)
    if not root.is_dir():
        raise DataSetError(f"{root}: there is no such folder; {LAYOUT}")
    home, manifest = _home(root), root / "manifest.csv"
    found = _listed(root, home, manifest) if manifest.is_file() else _found(home)
    classes = tuple(sorted({label for _, label, _, _ in found}))
    if len(classes) < 2:
        there = f"one class, {classes[0]}" if classes else "no pictures in folders of classes"
        raise DataSetError(f"{root}: there is {there}, and it takes two to tell apart; {LAYOUT}")
    samples = tuple(
        ClassSample(name, classes.index(label), partial(_read, home / name), split, source)
        for name, label, split, source in sorted(found, key=lambda each: each[0])
    )
    looked_at = samples[:: max(1, len(samples) // LOOKED_AT)]
    return ClassSet(root, classes, samples, int(median(max(each.read(0).shape[:2]) for each in looked_at)))


def read_picture(path: Path) -> NDArray[Any]:
    """Read a picture as (H, W) or (H, W, C).

    Raises
    ------
    DataSetError
        If it is a stack.
    ImageError
        If it cannot be read.
    """
    file = read_image(path)
    axes, data = file.reading.axes, np.asarray(file.data)
    if sorted(axes) == ["X", "Y"]:
        return data if axes == "YX" else data.T
    if sorted(axes) == ["C", "X", "Y"]:
        return data.transpose([axes.index(letter) for letter in "YXC"])
    raise DataSetError(f"{path} is read as {file.reading.describe()}: a set of classes holds flat pictures; cut it up")


def read_table(path: Path, *needed: str) -> list[dict[str, str]]:
    """Read a table of comma-separated values with a line of headings; cells that are missing are empty.

    Raises
    ------
    DataSetError
        If it cannot be read, or lacks a column that is needed.
    """
    try:
        # Spreadsheet programs put a byte order mark in front, which would become part of the first column's name.
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns, rows = list(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataSetError(f"{path}: this table cannot be read as comma-separated text ({error})") from error
    missing = [name for name in needed if name not in columns]
    if missing:
        raise DataSetError(
            f"{path}: there is no column {missing[0]!r} (columns: {', '.join(columns)}); it needs {', '.join(needed)}"
        )
    return [{name: (row.get(name) or "").strip() for name in columns} for row in rows]


def few(names: Iterable[str], count: int = 3) -> str:
    """Return the first few of some names, sorted, and how many more there are."""
    ordered = sorted(names)
    return ", ".join(ordered[:count]) + (f" and {len(ordered) - count} more" if len(ordered) > count else "")


def _read(path: Path, _size: int) -> NDArray[Any]:
    return read_picture(path)


def _home(root: Path) -> Path:
    return root / "images" if (root / "images").is_dir() else root


def _folders(home: Path) -> list[Path]:
    if not home.is_dir():
        return []
    folders = (each for each in home.iterdir() if each.is_dir() and not each.name.startswith("."))
    return sorted(each for each in folders if each.name not in NOT_CLASSES)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _found(home: Path) -> list[tuple[str, str, str | None, str | None]]:
    """Return name, class, split and source of each picture, by its folders."""
    folders = _folders(home)
    divided = bool(folders) and all(folder.name.lower() in SPLITS for folder in folders)
    found: list[tuple[str, str, str | None, str | None]] = []
    for top in folders:
        split = SPLITS[top.name.lower()] if divided else None
        for folder in _folders(top) if divided else [top]:
            pictures = sorted(path for path in folder.iterdir() if _is_picture(path))
            found += [(path.relative_to(home).as_posix(), folder.name, split, None) for path in pictures]
    return found


def _listed(root: Path, home: Path, manifest: Path) -> list[tuple[str, str, str | None, str | None]]:
    """Return name, class, split and source of each picture that a manifest lists."""
    rows = [row for row in read_table(manifest, "file") if row["file"]]
    twice = {name for name, count in Counter(row["file"] for row in rows).items() if count > 1}
    if twice:
        raise DataSetError(f"{manifest}: listed more than once: {few(twice)}; leave one row of each")
    found, missing, nameless = [], set(), set()
    for row in rows:
        name = row["file"].removeprefix("images/") if home != root else row["file"]
        label = row.get("class") or (Path(name).parent.name if "/" in name else "")
        if not (home / name).is_file():
            missing.add(row["file"])
        elif not label:
            nameless.add(row["file"])
        else:
            found.append((name, label, row.get("split") or None, row.get("source_image") or None))
    if missing:
        raise DataSetError(f"{manifest} lists what is not in {home}: {few(missing)}; add these, or take their rows out")
    if nameless:
        raise DataSetError(f"{manifest} does not tell the class of {few(nameless)}: fill in the column class")
    return found
