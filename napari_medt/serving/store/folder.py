"""The images of the folder that is served, found by walking it, and found again when it changes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from threading import Lock

from napari_medt.serving.store.ids import key_of
from src_models.errors import ImageError
from src_models.files.images import looks_like_image

__all__ = ["ImageFolder"]

_FRESH = 5.0  # s
_MOST, _DEEPEST = 20_000, 8
_LABELS = ("_labels", "_label", "_mask", "_masks")


class ImageFolder:
    """Images by id: their path below the folder.

    Parameters
    ----------
    folder
        None has no images.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = None if folder is None else folder.resolve()
        self._lock = Lock()
        self._found: dict[str, Path] = {}
        self._looked: float | None = None
        self._keys: frozenset[str] = frozenset()
        self._scans: dict[Path, tuple[int, list[Path]]] = {}

    @property
    def known(self) -> dict[str, Path]:
        """The images when they were last looked for; the disk is not touched."""
        return self._found

    @property
    def keys(self) -> frozenset[str]:
        """What stands on disk for those that are known (:func:`~napari_medt.serving.store.ids.key_of`)."""
        return self._keys

    def images(self) -> dict[str, Path]:
        """Return the images, looked for unless that was done a moment ago."""
        with self._lock:
            old = self._looked is None or time.monotonic() - self._looked > _FRESH
            if self._folder is not None and old:
                paths = islice(self._walk(self._folder), _MOST)
                self._found = {path.relative_to(self._folder).as_posix(): path for path in paths}
                self._keys = frozenset(map(key_of, self._found))
                self._looked = time.monotonic()
            return self._found

    def find(self, name: str) -> Path | None:
        """Return the image of an id; what was found by walking is looked up, and nothing else."""
        return self._found.get(name) or self.images().get(name)

    def _walk(self, folder: Path) -> Iterator[Path]:
        """Find images below a folder.

        Hidden files are passed over, among them the ``._`` files that macOS leaves beside each file on foreign disks.
        """
        for name, inside, files in os.walk(folder):
            place = Path(name)
            deep = len(place.relative_to(folder).parts) >= _DEEPEST
            inside[:] = [] if deep else sorted(sub for sub in inside if not sub.startswith("."))
            zarrs = [sub for sub in inside if sub.lower().endswith(".zarr")]
            inside[:] = [sub for sub in inside if sub not in zarrs]
            slices, others = _sorted_out(place, [*zarrs, *sorted(files)])
            if slices:
                yield from self._series(place, folder)
            yield from others

    def _series(self, place: Path, top: Path) -> list[Path]:
        """Return one path for each scan whose slices lie in a folder: the folder, or a slice of each."""
        changed = place.stat().st_mtime_ns
        if self._scans.get(place, (None,))[0] != changed:
            self._scans[place] = (changed, _scans(place, top))
        return self._scans[place][1]


def _sorted_out(place: Path, names: list[str]) -> tuple[bool, list[Path]]:
    """Return whether there are slices of scans in a folder, and the images that are one file each."""
    from src_models.files.volumes.dicom.encoding import is_dicom

    slices, others = False, []
    for path in (place / name for name in names if not name.startswith(".") and not _is_labels(name)):
        if not looks_like_image(path) or path.name.upper() == "DICOMDIR":
            continue
        if path.is_file() and is_dicom(path):
            slices = True
        else:
            others.append(path)
    return slices, others


def _scans(place: Path, top: Path) -> list[Path]:
    from src_models.files.volumes.dicom.series import all_series

    try:
        series = all_series(place)
    except ImageError:  # said when it is opened
        return [place] if place != top else []
    if len(series) == 1 and place != top:
        return [place]
    return list(dict.fromkeys(min(one.path for one in each.slices) for each in series))


def _is_labels(name: str) -> bool:
    return name.partition(".")[0].lower().endswith(_LABELS) or ".seg." in name.lower()
