"""What is said of how things stand while a person clicks, and until when: the words of the Click widget, without Qt.

>>> status = ClickStatus()
>>> status.switched(False, "A brush is active.")
>>> status.switched(True)
>>> status.words
'Click on an object.'
>>> status.say("12 px.")
>>> status.switched(True)
>>> status.words
'12 px.'
"""

from __future__ import annotations

from enum import Enum, auto

__all__ = ["BEGIN", "ClickStatus"]

BEGIN = "Click on an object."
_NO_IMAGE = "Open an image to begin (File > Open File(s)...)."


class _Said(Enum):
    """Why the present words were said."""

    OTHER = auto()
    OFF = auto()
    NO_IMAGE = auto()


class ClickStatus:
    """The words that hold: why clicks do not count goes when they do again, and nothing else goes with it."""

    def __init__(self) -> None:
        self.words = BEGIN
        self._said = _Said.OTHER

    def say(self, words: str) -> None:
        """Say how things stand."""
        self._set(words, _Said.OTHER)

    def switched(self, on: bool, why_not: str = "") -> None:
        """Say why clicks do not count, or that they do again."""
        if not on:
            self._set(why_not, _Said.OFF)
        elif self._said is _Said.OFF:
            self.say(BEGIN)

    def ready(self, ready: bool) -> None:
        """Say that there is nothing to click in, or that there is again."""
        if not ready:
            self._set(_NO_IMAGE, _Said.NO_IMAGE)
        elif self._said is _Said.NO_IMAGE:
            self.say(BEGIN)

    def _set(self, words: str, said: _Said) -> None:
        self.words, self._said = words, said
