"""Classes that a person gave to objects: a folder of pictures that a model learns from, and any other tool can.

The folder is a set of classes (:mod:`src_models.files.class_sets.folder`): ``images/CLASS/NAME.tif`` and
``manifest.csv`` with the columns file, split, class and source_image; beside them ``records/NAME.json`` says where each
object lies, what a model had said of it, who gave the class, and when. About every fourth picture judges (split "val"):
on which side an object is never changes. A picture is never changed either: when an object is given another class, a
new one takes its place, and the old one stays, with the split "replaced". The manifest is written last, so a process
that dies while it adds leaves the set as it was.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import tifffile
from numpy.typing import NDArray

from src_models.classifying.class_probabilities import Classified
from src_models.classifying.class_record import ClassRecord
from src_models.classifying.pictures.crops import Crops
from src_models.classifying.pictures.picture import model_size
from src_models.corrections.correction import Source
from src_models.disk.atomic import atomic_path, remove_stale
from src_models.disk.folder_lock import locked
from src_models.errors import DataSetError, UserError
from src_models.files.class_sets.folder import read_table
from src_models.images.axes import AxesReading
from src_models.images.model_image import ModelImage
from src_models.models.header import ModelHeader

__all__ = [
    "ClassCorrection",
    "ClassCorrectionSet",
    "ClassItem",
    "ClassRecord",
    "give_classes",
    "is_class_correction_set",
]

JUDGING = 4  # every fourth picture judges
LONGEST_NAME = 60
_COLUMNS = ("file", "split", "class", "source_image")
_TEACHES, _JUDGES, _REPLACED = "train", "val", "replaced"
_OURS = {"images", "records", "models", "manifest.csv"}


@dataclass(frozen=True, slots=True, eq=False)
class ClassCorrection:
    """An object with the class that a person gave it.

    Parameters
    ----------
    picture
        (H, W) or (H, W, C): what the model looks at, in the image's own values.
    record
        What is known of it.
    """

    picture: NDArray[Any]
    record: ClassRecord


@dataclass(frozen=True, slots=True)
class ClassItem:
    """One picture as the manifest lists it: its file below ``images/``, its split, and its record."""

    file: str
    split: str
    record: ClassRecord

    @property
    def counts(self) -> bool:
        """Whether nothing took its place."""
        return self.split != _REPLACED


def is_class_correction_set(folder: str | Path) -> bool:
    """Whether a folder holds classes that were given, and not, say, corrected labels or a data set of others."""
    root = Path(folder)
    manifest = root / "manifest.csv"
    if not manifest.is_file() or not (root / "records").is_dir():
        return False
    with manifest.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        return next(csv.reader(file), []) == list(_COLUMNS)


def give_classes(
    image: Any,
    found: Classified,
    classes: Mapping[int, str],
    header: ModelHeader,
    source: Source,
    *,
    axes: str | AxesReading | None = None,
    channels: int | Sequence[int] | None = None,
    zoom: float = 1.0,
    by: str | None = None,
    name: str = "the image",
) -> list[ClassCorrection]:
    """Cut out the objects, or tiles, that a person gave classes to.

    Parameters
    ----------
    image, axes, channels, zoom, name
        As for :func:`~src_models.classifying.classify.classify_steps`.
    found
        What the model said of them.
    classes
        The class of each, by its number in `found`; one that the model does not know is a new class.
    header
        The model's.
    source
        What the image is; of which plane is known from `found`.
    by
        Who gave the classes.

    Raises
    ------
    UserError
        If a number is not among those of `found`, or a class has no name.
    ImageError
        If the image does not fit the model.
    """
    rows = {int(number): row for row, number in enumerate(found.ids.tolist())}
    unknown = [number for number in classes if number not in rows]
    if unknown:
        raise UserError(f"{name}: there is no object {unknown[0]} among the {len(rows)} that were classified")
    if any(not each.strip() for each in classes.values()):
        raise UserError(f"{name}: a class without a name was given; give each a name")
    ready = ModelImage(image, header, axes=axes, channels=channels, name=name)
    size = max(1, round(model_size(header) / zoom))
    return [
        _given(ready, found, rows[number], class_name.strip(), size, source, zoom, by)
        for number, class_name in classes.items()
    ]


def _given(
    image: ModelImage,
    found: Classified,
    row: int,
    class_name: str,
    size: int,
    source: Source,
    zoom: float,
    by: str | None,
) -> ClassCorrection:
    plane = tuple(int(place) for place in found.planes[row])
    place = dict(zip(image.planes.label_axes, found.positions[row].tolist(), strict=True))
    planes = Crops(image, plane).square(place["Y"], place["X"], size)()
    record = ClassRecord(
        source=replace(source, plane=plane),
        position=(place["Y"], place["X"]),
        class_name=class_name,
        object_id=int(found.ids[row]) if found.kind == "objects" else None,
        zoom=zoom,
        found=found.names[row],
        probability=round(float(found.certainty[row]), 6),
        model_name=found.provenance["header"]["name"] if found.provenance else None,
        model_sha256=found.provenance.get("model_sha256"),
        by=by,
    )
    return ClassCorrection(planes[0] if len(planes) == 1 else np.moveaxis(planes, 0, -1), record)


class ClassCorrectionSet:
    """Pictures with the classes that people gave them, in a folder; made by :meth:`open`.

    Parameters
    ----------
    root
        The folder.
    items
        What is in it, in the order in which it was added.
    """

    def __init__(self, root: Path, items: Sequence[ClassItem]) -> None:
        self.root = root
        self._items = list(items)

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open a set; a folder that does not exist, or is empty, becomes one with the first picture.

        Raises
        ------
        DataSetError
            If the folder holds other things, or a record is missing or cannot be read.
        """
        root = Path(folder)
        return cls(root, _read_items(root))

    @property
    def items(self) -> tuple[ClassItem, ...]:
        """The pictures that count, oldest first."""
        return tuple(item for item in self._items if item.counts)

    @property
    def history(self) -> tuple[ClassItem, ...]:
        """All pictures, those that were replaced included."""
        return tuple(self._items)

    @property
    def counts(self) -> dict[str, int]:
        """How many pictures of each class count, by its name."""
        names = [item.record.class_name for item in self.items]
        return {name: names.count(name) for name in sorted(set(names))}

    @property
    def sha256(self) -> str:
        """SHA-256 of names, pictures and records of the items that count: the set's version."""
        digest = hashlib.sha256()
        for item in sorted(self.items, key=lambda item: item.file):
            digest.update(f"{item.file} {item.split}".encode())
            digest.update(item.record.to_json().encode())
            digest.update((self.root / "images" / item.file).read_bytes())
        return digest.hexdigest()

    def __len__(self) -> int:
        """Return the number of pictures that count."""
        return len(self.items)

    def add(self, corrections: Sequence[ClassCorrection]) -> list[str]:
        """Keep pictures; one of an object that is here takes the earlier one's place, on the same side.

        An object that is here with the same class already is passed over.

        Returns
        -------
        list of str
            Names of what was added.

        Raises
        ------
        OutputError
            If it cannot be written; then the set is as it was.
        """
        with locked(self.root):
            self._items = _read_items(self.root)
            for folder in ("", "records"):
                remove_stale(self.root / folder)
            items, added = list(self._items), []
            for correction in corrections:
                earlier = [n for n, it in enumerate(items) if it.counts and it.record.is_same_object(correction.record)]
                if any(items[number].record.class_name == correction.record.class_name for number in earlier):
                    continue
                split = items[earlier[0]].split if earlier else _side(items, correction.record.class_name)
                for number in earlier:
                    items[number] = replace(items[number], split=_REPLACED)
                name = self._write(correction, items)
                items.append(ClassItem(name, split, correction.record))
                added.append(name)
            if added:
                self._write_manifest(items)
        return added

    def read(self, name: str) -> ClassCorrection:
        """Read a picture.

        Raises
        ------
        DataSetError
            If there is no such item, or its file is missing or damaged.
        """
        from src_models.files.class_sets.folder import read_picture

        item = next((item for item in self._items if item.file == name), None)
        if item is None:
            raise DataSetError(f"{self.root}: there is no picture {name!r}")
        return ClassCorrection(read_picture(self.root / "images" / name), item.record)

    def withdraw(self, name: str) -> None:
        """Leave a picture out from now on; its files stay.

        Raises
        ------
        DataSetError
            If there is no such picture.
        """
        with locked(self.root):
            self._items = _read_items(self.root)
            if name not in {item.file for item in self.items}:
                raise DataSetError(f"{self.root}: there is no picture {name!r} to withdraw")
            self._write_manifest([replace(it, split=_REPLACED) if it.file == name else it for it in self._items])

    def _write(self, correction: ClassCorrection, items: Sequence[ClassItem]) -> str:
        """Write the files of a picture that is not listed yet, and return its name."""
        name = _new_name(correction.record, items)
        picture = correction.picture
        picture = picture.astype(np.uint8) if picture.dtype == bool else picture
        with atomic_path(_record_path(self.root, name), overwrite=True) as beside:  # left by a process that died
            beside.write_text(correction.record.to_json(), encoding="utf-8")
        with atomic_path(self.root / "images" / name, overwrite=True) as beside:
            if picture.ndim == 3 and picture.shape[2] == 3 and picture.dtype.itemsize <= 2:
                tifffile.imwrite(beside, picture, photometric="rgb", compression="zlib", metadata=None)
            else:
                planes = picture if picture.ndim == 2 else np.moveaxis(picture, -1, 0)
                axes = {"axes": "YX" if picture.ndim == 2 else "CYX"}
                tifffile.imwrite(beside, planes, photometric="minisblack", compression="zlib", metadata=axes)
        return name

    def _write_manifest(self, items: Sequence[ClassItem]) -> None:
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(_COLUMNS)
        for item in items:
            rows.writerow((item.file, item.split, item.record.class_name, item.record.source.image))
        with atomic_path(self.root / "manifest.csv", overwrite=True) as beside:
            beside.write_text(text.getvalue(), encoding="utf-8", newline="")
        self._items = list(items)


def _side(items: Sequence[ClassItem], class_name: str) -> str:
    """Return whether a new object teaches or judges: about every fourth judges, but not the first of a class."""
    present = [item for item in items if item.counts]
    judging = sum(item.split == _JUDGES for item in present)
    taught = any(item.split == _TEACHES and item.record.class_name == class_name for item in present)
    return _JUDGES if taught and judging < (len(present) + 1) // JUDGING else _TEACHES


def _new_name(record: ClassRecord, items: Sequence[ClassItem]) -> str:
    taken = {item.file.casefold() for item in items}  # many disks do not tell cases apart
    stems = {Path(item.file).stem.casefold() for item in items}
    leading = record.source.axes[: len(record.source.plane)]
    place = "".join(f"_{letter.lower()}{index}" for letter, index in zip(leading, record.source.plane, strict=True))
    base = f"{_plain(record.source.layer, 'image')}{place}_y{record.position[0]:.0f}_x{record.position[1]:.0f}"
    folder, stem, number = _plain(record.class_name, "class"), base, 1
    while f"{folder}/{stem}.tif".casefold() in taken or stem.casefold() in stems:
        number += 1
        stem = f"{base}-{number}"
    return f"{folder}/{stem}.tif"


def _plain(text: str, otherwise: str) -> str:
    """Return what of a name every disk takes; names that would become one are told apart."""
    plain = re.sub(r"[^\w.-]+", "_", text).strip("_.")[:LONGEST_NAME]
    if plain == text:
        return plain
    return f"{plain or otherwise}-{hashlib.sha256(text.encode()).hexdigest()[:4]}"


def _record_path(root: Path, name: str) -> Path:
    return root / "records" / f"{Path(name).stem}.json"


def _read_items(root: Path) -> list[ClassItem]:
    manifest = root / "manifest.csv"
    if not manifest.is_file():
        other = {entry.name for entry in root.iterdir() if not entry.name.startswith(".")} if root.is_dir() else set()
        if other - _OURS or (other and "records" not in other and "images" in other):
            raise DataSetError(
                f"{root}: this folder holds other things than classes that were given; choose an empty one"
            )
        return []
    return [_read_item(root, row) for row in read_table(manifest, *_COLUMNS)]


def _read_item(root: Path, row: Mapping[str, str]) -> ClassItem:
    path = _record_path(root, row["file"])
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise DataSetError(
            f"{path} is missing: this folder holds no classes that were given in napari, or not all of it was copied"
        ) from None
    return ClassItem(row["file"], row["split"], ClassRecord.from_json(text, str(path)))
