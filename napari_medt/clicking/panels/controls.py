"""The controls of the Click widget: what is seen of it. What they do is wired in the widget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import napari.viewer
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_medt.clicking.learning.panel import ClickLearnPanel
from napari_medt.clicking.panels.accept_panel import AcceptPanel
from napari_medt.clicking.panels.help import help_table
from napari_medt.clicking.panels.status import BEGIN, ClickStatus
from napari_medt.clicking.panels.window_panel import WindowPanel
from napari_medt.controls.layer_combo import ImageLayerCombo
from napari_medt.controls.model_combo import ModelCombo
from napari_medt.controls.reading.channel_combo import ChannelCombo
from napari_medt.controls.reading.grey_panel import GreyPanel
from napari_medt.controls.scrolling_column import ScrollingColumn, below, beside, section
from napari_medt.unsaved.recovery_bar import RecoveryBar
from src_models.clicking.in_work import ObjectAsSeen

__all__ = ["ClickControls"]

_BOX, _SCRIBBLE = "a box", "a scribble"


class ClickControls:
    """Puts the controls into a widget.

    Parameters
    ----------
    parent
        The widget.
    viewer
        The viewer that it works in.
    """

    def __init__(self, parent: QWidget, viewer: napari.viewer.Viewer) -> None:
        self.images = ImageLayerCombo(viewer)
        self.models = ModelCombo("click", use="click")
        self.window = WindowPanel()
        self.recovery = RecoveryBar()
        self.on = QPushButton("Click in the image")
        self.status = QLabel(BEGIN)
        self.busy = QProgressBar()
        self.accept = QPushButton("Accept (A)")
        self.undo = QPushButton("Undo (Z)")
        self.redo = QPushButton("Redo")
        self.reset = QPushButton("Reset (R)")
        self.larger = QPushButton("Larger (+)")
        self.smaller = QPushButton("Smaller (-)")
        self.flip = QCheckBox("Left clicks take away (X)")
        self.drag = QComboBox()
        self.accepting = AcceptPanel()
        self.carry = QPushButton("Carry to other slices (P)")
        self.stop = QPushButton("Stop")
        self.end_here = QPushButton("Ends here (E)")
        self.ends = QLabel()
        self.next = QPushButton("Suggest similar objects (N)")
        self.accept_all = QPushButton("Accept all (Shift+A)")
        self.suggestions = QLabel()
        self.attention = QCheckBox("Show it (V)")
        self.map_name = QComboBox()
        self.learning = ClickLearnPanel()
        self.mend = QPushButton("Mend the object clicked next (M)")
        self.save = QPushButton("Save objects and clicks...")
        self.grey = GreyPanel(self.images)
        self._window_label = QLabel("CT window")
        self._status = ClickStatus()
        self._build(parent)
        self._explain()
        self.set_busy(None)
        self.set_ct(False)
        self.set_object(None, BEGIN)
        self.set_suggestions(None)

    def draws_scribbles(self) -> bool:
        """Whether a drag draws a scribble rather than a box."""
        return self.drag.currentText() == _SCRIBBLE

    def toggle_drag(self) -> None:
        """Let drags draw the other kind."""
        self.drag.setCurrentText(_BOX if self.draws_scribbles() else _SCRIBBLE)

    def chosen_map(self, maps: Sequence[Any]) -> Any:
        """Return the chosen one of some attention maps, which are listed."""
        names = [found.name for found in maps]
        chosen = self.map_name.currentText()
        if names != [self.map_name.itemText(i) for i in range(self.map_name.count())]:
            self.map_name.clear()
            self.map_name.addItems(names)
            self.map_name.setCurrentText(chosen if chosen in names else names[0] if names else "")
        return next((found for found in maps if found.name == self.map_name.currentText()), None)

    def set_on(self, on: bool, why_not: str = "") -> None:
        """Show whether clicks count, and if they do not, why."""
        self.on.setText("Clicking is on: press to switch it off" if on else "Click in the image")
        self._status.switched(on, why_not)
        self.status.setText(self._status.words)

    def set_ready(self, ready: bool) -> None:
        """Show whether there is anything to click in."""
        self.on.setEnabled(ready)
        self._status.ready(ready)
        self.status.setText(self._status.words)

    def set_ct(self, is_ct: bool) -> None:
        """Offer windows for a CT."""
        self._window_label.setVisible(is_ct)
        self.window.setVisible(is_ct)

    def set_object(self, seen: ObjectAsSeen | None, words: str) -> None:
        """Offer what can be done with the object."""
        there = seen is not None and bool(seen.state.planes)
        self.accept.setEnabled(there)
        self.larger.setEnabled(there)
        self.smaller.setEnabled(there)
        self.end_here.setEnabled(seen is not None and len(seen.state.planes) > 1)
        self.reset.setEnabled(seen is not None and (there or seen.can_redo))
        self.undo.setEnabled(seen is not None and seen.can_undo)
        self.redo.setEnabled(seen is not None and seen.can_redo)
        if seen is None or not seen.state.ends:
            self.ends.setText("")
        self.set_status(words)

    def set_status(self, words: str) -> None:
        """Say how things stand."""
        self._status.say(words)
        self.status.setText(words)

    def set_busy(self, words: str | None) -> None:
        """Show that something takes long, or that it is over."""
        self.busy.setVisible(words is not None)
        self.stop.setEnabled(words is not None)
        if words is not None:
            self.set_status(words)

    def set_ends(self, state: Any) -> None:
        """Say where an object that was carried stops, and why."""
        planes = sorted(plane[-1] for plane in state.planes)
        if not planes or not state.ends:
            self.ends.setText("")
            return
        lines = [f"Found in slices {planes[0]} to {planes[-1]}. Click in any of them to mend it from there on."]
        for direction, where in ((-1, "Before"), (1, "After")):
            if direction in state.ends:
                end = state.ends[direction]
                lines.append(f"{where}: stops at slice {end.plane[-1]}, {end.why}.")
        self.ends.setText(" ".join(lines))

    def set_suggestions(self, left: int | None, words: str = "") -> None:
        """Say how many suggestions wait after the one that is shown; None, and other words, where none is shown."""
        self.accept_all.setEnabled(left is not None)
        if left is not None:
            waiting = {0: "This is the last one.", 1: "One more after this one."}
            words = (
                waiting.get(left, f"{left} more after this one.") + " A accepts it, N skips it, Shift+A accepts all."
            )
        self.suggestions.setText(words)

    def _build(self, parent: QWidget) -> None:
        content = QWidget()
        column = QVBoxLayout(content)
        column.addWidget(self.recovery)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Image", self.images)
        self.channels = ChannelCombo(self.images, self.models, form)
        form.addRow("Model", self.models)
        form.addRow(self._window_label, self.window)
        column.addLayout(form)
        self.on.setCheckable(True)
        self.mend.setCheckable(True)
        column.addWidget(self.on)
        column.addWidget(self.status)
        column.addWidget(self.busy)
        column.addLayout(self._buttons())
        column.addWidget(self.flip)
        drag = QHBoxLayout()
        drag.addWidget(QLabel("A drag draws (B)"))
        drag.addWidget(self.drag, 1)
        column.addLayout(drag)
        for title, widget, opened in (
            ("Accepted objects", below(self.accepting, self.mend, self.save), True),
            ("Through the slices", below(beside(self.carry, self.stop), self.end_here, self.ends), True),
            ("Similar objects", below(self.next, self.accept_all, self.suggestions), True),
            ("Learning", self.learning, True),
            ("Attention of the last answer", beside(self.attention, self.map_name), True),
            ("Grey values", self.grey, False),
            ("Keys and mouse", help_table(), False),
        ):
            column.addWidget(section(title, widget, opened=opened))
        column.addStretch()
        for label in (self.status, self.ends, self.suggestions):
            label.setWordWrap(True)
        self.busy.setRange(0, 0)
        self.drag.addItems([_BOX, _SCRIBBLE])
        self.map_name.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.map_name.setMinimumContentsLength(8)
        whole = QVBoxLayout(parent)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(ScrollingColumn(content))

    def _buttons(self) -> QGridLayout:
        grid = QGridLayout()
        grid.addWidget(self.accept, 0, 0, 1, 2)
        grid.addWidget(self.reset, 0, 2)
        grid.addWidget(self.undo, 1, 0, 1, 2)
        grid.addWidget(self.redo, 1, 2)
        grid.addWidget(beside(self.larger, self.smaller), 2, 0, 1, 3)
        return grid

    def _explain(self) -> None:
        self.images.setToolTip("The image that is clicked in. Selecting another one in the layer list chooses it.")
        self.on.setToolTip(
            "While this is on, clicks in the viewer segment. Hold Space to move the view; the wheel zooms. "
            "Shift + click (or right click) takes away what is too much."
        )
        self.status.setToolTip("What was found, and what to do next.")
        self.busy.setToolTip("The network is at work; you can go on meanwhile.")
        self.accept.setToolTip("Write the object into the labels and begin the next one (key A).")
        self.reset.setToolTip("Drop the object and begin anew (key R).")
        self.undo.setToolTip("Take the last click back (key Z).")
        self.redo.setToolTip("Give again what was taken back (keys Shift+Z).")
        self.larger.setToolTip(
            "Take the next larger object around the same clicks, such as the gland around a nucleus (key +)."
        )
        self.smaller.setToolTip("Take the next smaller object around the same clicks (key -).")
        self.flip.setToolTip("Left clicks say what does not belong to the object, instead of Shift + click (key X).")
        self.drag.setAccessibleName("A drag draws")
        self.drag.setToolTip("What a drag with the left button draws; with Ctrl it is always a scribble (key B).")
        self.carry.setToolTip(
            "Find the object in the slices (or times) after and before this one, until it vanishes or the network is "
            "not sure (key P). Without an object, the one accepted last is carried."
        )
        self.stop.setToolTip("Stop after this slice; what was found is kept.")
        self.end_here.setToolTip(
            "The slice in view is the last one that holds the object, as seen from the one that you began in: it is "
            "dropped from those beyond, and not carried there again (key E)."
        )
        self.ends.setToolTip("Where the object stops, and why.")
        self.next.setToolTip(
            "Look in view for objects like the one or two accepted last; each is accepted (A) or skipped (N)."
        )
        self.accept_all.setToolTip(
            "Accept the suggestion that is shown and all that wait, each as an object with a number of its own; one "
            "undo in the labels (Ctrl+Z) takes them back (keys Shift+A)."
        )
        self.suggestions.setToolTip("How many suggestions wait.")
        self.attention.setToolTip("Show where the network looked when it found this object (key V).")
        self.map_name.setAccessibleName("Attention map")
        self.map_name.setToolTip("Which level of the network's attention is shown; the first is the finest.")
        self.mend.setToolTip(
            "Press this, then click on an object of any Labels layer over the image, such as an organ that Segment "
            "found: it is open as it lies there, for clicks to mend. The key M opens the one under the pointer."
        )
        self.save.setToolTip(
            "Write the labels as TIFF, or NIfTI, NRRD or DICOM for a scan, and beside them the clicks of every object."
        )
