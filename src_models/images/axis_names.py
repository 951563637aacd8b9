"""Which axis is meant by a name that a file, a program or a person gave it.

Examples
--------
>>> [axis_letter(name) for name in ("time", "Channel", "y", "stage position")]
['T', 'C', 'Y', None]
"""

from __future__ import annotations

__all__ = ["axis_letter"]

_LETTERS = {
    "t": "T", "time": "T", "frame": "T", "frames": "T",
    "z": "Z", "depth": "Z", "plane": "Z", "slice": "Z",
    "c": "C", "channel": "C", "channels": "C",
    "y": "Y", "row": "Y", "height": "Y",
    "x": "X", "column": "X", "width": "X",
}  # fmt: skip


def axis_letter(name: str) -> str | None:
    """Return the letter (T, Z, C, Y or X) of an axis with this name; None for other names."""
    return _LETTERS.get(name.strip().lower())
