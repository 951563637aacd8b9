"""File names that are made from other names, such as an image's, and are no longer than a file system takes.

Examples
--------
>>> fitting("cells", "_labels.tif")
'cells'
>>> long = fitting("x" * 300, "_labels.tif")
>>> len(long) + len("_labels.tif"), long[:-8].strip("x")
(255, '~')
"""

from __future__ import annotations

import hashlib
import os

__all__ = ["LONGEST", "fitting"]

LONGEST = 255  # bytes of a file's name, on nearly all file systems


def fitting(stem: str, ending: str = "") -> str:
    """Return a name that is short enough for a file, whatever its letters.

    Parameters
    ----------
    stem
        The name.
    ending
        What will follow it in the file's name.

    Returns
    -------
    str
        `stem`, or its beginning and a mark of eight letters that is another one for every name: two long names that
        begin alike stay apart, and the same name is always shortened alike.
    """
    content, room = os.fsencode(stem), LONGEST - len(os.fsencode(ending))
    if len(content) <= room:
        return stem
    mark = "~" + hashlib.sha256(content).hexdigest()[:8]
    beginning = content[: max(0, room - len(mark))].decode("utf-8", "ignore")  # no half of a letter at its end
    return beginning.rstrip(" .") + mark
