"""The controls with which a person says what is corrected."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

__all__ = ["MarkPanel"]

_MARK, _CLEAR, _DRAG = "Mark a region...", "Clear a region...", "Drag a box..."


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
    view_cleared = Signal()  #: take out all that is in view

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hint = QLabel()
        self.changed = QLabel()
        self.brush = QPushButton("New object brush")
        self.background = QPushButton("Background brush (Shift+B)")
        self.clear_region = QPushButton(_CLEAR)
        self.clear_view = QPushButton("Clear what is in view")
        self.mark_slice = QPushButton("Mark this slice as corrected")
        self.mark_region = QPushButton(_MARK)
        self.mark_painted = QPushButton("Mark only what I painted")
        self._build()
        self._explain()
        self.brush.clicked.connect(self.object_brush)
        self.background.clicked.connect(self.background_brush)
        self.mark_slice.clicked.connect(self.slice_marked)
        self.mark_painted.clicked.connect(self.painted_marked)
        self.clear_view.clicked.connect(self.view_cleared)
        for button, asks in ((self.mark_region, _MARK), (self.clear_region, _CLEAR)):
            button.toggled.connect(lambda down, button=button, asks=asks: button.setText(_DRAG if down else asks))
        self.set_ready(False, "")

    def set_ready(self, ready: bool, hint: str, *, slices: bool = False) -> None:
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
        for button in self.findChildren(QPushButton):
            button.setEnabled(ready)
        if not ready:
            self.mark_region.setChecked(False)
            self.clear_region.setChecked(False)
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

    def _build(self) -> None:
        self.mark_region.setCheckable(True)
        self.clear_region.setCheckable(True)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self.brush, 0, 0)
        grid.addWidget(self.background, 0, 1)
        grid.addWidget(self.clear_region, 1, 0)
        grid.addWidget(self.clear_view, 1, 1)
        grid.addWidget(self.mark_slice, 2, 0, 1, 2)
        grid.addWidget(self.mark_region, 3, 0)
        grid.addWidget(self.mark_painted, 3, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.hint)
        column.addLayout(grid)
        column.addWidget(self.changed)
        for label in (self.hint, self.changed):
            label.setWordWrap(True)

    def _explain(self) -> None:
        self.hint.setToolTip("How to mend what the network found.")
        self.changed.setToolTip("The network learns most from these pixels. Grey: background that you painted.")
        self.brush.setToolTip("Paint an object that was missed, with a number of its own (or a class, by its number).")
        self.background.setToolTip(
            "Paint, in grey, where there is nothing: what is under the brush becomes background. napari's eraser does "
            "that too, but only where something was found; this brush also says that an empty place is rightly empty."
        )
        self.clear_region.setToolTip(
            "Take out all objects that lie in a box, which you drag with the mouse. One that only reaches into it "
            "stays. Ctrl+Z brings them back."
        )
        self.clear_view.setToolTip(
            "Take out all objects in the part of the image that you see now. Ctrl+Z brings them back."
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
