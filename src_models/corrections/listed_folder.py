"""A folder of what people gave: files with equal names, a record of each, and a manifest that says which there are.

``records/NAME.json`` says where something is from, who gave it, and when. ``manifest.csv`` is written last, so a
process that dies while it adds something leaves the folder as it was. What is listed is never changed: something new
takes its place, and the old stays, marked in the manifest. One process at a time changes a folder.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

from src_models.disk.atomic import atomic_path, remove_stale
from src_models.disk.folder_lock import locked
from src_models.errors import DataSetError

__all__ = ["ListedFolder", "ListedItem", "plain_name"]

LONGEST_NAME = 60  # characters of a layer's name that go into a file's, which disks hold up to 255 bytes of


class ListedItem(Protocol):
    """Something that is listed, with its record."""

    @property
    def name(self) -> str:
        """Its file's name."""
        ...

    @property
    def counts(self) -> bool:
        """Whether nothing took its place."""
        ...

    @property
    def record(self) -> Any:
        """What is known of it, which ``to_json`` returns as text."""
        ...


Item = TypeVar("Item", bound=ListedItem)


class ListedFolder(ABC, Generic[Item]):
    """A folder of what people gave; made by :meth:`open`.

    Parameters
    ----------
    root
        The folder.
    items
        What is in it, in the order in which it was added.
    """

    columns: ClassVar[tuple[str, ...]]  #: of the manifest; the first is the file's name
    folders: ClassVar[tuple[str, ...]] = ()  #: what is written to besides the records
    what: ClassVar[str]  #: an item, in a word
    lacks: ClassVar[str]  #: what is wrong with a folder that lacks a record

    def __init__(self, root: Path, items: Sequence[Item]) -> None:
        self.root = root
        self._items = list(items)

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Open a folder; one that does not exist, or is empty, is written to with the first item.

        Raises
        ------
        DataSetError
            If the folder holds other things, or a record is missing or cannot be read.
        """
        root = Path(folder)
        return cls(root, cls._listed(root, {}))

    @classmethod
    @abstractmethod
    def _check_empty(cls, root: Path, names: set[str]) -> None:
        """Refuse a folder without a manifest in which, by the names of its entries, other things lie."""

    @classmethod
    @abstractmethod
    def _rows(cls, manifest: Path) -> list[dict[str, str]]:
        """Read the manifest, and refuse one that lacks a column."""

    @classmethod
    @abstractmethod
    def _read_record(cls, text: str, name: str) -> Any:
        """Read a record back."""

    @classmethod
    @abstractmethod
    def _listed_item(cls, row: Mapping[str, str], record: Any) -> Item:
        """Return what a row lists."""

    @abstractmethod
    def _row(self, item: Item) -> Sequence[str]:
        """Return the row that lists something."""

    @abstractmethod
    def _replaced(self, item: Item) -> Item:
        """Return something as it is listed when something else took its place."""

    @abstractmethod
    def _files_of(self, item: Item) -> Sequence[Path]:
        """Return the files that an item consists of, besides its record."""

    @property
    def items(self) -> tuple[Item, ...]:
        """The items that count, oldest first."""
        return tuple(item for item in self._items if item.counts)

    @property
    def history(self) -> tuple[Item, ...]:
        """All items, those that were replaced included."""
        return tuple(self._items)

    @property
    def sha256(self) -> str:
        """SHA-256 of names, pixels and records of the items that count: the folder's version."""
        digest = hashlib.sha256()
        for item in sorted(self.items, key=lambda item: item.name):
            digest.update(self._told_apart_by(item).encode())
            digest.update(item.record.to_json().encode())
            for path in self._files_of(item):
                digest.update(path.read_bytes())
        return digest.hexdigest()

    def __len__(self) -> int:
        """Return the number of items that count."""
        return len(self.items)

    def _told_apart_by(self, item: Item) -> str:
        """Return what of a row tells versions of the folder apart."""
        return item.name

    def _find(self, name: str) -> Item:
        """Return what is listed by a name, be it replaced or not.

        Raises
        ------
        DataSetError
            If nothing is.
        """
        item = next((item for item in self._items if item.name == name), None)
        if item is None:
            raise DataSetError(f"{self.root}: there is no {self.what} {name!r}")
        return item

    def withdraw(self, name: str) -> None:
        """Leave something out from now on; its files stay.

        Raises
        ------
        DataSetError
            If there is no such item.
        """
        with self._changing():
            if name not in {item.name for item in self.items}:
                raise DataSetError(f"{self.root}: there is no {self.what} {name!r} to withdraw")
            self._list([self._replaced(item) if item.name == name else item for item in self._items])

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Keep other processes from changing the folder; before, take in what they have added or withdrawn.

        Raises
        ------
        OutputError
            If the folder cannot be written to, or another process does not let go of it.
        """
        with locked(self.root):
            self._items = self._listed(self.root, {item.name: item for item in self._items})
            for folder in ("", *self.folders, "records"):
                remove_stale(self.root / folder)
            yield

    def _write_record(self, name: str, record: Any) -> None:
        """Write what is known of an item that is not listed yet."""
        with atomic_path(_record_path(self.root, name), overwrite=True) as beside:  # left by a process that died
            beside.write_text(record.to_json(), encoding="utf-8")

    def _list(self, items: Sequence[Item]) -> None:
        """Write the manifest."""
        text = io.StringIO()
        rows = csv.writer(text)
        rows.writerow(self.columns)
        rows.writerows(self._row(item) for item in items)
        with atomic_path(self.root / "manifest.csv", overwrite=True) as beside:
            beside.write_text(text.getvalue(), encoding="utf-8", newline="")
        self._items = list(items)

    @classmethod
    def _listed(cls, root: Path, known: Mapping[str, Item]) -> list[Item]:
        """Read what is listed; records never change, so those of `known` items are not read again."""
        manifest = root / "manifest.csv"
        if not manifest.is_file():
            names = {entry.name for entry in root.iterdir() if entry.name[0] != "."} if root.is_dir() else set()
            cls._check_empty(root, names)
            return []
        found = []
        for row in cls._rows(manifest):
            name = row[cls.columns[0]]
            record = known[name].record if name in known else cls._recorded(root, name)
            found.append(cls._listed_item(row, record))
        return found

    @classmethod
    def _recorded(cls, root: Path, name: str) -> Any:
        path = _record_path(root, name)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError:
            raise DataSetError(f"{path} is missing: this folder {cls.lacks}, or not all of it was copied") from None
        return cls._read_record(text, str(path))


def plain_name(text: str) -> str:
    """Return what of a name every disk takes, and no more than its beginning."""
    return re.sub(r"[^\w.-]+", "_", text).strip("_.")[:LONGEST_NAME]


def _record_path(root: Path, name: str) -> Path:
    return root / "records" / f"{Path(name).stem}.json"
