"""Images that clients added to the store, kept under names of the server's own, with what they are called beside them.

An id may stand for several images, since people call theirs alike. Who asks means the one that they sent themselves;
who sent none means the one that was sent last.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock
from typing import IO

from napari_medt.serving.answers import Refusal
from napari_medt.serving.store.ids import Asker, key_of
from napari_medt.serving.store.incoming import check_content, keep, suffix_of
from src_models.disk.atomic import atomic_path, remove_stale

__all__ = ["Upload", "Uploads"]

_ABOUT = "about.json"
_NO_ROOM = (
    "the server holds {have:,.1f} GB of images that clients sent, and takes no more than {most:,.1f}: ask who runs it "
    "to make room"
)


@dataclass(frozen=True, slots=True)
class Upload:
    """An image that a client sent.

    Parameters
    ----------
    id
        What the client calls it.
    file
        Name of its file in the folder `key`.
    sha256
        Of the file.
    size
        Its bytes.
    owner, machine
        Who sent it (:class:`~napari_medt.serving.store.ids.Asker`), as keys.
    time
        When, in seconds since 1970.
    given_to
        Machines, as keys, that were given a right-handed copy of it, and count voxels on that.
    """

    id: str
    file: str
    sha256: str
    size: int
    owner: str
    machine: str
    time: float
    given_to: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Name of its folder."""
        return key_of(self.id, self.sha256, self.owner)


class Uploads:
    """The images, on disk and by id.

    Parameters
    ----------
    folder
        Where they are kept.
    most
        Bytes of all of them.
    has_labels
        Whether somebody made labels of an image: then it stays where another one takes its name.
    """

    def __init__(self, folder: Path, most: int, has_labels: Callable[[Upload], bool]) -> None:
        self._folder, self._most, self._has_labels = folder, most, has_labels
        self._lock = Lock()
        self._known: dict[str, list[Upload]] = {}
        for upload in sorted(self._stored(), key=lambda one: one.time):
            self._known.setdefault(upload.id, []).append(upload)

    @property
    def ids(self) -> list[str]:
        """What the images are called; the disk is not touched."""
        return list(self._known)

    @property
    def held_bytes(self) -> int:
        """Bytes of all images."""
        return sum(one.size for uploads in list(self._known.values()) for one in list(uploads))

    def path(self, upload: Upload) -> Path:
        """Return an image's file."""
        return self._folder / upload.key / upload.file

    def find(self, name: str, asker: Asker) -> Upload | None:
        """Return the image of that name that somebody sent; else one from their machine; else None."""
        uploads = list(self._known.get(name, ()))
        own = [one for one in uploads if one.owner == asker.key]
        near = own or [one for one in uploads if one.machine == asker.machine_key]
        return near[-1] if near else None

    def versions(self, name: str) -> list[Upload]:
        """Return all images of one name, that which was sent last at the end."""
        return list(self._known.get(name, ()))

    def add(self, name: str, asker: Asker, file: IO[bytes]) -> Upload:
        """Keep an image that was sent, in place of what the same client sent under that name before.

        Raises
        ------
        Refusal
            If it is none, or the store holds as much as it may (507).
        OutputError
            If the disk is full.
        """
        suffix = suffix_of(file)
        size = file.seek(0, 2)
        self.check_room(size)
        incoming = self._folder / f".{key_of(name, asker.key, str(time.time_ns()))}.part{suffix}"
        try:
            sha256 = keep(file, incoming)
            check_content(incoming)
            upload = Upload(name, f"image{suffix}", sha256, size, asker.key, asker.machine_key, time.time())
            with self._lock:
                return self._place(upload, incoming)
        finally:
            incoming.unlink(missing_ok=True)

    def give(self, upload: Upload, asker: Asker) -> None:
        """Note that a machine has a right-handed copy of an image.

        Raises
        ------
        OutputError
            If that cannot be written down; then it is not to be given the copy.
        """
        with self._lock:
            uploads = self._known.get(upload.id, [])
            known = next((one for one in uploads if one.key == upload.key), None)
            if known is not None and asker.machine_key not in known.given_to:
                given = replace(known, given_to=(*known.given_to, asker.machine_key))
                self._tell(given)
                uploads[uploads.index(known)] = given

    def remove(self, upload: Upload) -> None:
        """Remove an image; labels of it stay."""
        with self._lock:
            self._forget(upload)

    def check_room(self, size: int) -> None:
        """Refuse (507) what does not fit into the store besides what is there."""
        have = self.held_bytes
        if have + size > self._most:
            raise Refusal(507, _NO_ROOM.format(have=have / 2**30, most=self._most / 2**30))

    def _place(self, upload: Upload, incoming: Path) -> Upload:
        before = [one for one in self._known.get(upload.id, []) if one.owner == upload.owner]
        same = next((one for one in before if one.key == upload.key), None)
        if same is not None:  # others who were given a copy have it still
            upload = replace(upload, given_to=tuple(one for one in same.given_to if one != upload.machine))
        self.path(upload).parent.mkdir(parents=True, exist_ok=True)
        incoming.replace(self.path(upload))
        self._tell(upload)
        for old in before:
            if old.key == upload.key:
                self._known[upload.id].remove(old)
            elif not self._has_labels(old):
                self._forget(old)
        self._known.setdefault(upload.id, []).append(upload)
        return upload

    def _tell(self, upload: Upload) -> None:
        with atomic_path(self._folder / upload.key / _ABOUT, overwrite=True) as beside:
            beside.write_text(json.dumps(asdict(upload)), "utf-8")

    def _forget(self, upload: Upload) -> None:
        uploads = self._known.get(upload.id, [])
        known = next((one for one in uploads if one.key == upload.key), None)
        if known is not None:
            uploads.remove(known)
            if not uploads:
                del self._known[upload.id]
            shutil.rmtree(self._folder / upload.key, ignore_errors=True)

    def _stored(self) -> Iterator[Upload]:
        self._folder.mkdir(parents=True, exist_ok=True)
        remove_stale(self._folder)
        for about in self._folder.glob(f"*/{_ABOUT}"):
            try:
                told = json.loads(about.read_text("utf-8"))
                upload = Upload(**{**told, "given_to": tuple(told.get("given_to", ()))})
            except (OSError, ValueError, TypeError, AttributeError):
                continue
            if upload.key == about.parent.name and self.path(upload).is_file():
                yield upload
