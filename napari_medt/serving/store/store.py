"""All that is kept on disk: images of the folder, images that clients sent, and labels that people made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import IO

from napari_medt.serving.answers import Refusal
from napari_medt.serving.settings import ServeSettings
from napari_medt.serving.store.folder import ImageFolder
from napari_medt.serving.store.ids import Asker, key_of
from napari_medt.serving.store.labels import FINAL, LabelFiles
from napari_medt.serving.store.opened import Kept, file_version
from napari_medt.serving.store.served_image import ServedImage, open_image, right_handed
from napari_medt.serving.store.sessions import Sessions
from napari_medt.serving.store.uploads import Upload, Uploads
from src_models.disk.atomic import check_writable
from src_models.errors import ImageError

__all__ = ["Counts", "Store", "StoredImage"]

_VOLUMES = (".nrrd", ".gz", ".nii")
_LARGE = 2**30  # bytes; of such images one is in memory


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image of the store.

    Parameters
    ----------
    id
        What clients call it.
    key
        What stands for it on disk; labels belong to this.
    path
        The file, or the folder of a scan.
    upload
        What is known of it if a client sent it to stay.
    of_client
        Whether who asks has it on the file's own grid: a client sent it, to stay or for a while.
    """

    id: str
    key: str
    path: Path
    upload: Upload | None = None
    of_client: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """How many images there are, and how many of them a person has finished."""

    total: int
    completed: int
    tags: dict[str, int]


class Store:
    """Images of the folder, images that clients sent, and labels of both.

    All but :attr:`counts` may touch the disk: it is called from other threads than that which takes requests.

    Parameters
    ----------
    settings
        Folder, store and limits.

    Raises
    ------
    UserError
        If the folder is none, or the store cannot be written to.
    """

    def __init__(self, settings: ServeSettings) -> None:
        if settings.folder is not None and not settings.folder.is_dir():
            raise ImageError(f"{settings.folder}: there is no such folder of images; check the name")
        check_writable(settings.store)
        self.settings = settings
        self.labels = LabelFiles(settings.store / "labels")
        self.folder = ImageFolder(settings.folder)
        self.uploads = Uploads(settings.store / "images", settings.limits.disk_bytes, self._has_labels)
        self.sessions = Sessions(settings.store / "sessions", settings.limits, self._check_room)
        self._copies = settings.store / "copies"
        self._copying = Lock()  # one at a time: they may be large
        self._opened: Kept[ServedImage] = Kept()
        self.folder.images()

    @property
    def counts(self) -> Counts:
        """What stands in the summary of the data set; the disk is not touched."""
        sent = map(self.uploads.versions, self.uploads.ids)
        keys = self.folder.keys | {_label_key(versions[-1]) for versions in sent if versions}
        return Counts(len(keys), len(keys & self.labels.images(FINAL)), dict(self.labels.tags()))

    def images(self) -> list[StoredImage]:
        """Return all images but those of sessions, in order: of the folder, then what clients sent."""
        found = [StoredImage(name, key_of(name), path) for name, path in self.folder.images().items()]
        there = {image.id for image in found}
        sent = [self.uploads.versions(name) for name in self.uploads.ids if name not in there]
        return [*found, *(self._uploaded(versions[-1]) for versions in sent if versions)]

    def find(self, name: str, asker: Asker, session: str | None = None) -> StoredImage:
        """Return the image that somebody means.

        Parameters
        ----------
        name
            What they call it.
        asker
            Who asks.
        session
            Of an image that was lent; it goes before the name.

        Raises
        ------
        Refusal
            If there is none (404).
        """
        if session:
            lent = self.sessions.find(session)
            if lent is None:
                raise Refusal(
                    404, "the server has given this volume up, since nobody asked about it for long: send it again"
                )
            return StoredImage(name or "the volume", key_of("session", lent.id), lent.path, None, True)
        upload = self.uploads.find(name, asker)
        if upload is not None:
            return self._uploaded(upload, asker)
        path = self.folder.find(name)
        if path is not None:
            return StoredImage(name, key_of(name), path)
        if others := self.uploads.versions(name):
            return self._uploaded(others[-1], asker)
        raise Refusal(404, f"the server has no image {_short(name)!r}: send it again, or refresh the list of images")

    def add(self, name: str, asker: Asker, file: IO[bytes]) -> StoredImage:
        """Keep an image that was sent.

        Raises
        ------
        Refusal
            If it is none (400), or there is no room (507).
        ImageError
            If it is damaged; then it is not kept.
        OutputError
            If the disk is full.
        """
        self._check_room(file.seek(0, 2))
        upload = self.uploads.add(name, asker, file)
        image = self._uploaded(upload)
        try:
            self.open(image)
        except BaseException:
            self.uploads.remove(upload)
            raise
        return image

    def open(self, image: StoredImage) -> ServedImage:
        """Return the values of an image; the last few stay in memory.

        Raises
        ------
        Refusal
            If it is gone (404).
        ImageError
            If it cannot be read as one volume.
        """
        key = (image.path, file_version(image.path), image.of_client)
        opened = self._opened.get(key, lambda: open_image(image.path, _short(image.id), of_client=image.of_client))
        if opened.size > _LARGE:
            self._opened.forget(unless=lambda other: other == key)
        return opened

    def handed_out(self, image: StoredImage) -> Path:
        """Return the file that is given to clients: what they sent if it is right-handed, else a copy that is (NRRD).

        Whoever gets it counts voxels on that; :meth:`give` is to be called.

        Raises
        ------
        Refusal
            If the image is gone (404).
        ImageError
            If it cannot be read as one volume.
        OutputError
            If the disk is full.
        """
        if image.upload is not None and image.path.suffix in _VOLUMES and self._is_right_handed(image):
            return image.path
        image = replace(image, of_client=False)
        version = "-".join(map(str, file_version(image.path)))
        copy = self._copies / f"{image.key}-{key_of(version)[:8]}.nrrd"
        with self._copying:
            if not copy.is_file():
                self._copy(image, copy)
        return copy

    def give(self, image: StoredImage, asker: Asker) -> Path:
        """Return the file that is given to a client, which counts voxels on its grid from then on; as above."""
        path = self.handed_out(image)
        if image.upload is not None and path != image.path:
            self.uploads.give(image.upload, asker)
        return path

    def remove(self, image: StoredImage) -> None:
        """Remove an image that a client sent.

        Raises
        ------
        Refusal
            If it is one of the folder, which the server only reads (403).
        """
        if image.upload is None:
            raise Refusal(403, "images of the server's own folder are not deleted by clients")
        self.uploads.remove(image.upload)

    def _copy(self, image: StoredImage, copy: Path) -> None:
        from src_models.files.volumes.nrrd_labels import write_nrrd

        opened = self.open(image)
        for old in self._copies.glob(f"{image.key}-*.nrrd"):
            old.unlink(missing_ok=True)
        write_nrrd(copy, opened.grey(), opened.geometry, overwrite=True)

    def _is_right_handed(self, image: StoredImage) -> bool:
        sent = self.open(replace(image, of_client=True)).geometry
        return right_handed(sent) is sent

    def _uploaded(self, upload: Upload, asker: Asker | None = None) -> StoredImage:
        own = asker is None or asker.machine_key not in upload.given_to
        return StoredImage(upload.id, _label_key(upload), self.uploads.path(upload), upload, own)

    def _has_labels(self, upload: Upload) -> bool:
        return bool(self.labels.of(_label_key(upload)))

    def _check_room(self, size: int) -> None:
        self.sessions.drop_old()
        self.uploads.check_room(self.sessions.held_bytes + size)


def _label_key(upload: Upload) -> str:
    """Labels belong to what an image shows, whoever sent it."""
    return key_of(upload.id, upload.sha256)


def _short(name: str) -> str:
    """Return a name for a sentence."""
    return name if len(name) <= 80 else f"{name[:77]}..."
