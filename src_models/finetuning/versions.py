"""The models that came out of rounds of learning: what each gained, which is in use, and notes.

They lie in one folder, by default ``models/`` beside the corrections, as ordinary model files. What a header tells is
read from there; ``versions.json`` holds the rest. Nothing is overwritten but the file of the round under way.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from src_models.disk.atomic import atomic_path, remove_stale
from src_models.disk.folder_lock import locked
from src_models.errors import DataSetError, ModelFileError
from src_models.models.header import read_header

if TYPE_CHECKING:
    from src_models.models.checkpoint import Model

__all__ = ["ModelVersion", "ModelVersions"]

_SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A model that was learnt.

    Parameters
    ----------
    name
        Its file's name without suffix.
    path, sha256
        Its file.
    parent_sha256
        Of the model that it began with.
    time
        When it was written (ISO 8601, UTC).
    dice_before, dice
        On held-out corrections, of its parent and its own.
    note
        A person's words.
    iou_before, iou
        Of a model of clicks, in place of Dice: IoU on held-out objects by number of clicks.
    accuracy_before, accuracy
        Of a model of classes, in place of Dice: the share of held-out pictures that is told right.
    """

    name: str
    path: Path
    sha256: str
    parent_sha256: str | None
    time: str
    dice_before: float | None
    dice: float | None
    note: str
    iou_before: Mapping[str, float] | None = None
    iou: Mapping[str, float] | None = None
    accuracy_before: float | None = None
    accuracy: float | None = None


class ModelVersions:
    """Versions of a model in a folder, which need not exist yet.

    Parameters
    ----------
    folder
        The folder.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._known: dict[Path, tuple[int, ModelVersion]] = {}

    def list(self) -> list[ModelVersion]:
        """Return the versions, oldest first; files that cannot be read are left out."""
        notes = self._stored().get("notes", {})
        found = []
        for path in self.folder.glob(f"*{_SUFFIX}"):
            if path.name.startswith("."):
                continue
            try:
                found.append(self._version(path, str(notes.get(path.stem, ""))))
            except (ModelFileError, OSError):
                continue
        return sorted(found, key=lambda version: (version.path.stat().st_mtime_ns, version.name))

    @property
    def active(self) -> str | None:
        """Name of the version in use; None for the model that everything began with."""
        name = self._stored().get("active")
        return str(name) if name is not None and (self.folder / f"{name}{_SUFFIX}").is_file() else None

    def new_path(self, parent_name: str) -> Path:
        """Return a path for the next version of a model: ``NAME-v1.safetensors``, ``-v2`` and so on."""
        base, _, number = parent_name.rpartition("-v")
        base = base if base and number.isdigit() else parent_name
        count = 1
        while (path := self.folder / f"{base}-v{count}{_SUFFIX}").exists():
            count += 1
        return path

    @property
    def base(self) -> Path | None:
        """The file of the model that everything began with, where that is known."""
        path = self._stored().get("base")
        return None if path is None else Path(path)

    def add(self, model: Model, parent: Path) -> ModelVersion:
        """Write the first model of a round as the next version of the one that it began with (see :meth:`new_path`).

        Raises
        ------
        OutputError
            If it cannot be written.
        """
        with locked(self.folder):  # else two rounds, in two windows, could take the same name
            remove_stale(self.folder)
            version = self.keep(model, self.new_path(parent.stem))
            stored = self._stored()
            if "base" not in stored:
                self._store({**stored, "base": str(parent.resolve())})
            return version

    def keep(self, model: Model, path: Path) -> ModelVersion:
        """Write the best model of a round, in place of the round's earlier ones; its name becomes the file's.

        Raises
        ------
        OutputError
            If it cannot be written; then what was there still is.
        """
        from src_models.models.checkpoint import save  # torch, which listing versions does without

        header = dataclasses.replace(model.header, name=path.stem)
        save(dataclasses.replace(model, header=header), path, overwrite=True)
        return self._version(path, str(self._stored().get("notes", {}).get(path.stem, "")))

    def discard(self, path: Path) -> None:
        """Remove what a round wrote, since a person does not want it."""
        with locked(self.folder):
            path.unlink(missing_ok=True)
            stored = self._stored()
            if stored.get("active") == path.stem:
                self._store({**stored, "active": None})

    def note(self, name: str, text: str) -> None:
        """Keep a person's words on a version."""
        with locked(self.folder):
            stored = self._stored()
            self._store({**stored, "notes": {**stored.get("notes", {}), name: text}})

    def activate(self, name: str | None) -> None:
        """Use a version from now on; None goes back to the model that everything began with.

        Raises
        ------
        DataSetError
            If there is no such version.
        """
        if name is not None and not (self.folder / f"{name}{_SUFFIX}").is_file():
            raise DataSetError(f"{self.folder}: there is no version {name!r}")
        with locked(self.folder):
            self._store({**self._stored(), "active": name})

    def _version(self, path: Path, note: str) -> ModelVersion:
        status = path.stat()
        known = self._known.get(path)
        if known is None or known[0] != status.st_mtime_ns:
            header = read_header(path)
            known = (
                status.st_mtime_ns,
                ModelVersion(
                    name=path.stem,
                    path=path,
                    sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
                    parent_sha256=header.parent_sha256,
                    time=datetime.fromtimestamp(status.st_mtime, UTC).isoformat(timespec="seconds"),
                    dice_before=header.training.get("validation_dice_before"),
                    dice=header.training.get("validation_dice"),
                    note="",
                    iou_before=header.training.get("validation_iou_before"),
                    iou=header.training.get("validation_iou"),
                    accuracy_before=header.training.get("validation_accuracy_before"),
                    accuracy=header.training.get("validation_accuracy"),
                ),
            )
            self._known[path] = known
        return dataclasses.replace(known[1], note=note)

    def _stored(self) -> dict[str, Any]:
        path = self.folder / "versions.json"
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise DataSetError(f"{path}: it cannot be read ({error}); delete it, and write the notes again") from error
        return stored if isinstance(stored, dict) else {}

    def _store(self, content: dict[str, Any]) -> None:
        with atomic_path(self.folder / "versions.json", overwrite=True) as beside:
            beside.write_text(json.dumps(content, indent=1, sort_keys=True), encoding="utf-8")
