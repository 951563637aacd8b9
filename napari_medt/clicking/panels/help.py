"""What keys and mouse do while clicking, as a table."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel

__all__ = ["help_table"]

_ROWS = (
    ("Left click", "on the object: more of it is found; on an accepted one: it is open again"),
    ("Shift + click, right click", "beside the object: less is found"),
    ("Drag", "a box around the object"),
    ("Ctrl + drag", "a scribble over the object (with Shift: beside it)"),
    ("Space + drag, wheel", "move and zoom the view, as ever in napari"),
    ("A", "accept the object"),
    ("M", "mend the object of a Labels layer under the pointer, such as what Segment found"),
    ("Z, Shift + Z", "undo, redo"),
    ("R", "reset: drop the object"),
    ("+, -", "the next larger or smaller object around the same clicks"),
    ("X", "flip: left clicks take away, until pressed again"),
    ("N", "next: suggest similar objects, or skip the one that is suggested"),
    ("Shift + A", "accept all suggestions"),
    ("P", "propagate: carry the object to the other slices"),
    ("E", "ends here: this slice is the last one that holds the object"),
    ("V", "view the attention of the last answer, or hide it"),
    ("B", "drags draw scribbles, until pressed again"),
)


def help_table() -> QLabel:
    """Return the table."""
    rows = "".join(f'<tr><td style="padding-right:10px"><b>{keys}</b></td><td>{does}</td></tr>' for keys, does in _ROWS)
    label = QLabel(f"<table>{rows}</table>")
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setWordWrap(True)
    label.setMinimumWidth(1)  # its rows break where the dock is narrow
    label.setToolTip("These keys work whichever layer is chosen, while clicking is switched on.")
    return label
