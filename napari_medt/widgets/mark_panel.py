"""The controls with which a person says what is corrected."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

__all__ = ["MarkPanel"]


class MarkPanel(QWidget):
    """Brushes, and buttons that mark a slice, a region, or what was painted.

    Parameters
    ----------
    parent
        Parent widget.
    """

    object_brush = Signal()  #: paint a new object
    background_brush = Signal()  #: paint background
    slice_marked = Signal()  #: all of the slice in view is right now
    painted_marked = Signal()  #: only what was painted counts
    region_wanted = Signal(bool)  #: a drag that follows shows a region, or does not any more

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hint = QLabel()
        self.changed = QLabel()
        self.brush = QPushButton("New object brush")
        self.background = QPushButton("Background brush (Shift+B)")
        self.mark_slice = QPushButton("Mark this slice as corrected")
        self.mark_region = QPushButton("Mark a region...")
        self.mark_painted = QPushButton("Mark only what I painted")
        self._build()
        self._explain()
        self.brush.clicked.connect(self.object_brush)
        self.background.clicked.connect(self.background_brush)
        self.mark_slice.clicked.connect(self.slice_marked)
        self.mark_painted.clicked.connect(self.painted_marked)
        self.mark_region.toggled.connect(self._on_region)
        self.set_ready(False, "")

    def set_ready(self, ready: bool, hint: str, *, slices: bool = True) -> None:
        """Offer what can be done.

        Parameters
        ----------
        ready
            Whether there are labels to mark.
        hint
            How to mend them, or what is missing.
        slices
            Whether the image has more than one slice.
        """
        self.mark_slice.setText(f"Mark this {'slice' if slices else 'image'} as corrected")
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))
        for button in (self.brush, self.background, self.mark_slice, self.mark_region, self.mark_painted):
            button.setEnabled(ready)
        if not ready:
            self.mark_region.setChecked(False)
            self.set_changed(None)

    def set_changed(self, pixels: int | None) -> None:
        """Say how much differs from what was found in view; None where there is nothing to compare."""
        self.changed.setVisible(pixels is not None)
        if pixels is not None:
            self.changed.setText(
                f"Outlined in yellow: {pixels:,} px that differ from what was found."
                if pixels
                else "Nothing in view differs from what was found yet."
            )

    def _on_region(self, wanted: bool) -> None:
        self.mark_region.setText("Drag a box over the region..." if wanted else "Mark a region...")
        self.region_wanted.emit(wanted)

    def _build(self) -> None:
        self.mark_region.setCheckable(True)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.brush, 0, 0)
        grid.addWidget(self.background, 0, 1)
        grid.addWidget(self.mark_slice, 1, 0, 1, 2)
        grid.addWidget(self.mark_region, 2, 0)
        grid.addWidget(self.mark_painted, 2, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.hint)
        column.addLayout(grid)
        column.addWidget(self.changed)
        for label in (self.hint, self.changed):
            label.setWordWrap(True)

    def _explain(self) -> None:
        self.hint.setToolTip("How to mend what the network found.")
        self.changed.setToolTip("The network learns most from these pixels. Orange: background that you painted.")
        self.brush.setToolTip("Paint an object that was missed, with a number of its own (or a class, by its number).")
        self.background.setToolTip(
            "Paint where there is nothing: what is under the brush becomes background. napari's eraser does that too, "
            "but only where something was found; this brush also says that an empty place is rightly empty."
        )
        self.mark_slice.setToolTip(
            "All of the slice in view is right now: what you mended, and what you left as it was. The best choice when "
            "you have looked at the whole slice."
        )
        self.mark_region.setToolTip(
            "Only a box that you drag with the mouse is right now: the rest of the slice is not learnt from."
        )
        self.mark_painted.setToolTip(
            "Only pixels that you painted or erased count, also those of the background brush; all others are ignored. "
            "For a few strokes in a large image."
        )
