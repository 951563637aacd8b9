"""The label files that people submitted: kept as they came, and never replaced but by a newer version.

A version is its file and what is told of it, ``0001.nii.gz`` and ``0001.json``. The latter is written last: what a
process left that was killed meanwhile is no version. What is deleted is put aside, and stays on disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import IO, Any

from napari_medt.serving.store.ids import key_of
from napari_medt.serving.store.incoming import keep
from src_models.disk.atomic import atomic_path, remove_stale
from src_models.disk.folder_lock import locked

__all__ = ["FINAL", "KeptLabels", "LabelFiles", "Told"]

FINAL = "final"  # the tag of a person's own
_DIGITS = 4
_PUT_ASIDE = ".deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is told of labels.

    Parameters
    ----------
    image
        What clients call the image.
    key
        What tells it from others of that name.
    tag
        Whose the labels are: ``"final"`` are a person's.
    segments
        Names by the values in the file; none where the client told none.
    author
        Who made them.
    model
        The model whose result was mended, where the client told it.
    params
        What the client sent with them, as it came.
    time
        When they came (ISO 8601, UTC).
    """

    image: str
    key: str
    tag: str = FINAL
    segments: Mapping[int, str] = field(default_factory=dict)
    author: str = ""
    model: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))

    def to_json(self) -> str:
        """Return it as a JSON object."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        fields["segments"] = {str(value): name for value, name in self.segments.items()}
        return json.dumps(fields, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Told:
        """Read it back; ValueError or TypeError if it is none."""
        fields = json.loads(text)
        fields["segments"] = {int(value): str(name) for value, name in fields["segments"].items()}
        return cls(**fields)


@dataclass(frozen=True, slots=True)
class KeptLabels:
    """One version of the labels of an image.

    Parameters
    ----------
    told
        What is told of them.
    version
        Its number, from 1.
    path
        The file.
    """

    told: Told
    version: int
    path: Path


class LabelFiles:
    """Labels in a folder, by image and tag.

    Parameters
    ----------
    folder
        The folder, which is made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = Lock()
        self._newest: dict[tuple[str, str], KeptLabels] = {}
        for kept in self._stored():
            place = (kept.told.key, kept.told.tag)
            if place not in self._newest or self._newest[place].version < kept.version:
                self._newest[place] = kept

    def keep(self, file: IO[bytes], suffix: str, told: Told) -> KeptLabels:
        """Keep labels as the newest version; those before stay.

        Parameters
        ----------
        file
            Their content.
        suffix
            What its name is to end in, such as ``".nii.gz"``.
        told
            What is told of them.

        Raises
        ------
        OutputError
            If the disk does not take them; then all is as it was.
        """
        folder = self._place(told.key, told.tag)
        with locked(folder):
            remove_stale(folder)
            version = 1 + max((_number(path) for path in folder.iterdir() if not path.name.startswith(".")), default=0)
            path = folder / f"{version:0{_DIGITS}}{suffix}"
            keep(file, path)
            try:
                with atomic_path(path.with_name(f"{version:0{_DIGITS}}.json")) as beside:
                    beside.write_text(told.to_json(), encoding="utf-8")
            except OSError:
                path.unlink(missing_ok=True)
                raise
        kept = KeptLabels(told, version, path)
        with self._lock:
            self._newest = {**self._newest, (told.key, told.tag): kept}
        return kept

    def newest(self, key: str, tag: str = FINAL) -> KeptLabels | None:
        """Return the newest labels of an image; the disk is not touched."""
        return self._newest.get((key, tag))

    def of_image(self, key: str) -> dict[str, KeptLabels]:
        """Return the newest labels of an image, by tag; the disk is not touched."""
        return {tag: kept for (of, tag), kept in self._newest.items() if of == key}

    def all(self, tag: str = FINAL) -> list[KeptLabels]:
        """Return the newest labels of all images, those that came first at first; the disk is not touched."""
        return sorted((kept for (_, own), kept in self._newest.items() if own == tag), key=lambda one: one.told.time)

    def tags(self) -> dict[str, int]:
        """Return how many images have labels, by tag; the disk is not touched."""
        counts: dict[str, int] = {}
        for _, tag in self._newest:
            counts[tag] = counts.get(tag, 0) + 1
        return counts

    def put_aside(self, key: str, tag: str = FINAL) -> bool:
        """Leave the labels of an image out from now on, whatever their version; their files stay on disk.

        Returns
        -------
        bool
            Whether there were any.
        """
        folder = self._place(key, tag)
        if (key, tag) not in self._newest:
            return False
        with locked(folder):
            for path in folder.glob("*.json"):
                path.replace(path.with_name(path.name + _PUT_ASIDE))
        with self._lock:
            self._newest = {place: kept for place, kept in self._newest.items() if place != (key, tag)}
        return True

    def _place(self, key: str, tag: str) -> Path:
        """Return the folder of an image's labels: both may be any text, and are no part of a path."""
        return self.folder / key_of(key) / key_of(tag)

    def _stored(self) -> Iterator[KeptLabels]:
        for path in sorted(self.folder.glob("*/*/*.json")):
            if path.name.startswith("."):
                continue
            try:
                told = Told.from_json(path.read_text(encoding="utf-8"))
                (file,) = (
                    each for each in path.parent.glob(f"{path.stem}.*") if each.suffix not in (".json", _PUT_ASIDE)
                )
            except (OSError, ValueError, TypeError, KeyError, AttributeError):
                continue
            if path.parent == self._place(told.key, told.tag):
                yield KeptLabels(told, _number(path), file)


def _number(path: Path) -> int:
    digits = path.name.partition(".")[0]
    return int(digits) if digits.isdigit() else 0
