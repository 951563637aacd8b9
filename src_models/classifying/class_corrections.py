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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from src_models.classifying.class_probabilities import Classified
from src_models.classifying.class_record import ClassRecord
from src_models.classifying.pictures.crops import Crops
from src_models.classifying.pictures.picture import model_size
from src_models.corrections.correction import Source
from src_models.corrections.listed_folder import ListedFolder, plain_name
from src_models.disk.atomic import atomic_path
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
_COLUMNS = ("file", "split", "class", "source_image")
_TEACHES, _JUDGES, _REPLACED = "train", "val", "replaced"


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
    def name(self) -> str:
        """Its file."""
        return self.file

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


class ClassCorrectionSet(ListedFolder[ClassItem]):
    """Pictures with the classes that people gave them, in a folder; made by :meth:`open`.

    Parameters
    ----------
    root
        The folder.
    items
        What is in it, in the order in which it was added.
    """

    columns = _COLUMNS
    what = "picture"
    lacks = "holds no classes that were given in napari"

    @classmethod
    def _check_empty(cls, root: Path, names: set[str]) -> None:
        if names - {"images", "records", "models"} or ("images" in names and "records" not in names):
            raise DataSetError(
                f"{root}: this folder holds other things than classes that were given; choose an empty one"
            )

    @classmethod
    def _rows(cls, manifest: Path) -> list[dict[str, str]]:
        return read_table(manifest, *cls.columns)

    @classmethod
    def _read_record(cls, text: str, name: str) -> ClassRecord:
        return ClassRecord.from_json(text, name)

    @classmethod
    def _listed_item(cls, row: Mapping[str, str], record: ClassRecord) -> ClassItem:
        return ClassItem(row["file"], row["split"], record)

    def _row(self, item: ClassItem) -> tuple[str, ...]:
        return item.file, item.split, item.record.class_name, item.record.source.image

    def _replaced(self, item: ClassItem) -> ClassItem:
        return replace(item, split=_REPLACED)

    def _files_of(self, item: ClassItem) -> list[Path]:
        return [self.root / "images" / item.file]

    def _told_apart_by(self, item: ClassItem) -> str:
        return f"{item.file} {item.split}"

    @property
    def counts(self) -> dict[str, int]:
        """How many pictures of each class count, by its name."""
        names = [item.record.class_name for item in self.items]
        return {name: names.count(name) for name in sorted(set(names))}

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
        with self._changing():
            items, added = list(self._items), []
            for correction in corrections:
                earlier = [n for n, it in enumerate(items) if it.counts and it.record.is_same_object(correction.record)]
                if any(items[number].record.class_name == correction.record.class_name for number in earlier):
                    continue
                split = items[earlier[0]].split if earlier else _side(items, correction.record.class_name)
                for number in earlier:
                    items[number] = self._replaced(items[number])
                name = self._write(correction, items)
                items.append(ClassItem(name, split, correction.record))
                added.append(name)
            if added:
                self._list(items)
        return added

    def read(self, name: str) -> ClassCorrection:
        """Read a picture.

        Raises
        ------
        DataSetError
            If there is no such item, or its file is missing or damaged.
        """
        from src_models.files.class_sets.folder import read_picture

        record = self._find(name).record
        return ClassCorrection(read_picture(self.root / "images" / name), record)

    def _write(self, correction: ClassCorrection, items: Sequence[ClassItem]) -> str:
        """Write the files of a picture that is not listed yet, and return its name."""
        name = _new_name(correction.record, items)
        picture = correction.picture
        picture = picture.astype(np.uint8) if picture.dtype == bool else picture
        self._write_record(name, correction.record)
        with atomic_path(self.root / "images" / name, overwrite=True) as beside:
            if picture.ndim == 3 and picture.shape[2] == 3 and picture.dtype.itemsize <= 2:
                tifffile.imwrite(beside, picture, photometric="rgb", compression="zlib", metadata=None)
            else:
                planes = picture if picture.ndim == 2 else np.moveaxis(picture, -1, 0)
                axes = {"axes": "YX" if picture.ndim == 2 else "CYX"}
                tifffile.imwrite(beside, planes, photometric="minisblack", compression="zlib", metadata=axes)
        return name


def _side(items: Sequence[ClassItem], class_name: str) -> str:
    """Return whether a new object teaches or judges: about every fourth judges, but not the first of a class."""
    present = [item for item in items if item.counts]
    judging = sum(item.split == _JUDGES for item in present)
    taught = any(item.split == _TEACHES and item.record.class_name == class_name for item in present)
    return _JUDGES if taught and judging < (len(present) + 1) // JUDGING else _TEACHES


def _new_name(record: ClassRecord, items: Sequence[ClassItem]) -> str:
    taken = {item.file.casefold() for item in items}  # many disks do not tell cases apart
    stems = {Path(item.file).stem.casefold() for item in items}
    place = record.source.place_name
    base = f"{_plain(record.source.layer, 'image')}{place}_y{record.position[0]:.0f}_x{record.position[1]:.0f}"
    folder, stem, number = _plain(record.class_name, "class"), base, 1
    while f"{folder}/{stem}.tif".casefold() in taken or stem.casefold() in stems:
        number += 1
        stem = f"{base}-{number}"
    return f"{folder}/{stem}.tif"


def _plain(text: str, otherwise: str) -> str:
    """Return what of a name every disk takes; names that would become one are told apart."""
    plain = plain_name(text)
    if plain == text:
        return plain
    return f"{plain or otherwise}-{hashlib.sha256(text.encode()).hexdigest()[:4]}"
