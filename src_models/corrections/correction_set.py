"""A folder of corrections: a data set that any tool can train on, and a record of each plane in it.

Beside ``images/`` and ``masks/`` (see :mod:`src_models.files.dataset`) there are, with equal names, ``predicted/``
(what the network had found), ``marked/`` (who made each pixel; 0 does not count) and ``records/NAME.json``; of slices
that a 3D network is to learn from, ``volumes/`` (the slice and those around it).
``manifest.csv`` says which items there are (see :mod:`src_models.corrections.listed_folder`): when a plane is corrected
again, a new item takes the old one's place, and that stays, with the split "replaced".
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from src_models.corrections.correction import Correction, CorrectionRecord, SlicesAround
from src_models.corrections.listed_folder import ListedFolder, plain_name
from src_models.corrections.overlap import counted_of, same_image
from src_models.corrections.pixel_files import channels_in, read_tiff, unsigned, write_slices, write_tiff
from src_models.disk.atomic import atomic_path
from src_models.errors import DataSetError

__all__ = ["CorrectionItem", "CorrectionSet", "Corrections"]

_FOLDERS = ("images", "masks", "predicted", "marked")
_AROUND = "volumes"  # of some: the slices around
_PRESENT, _REPLACED = "train", "replaced"


class Corrections(Protocol):
    """What corrections can be read from, one after the other, with their names."""

    def corrections(self) -> Iterator[tuple[str, Correction]]:
        """Read all that count."""
        ...


@dataclass(frozen=True, slots=True)
class CorrectionItem:
    """One item as the manifest lists it: its file's name, whether it was replaced, and its record."""

    name: str
    replaced: bool
    record: CorrectionRecord

    @property
    def counts(self) -> bool:
        """Whether nothing took its place."""
        return not self.replaced


class CorrectionSet(ListedFolder[CorrectionItem]):
    """Corrections in a folder; made by :meth:`open`.

    Parameters
    ----------
    root
        The folder.
    items
        What is in it, in the order in which it was added.
    """

    columns = ("file", "split", "counts")
    folders = (*_FOLDERS, _AROUND)
    what = "correction"
    lacks = "is not a set of corrections"

    @classmethod
    def _check_empty(cls, root: Path, names: set[str]) -> None:
        if names and "records" not in names and names >= {"images", "masks"}:
            raise DataSetError(
                f"{root}: these images and masks were not marked here, and are left as they are; choose an empty or a "
                "new folder for corrections, and add these to it"
            )
        if names - {
            *cls.folders,
            "records",
            "models",
            "labels.json",
        }:  # a process may have died before its first one was listed
            raise DataSetError(f"{root}: this folder holds other things than corrections; choose an empty or a new one")

    @classmethod
    def _rows(cls, manifest: Path) -> list[dict[str, str]]:
        with manifest.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if not {"file", "split"} <= set(reader.fieldnames or []):
                raise DataSetError(f"{manifest}: the columns file and split are missing; this is no set of corrections")
            return list(reader)

    @classmethod
    def _read_record(cls, text: str, name: str) -> CorrectionRecord:
        return CorrectionRecord.from_json(text, name)

    @classmethod
    def _listed_item(cls, row: Mapping[str, str], record: CorrectionRecord) -> CorrectionItem:
        return CorrectionItem(row["file"], row["split"] == _REPLACED, record)

    def _row(self, item: CorrectionItem) -> tuple[str, ...]:
        counts = "all" if item.record.mode == "slice" else "part"
        return item.name, _REPLACED if item.replaced else _PRESENT, counts

    def _replaced(self, item: CorrectionItem) -> CorrectionItem:
        return replace(item, replaced=True)

    def _files_of(self, item: CorrectionItem) -> list[Path]:
        folders = _FOLDERS if item.record.slice_at is None else self.folders
        return [self.root / folder / item.name for folder in folders]

    def add(self, correction: Correction) -> str:
        """Keep a correction; earlier ones of the same plane that it covers are replaced, and stay in the folder.

        One is covered where all that counted in it counts in the new one.

        Returns
        -------
        str
            The item's name.

        Raises
        ------
        OutputError
            If it cannot be written; then the set is as it was.
        DataSetError
            If it has other channels than the items that are there.
        """
        with self._changing():
            self._check_channels(correction)
            name = self._write(correction)
            covered = {item.name for item in self.items if self._covers(correction, item)}
            items = [self._replaced(item) if item.name in covered else item for item in self._items]
            self._list([*items, CorrectionItem(name, False, correction.record)])
        return name

    def put(self, corrections: Iterable[Correction], instead_of: Collection[str] = ()) -> list[str]:
        """Keep corrections beside those that are there, however much these cover; some may be taken the place of.

        Parameters
        ----------
        corrections
            What to keep.
        instead_of
            Names of items that are replaced; they stay in the folder.

        Returns
        -------
        list of str
            Names of the new items.

        Raises
        ------
        OutputError
            If they cannot be written; then the set is as it was.
        DataSetError
            If they have other channels than the items that are there.
        """
        with self._changing():
            names: list[str] = []
            items = [self._replaced(item) if item.name in instead_of else item for item in self._items]
            for correction in corrections:
                self._check_channels(correction)
                names.append(self._write(correction, names))
                items.append(CorrectionItem(names[-1], False, correction.record))
            self._list(items)
        return names

    def read(self, name: str) -> Correction:
        """Read an item's pixels.

        Raises
        ------
        DataSetError
            If there is no such item, or a file is missing, damaged or of another size.
        """
        item = self._find(name)
        image, labels, predicted, makers = (read_tiff(self.root / folder / name) for folder in _FOLDERS)
        if {image.shape[:2], labels.shape, predicted.shape, makers.shape} != {labels.shape}:
            raise DataSetError(f"{self.root}: the files of {name} differ in size; withdraw it and correct it again")
        around = None
        if item.record.slice_at is not None:
            around = SlicesAround(read_tiff(self.root / _AROUND / name), item.record.slice_at)
        return Correction(
            image=image,
            labels=labels.astype(np.int32),
            predicted=predicted.astype(np.int32),
            makers=makers.astype(np.uint8),
            record=item.record,
            around=around,
        )

    def corrections(self) -> Iterator[tuple[str, Correction]]:
        """Read all items that count, one after the other, with their names."""
        for item in self.items:
            yield item.name, self.read(item.name)

    def merge(self, other: Corrections) -> list[str]:
        """Add the corrections of another set that count; that one stays as it is.

        An item that is here already, to the pixel, is passed over. None is replaced: of a plane that both corrected,
        both are kept.

        Returns
        -------
        list of str
            Names of what was added.

        Raises
        ------
        DataSetError
            If an item cannot be read, or has other channels than those that are here; nothing is added then.
        """
        theirs = [correction for _, correction in other.corrections()]
        if any(correction.labels.ndim != 2 for correction in theirs):
            raise DataSetError("a volume cannot be added to corrected planes: let a 3D model learn from its own folder")
        with self._changing():
            here = {_fingerprint(correction) for _, correction in self.corrections()}
            for correction in theirs:
                self._check_channels(correction)
            return [self._add_beside(found) for found in theirs if _fingerprint(found) not in here]

    def _add_beside(self, correction: Correction) -> str:
        name = self._write(correction)
        self._list([*self._items, CorrectionItem(name, False, correction.record)])
        return name

    def _write(self, correction: Correction, taken: Collection[str] = ()) -> str:
        """Write the files of an item that is not listed yet, and return its name, which is none of some."""
        name = self._new_name(correction.record, taken)
        (self.root / "records").mkdir(exist_ok=True)  # it tells the set from a folder of other images
        arrays: tuple[NDArray[Any], ...] = (
            correction.image,
            correction.labels,
            correction.predicted,
            correction.makers,
        )
        for folder, array in zip(_FOLDERS, arrays, strict=True):
            with atomic_path(self.root / folder / name, overwrite=True) as beside:  # left by a process that died
                write_tiff(beside, array if folder == "images" else unsigned(array), correction.record)
        if correction.around is not None:
            with atomic_path(self.root / _AROUND / name, overwrite=True) as beside:
                write_slices(beside, correction.around.image)
        self._write_record(name, correction.record)
        return name

    def _covers(self, correction: Correction, item: CorrectionItem) -> bool:
        if item.record.source.same_place != correction.record.source.same_place:
            return False
        whole = correction.record.mode == "slice"
        try:
            earlier = self.read(item.name)
        except DataSetError:
            if whole:  # a damaged item is made again so
                return True
            raise
        if not same_image(earlier, correction):
            return False
        return whole or not (earlier.counts & ~counted_of(correction, item.record.region)).any()

    def _new_name(self, record: CorrectionRecord, others: Collection[str] = ()) -> str:
        names = (*(item.name for item in self._items), *others)
        taken = {name.casefold() for name in names}  # many disks do not tell cases apart
        base, number = f"{plain_name(record.source.layer) or 'image'}{record.source.place_name}", 1
        name = f"{base}.tif"
        while name.casefold() in taken:
            number += 1
            name = f"{base}-{number}.tif"
        return name

    def _check_channels(self, correction: Correction) -> None:
        if not self.items:
            return
        first = self.items[0]
        old = channels_in(self.root / "images" / first.name)
        new = correction.image.shape[2] if correction.image.ndim == 3 else 1
        if old != new:
            raise DataSetError(
                f"{correction.record.source.layer} has {new} channels and the corrections in {self.root} have {old}: "
                "keep them in another folder"
            )


def _fingerprint(correction: Correction) -> str:
    digest = hashlib.sha256()
    for array in (correction.image, correction.labels, correction.makers):
        digest.update(f"{array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
