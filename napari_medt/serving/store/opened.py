"""The images that were asked about last stay in memory, as long as their files do not change."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Generic, TypeVar

__all__ = ["Kept", "file_version"]

T = TypeVar("T")
_COUNT = 4


class Kept(Generic[T]):
    """The last things that were made, by key; for several threads.

    Parameters
    ----------
    count
        How many.

    Examples
    --------
    >>> kept = Kept[str](2)
    >>> [kept.get(letter, lambda: print("made", letter) or letter) for letter in "aab"]
    made a
    made b
    ['a', 'a', 'b']
    """

    def __init__(self, count: int = _COUNT) -> None:
        self._count = count
        self._lock = Lock()
        self._things: OrderedDict[object, T] = OrderedDict()

    def get(self, key: object, make: Callable[[], T]) -> T:
        """Return what a key stands for, made if it is not there; what was asked for longest ago goes."""
        with self._lock:
            if key in self._things:
                self._things.move_to_end(key)
                return self._things[key]
        made = make()
        with self._lock:
            self._things[key] = made
            self._things.move_to_end(key)
            while len(self._things) > self._count:
                self._things.popitem(last=False)
        return made

    def forget(self, unless: Callable[[object], bool]) -> None:
        """Drop what is not to be kept."""
        with self._lock:
            for key in [key for key in self._things if not unless(key)]:
                del self._things[key]


def file_version(path: Path) -> tuple[int, int]:
    """Return what changes when a file is written again; zeros where there is none."""
    try:
        told = path.stat()
    except OSError:
        return (0, 0)
    return (told.st_mtime_ns, told.st_size)
