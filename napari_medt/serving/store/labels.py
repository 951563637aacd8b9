"""Labels of images: of a person (tag ``final``), of a model (``original``), and whatever else a client calls them.

Labels are kept for ever: what is sent again, or taken away, stays on disk beside what counts.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import IO, Any

from napari_medt.serving.store.ids import key_of
from napari_medt.serving.store.incoming import keep
from src_models.disk.atomic import atomic_path, remove_stale

__all__ = ["FINAL", "ORIGINAL", "LabelFiles", "StoredLabels"]

FINAL, ORIGINAL = "final", "original"
_ABOUT = ".json"


@dataclass(frozen=True, slots=True)
class StoredLabels:
    """Labels of an image.

    Parameters
    ----------
    image
        Key of the image.
    image_id
        What clients call it.
    tag
        Whose they are.
    file
        Name of the file.
    time
        When they came (s since 1970).
    info
        What the client said of them.
    taken_away
        Whether a client asked for them to be deleted.
    """

    image: str
    image_id: str
    tag: str
    file: str
    time: float
    info: Mapping[str, Any]
    taken_away: bool = False


class LabelFiles:
    """All labels, by image and tag; the newest of each counts.

    Parameters
    ----------
    folder
        Where they are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        self._known: dict[tuple[str, str], StoredLabels] = {}
        for labels in sorted(self._stored(), key=lambda one: one.time):
            self._known[labels.image, labels.tag] = labels
        self._known = {key: labels for key, labels in self._known.items() if not labels.taken_away}

    def of(self, image: str) -> dict[str, StoredLabels]:
        """Return the labels of an image by tag; the disk is not touched."""
        return {labels.tag: labels for labels in list(self._known.values()) if labels.image == image}

    def tags(self) -> Counter[str]:
        """Return how many images have labels of each tag; the disk is not touched."""
        return Counter(labels.tag for labels in list(self._known.values()))

    def images(self, tag: str = FINAL) -> set[str]:
        """Return the keys of images that have labels of a tag; the disk is not touched."""
        return {labels.image for labels in list(self._known.values()) if labels.tag == tag}

    def path(self, labels: StoredLabels) -> Path:
        """Return the file of labels."""
        return self._folder / labels.image / labels.file

    def add(
        self, image: str, image_id: str, tag: str, file: IO[bytes], suffix: str, info: Mapping[str, Any]
    ) -> StoredLabels:
        """Keep labels, which count from then on.

        Parameters
        ----------
        image, image_id
            Key of the image, and what clients call it.
        tag
            Whose they are.
        file, suffix
            What was sent, and what its content is.
        info
            What the client said of them, as JSON has it.

        Raises
        ------
        OutputError
            If the disk is full; the labels before count then.
        """
        now = time.time()
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
        name = f"{stamp}-{key_of(tag)[:8]}-{secrets.token_hex(3)}{suffix}"
        labels = StoredLabels(image, image_id, tag, name, now, dict(info))
        path = self.path(labels)
        keep(file, path)
        try:
            self._tell(labels)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        with self._lock:
            self._known[image, tag] = labels
        return labels

    def change_info(self, labels: StoredLabels, info: Mapping[str, Any]) -> StoredLabels:
        """Say something else of labels."""
        changed = StoredLabels(labels.image, labels.image_id, labels.tag, labels.file, labels.time, dict(info))
        self._tell(changed)
        with self._lock:
            self._known[labels.image, labels.tag] = changed
        return changed

    def take_away(self, labels: StoredLabels) -> None:
        """Let labels count no more; their file stays."""
        self._tell(StoredLabels(labels.image, labels.image_id, labels.tag, labels.file, labels.time, labels.info, True))
        with self._lock:
            self._known.pop((labels.image, labels.tag), None)

    def _tell(self, labels: StoredLabels) -> None:
        about = self.path(labels)
        about = about.with_name(about.name + _ABOUT)
        told = {name: getattr(labels, name) for name in StoredLabels.__dataclass_fields__}
        with atomic_path(about, overwrite=True) as beside:
            beside.write_text(json.dumps(told), "utf-8")

    def _stored(self) -> Iterator[StoredLabels]:
        self._folder.mkdir(parents=True, exist_ok=True)
        for folder in map(Path, os.scandir(self._folder)):
            remove_stale(folder)
            for about in folder.glob(f"[0-9]*{_ABOUT}"):
                try:
                    labels = StoredLabels(**json.loads(about.read_text("utf-8")))
                except (OSError, ValueError, TypeError):
                    continue
                if (labels.image, f"{labels.file}{_ABOUT}") == (folder.name, about.name) and self.path(
                    labels
                ).is_file():
                    yield labels
