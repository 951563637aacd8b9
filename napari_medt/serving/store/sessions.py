"""Images that clients lend for a while: a session holds one, and it goes when nobody has asked about it for long."""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import IO

from napari_medt.serving.answers import Refusal
from napari_medt.serving.settings import Limits
from napari_medt.serving.store.incoming import check_content, keep, suffix_of

__all__ = ["Session", "Sessions"]

_SHORTEST = 60.0  # s


@dataclass(slots=True)
class Session:
    """An image that is lent.

    Parameters
    ----------
    id
        Made up by the server; nobody guesses it.
    path
        The file.
    size
        Its bytes.
    begun, used
        When it came, and when it was last asked about (s since 1970).
    lasts
        How long it stays when nobody asks (s).
    """

    id: str
    path: Path
    size: int
    begun: float
    used: float
    lasts: float

    def told(self) -> dict[str, object]:
        """Return what clients are told of it, which is nothing of the server's disk."""
        return {
            "name": self.id,
            "path": "",
            "image": self.path.name,
            "meta": {},
            "create_ts": int(self.begun),
            "last_access_ts": int(self.used),
            "expiry": int(self.lasts),
        }


class Sessions:
    """All that is lent; those of an earlier run of the server have gone.

    Parameters
    ----------
    folder
        Where files are.
    limits
        How many there may be, and for how long.
    check_room
        Refuses a number of bytes that does not fit.
    """

    def __init__(self, folder: Path, limits: Limits, check_room: Callable[[int], None]) -> None:
        self._folder, self._limits, self._check_room = folder, limits, check_room
        self._lock = Lock()
        self._known: dict[str, Session] = {}
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def held_bytes(self) -> int:
        """Bytes of all that is lent."""
        return sum(session.size for session in list(self._known.values()))

    def begin(self, file: IO[bytes], lasts: float | None = None) -> Session:
        """Keep an image for a while.

        Parameters
        ----------
        file
            What was sent.
        lasts
            How long (s) it is to stay when nobody asks about it; at most what the server's limit is.

        Raises
        ------
        Refusal
            If it is no image, there are as many sessions as there may be (503), or no room (507).
        OutputError
            If the disk is full.
        """
        self.drop_old()
        if len(self._known) >= self._limits.sessions:
            raise Refusal(
                503,
                f"the server holds {len(self._known)} volumes for a while already, and takes no more: try again later, "
                "or add this one to its store (Auto Segmentation and Submit Label do)",
            )
        suffix, size = suffix_of(file), file.seek(0, 2)
        self._check_room(size)
        name, now = secrets.token_hex(16), time.time()
        longest = self._limits.idle_seconds
        path = self._folder / name / f"image{suffix}"
        session = Session(name, path, size, now, now, longest if not lasts else min(max(lasts, _SHORTEST), longest))
        try:
            keep(file, path)
            check_content(path)
        except BaseException:
            shutil.rmtree(path.parent, ignore_errors=True)
            raise
        with self._lock:
            self._known[name] = session
        return session

    def find(self, name: str, *, used: bool = True) -> Session | None:
        """Return a session, which is then as good as new if it is `used`; None if it is unknown or has ended."""
        self.drop_old()
        session = self._known.get(name)
        if session is not None and used:
            session.used = time.time()
        return session

    def end(self, name: str) -> Session | None:
        """Give an image up; None if there is none of that name."""
        with self._lock:
            session = self._known.pop(name, None)
        if session is not None:
            shutil.rmtree(session.path.parent, ignore_errors=True)
        return session

    def drop_old(self) -> None:
        """Give up all that nobody has asked about for as long as it lasts."""
        now = time.time()
        for session in [one for one in list(self._known.values()) if now - one.used > one.lasts]:
            self.end(session.id)
