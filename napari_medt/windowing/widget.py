"""The dock widget "CT window": soft tissue, lung, bone, brain, liver, as scanned, or level and width of one's own."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from weakref import WeakKeyDictionary

import napari.layers
import napari.viewer
from qtpy.QtWidgets import QFormLayout, QLabel, QVBoxLayout, QWidget

from napari_medt.controls.accessible.focus_frame import FocusFrames
from napari_medt.controls.ct.window_choice import WindowChoice
from napari_medt.controls.dock_closing import DockClosing
from napari_medt.controls.dock_tabs import DockTabs
from napari_medt.controls.layer_combo import ImageLayerCombo
from napari_medt.controls.scrolling_column import ScrollingColumn
from napari_medt.running.latest_question import LatestQuestion
from napari_medt.viewer.ct_layer import show_window
from napari_medt.viewer.reading import full_resolution, read_layer
from src_models.errors import UserError

__all__ = ["CtWindowWidget"]

_OWN = "own level and width"
_VIEW_ALONE = (
    "This changes what you see, and no result: a network sees what its model file says. Segment and Attention tell "
    "what that is; in Click you choose whether it sees what you see."
)
_NO_CT = "Not known as a CT, so windows in Hounsfield units are not offered. Level and width are those of its values."


class CtWindowWidget(QWidget):
    """Choose in which window a scan is shown.

    Parameters
    ----------
    napari_viewer
        The viewer that the widget works in.
    """

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        FocusFrames(self)
        self.images = ImageLayerCombo(napari_viewer)
        self.choice = WindowChoice(_OWN)
        self.says = QLabel(_VIEW_ALONE)
        self._known: WeakKeyDictionary[napari.layers.Image, bool] = WeakKeyDictionary()
        self._layer: napari.layers.Image | None = None
        self._question = LatestQuestion(self)
        self._build()
        self.images.layer_changed.connect(self._on_layer)
        self.choice.named.connect(self._on_named)
        self.choice.typed.connect(self._on_typed)
        self._question.answered.connect(self._on_known)
        self._closing = DockClosing(self)
        DockTabs(self)
        self._closing.closed.connect(self._leave)
        self._on_layer()

    def choose(self, name: str) -> None:
        """Choose a window by its name, as a person would."""
        self.choice.choose(name)
        self._on_named()

    def is_ct(self) -> bool | None:
        """Whether the image is a CT; None until that is known."""
        return None if self._layer is None else self._known.get(self._layer)

    def _on_layer(self) -> None:
        """Offer what there is for the chosen image."""
        layer = self.images.layer()
        self._watch(layer if layer is not None and not layer.rgb else None)
        self.choice.setEnabled(self._layer is not None)
        if self._layer is None:
            return
        if self.is_ct() is None:
            self._question.ask(partial(_look, self._layer))
        self._offer()

    def _offer(self) -> None:
        if self._layer is None:
            return
        self.choice.offer(self._layer, is_ct=bool(self.is_ct()))
        self.choice.follow(self._layer)
        self.says.setText(_NO_CT if self.is_ct() is False else _VIEW_ALONE)

    def _on_known(self, known: tuple[napari.layers.Image, bool]) -> None:
        layer, is_ct = known
        self._known[layer] = is_ct
        if layer is self._layer:
            self._offer()

    def _on_named(self) -> None:
        if self._layer is not None and not self.choice.is_own():
            show_window(self._layer, self.choice.wanted(self._layer))

    def _on_typed(self, low: float, high: float) -> None:
        if self._layer is not None:
            show_window(self._layer, (low, high))

    def _on_limits(self) -> None:
        """Follow contrast limits that were set elsewhere."""
        if self._layer is not None:
            self.choice.follow(self._layer)

    def _watch(self, layer: napari.layers.Image | None) -> None:
        if self._layer is not None:
            with suppress(ValueError):  # it may be gone already
                self._layer.events.contrast_limits.disconnect(self._on_limits)
        self._layer = layer
        if layer is not None:
            layer.events.contrast_limits.connect(self._on_limits)

    def _leave(self, viewer_stays: bool) -> None:
        """End all work: the dock, or the window, was closed."""
        self._question.leave(wait=not viewer_stays)
        self._watch(None)
        self.images.disconnect_viewer()

    def _build(self) -> None:
        content = QWidget()
        column = QVBoxLayout(content)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Image", self.images)
        form.addRow("Window", self.choice)
        column.addLayout(form)
        column.addWidget(self.says)
        column.addStretch()
        self.says.setWordWrap(True)
        self.images.setToolTip("The scan that is shown. Selecting another one in the layer list chooses it.")
        self.choice.names.setToolTip(
            "Which Hounsfield units (HU) are told apart on the screen. As scanned: as the file has it, if it has any."
        )
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(ScrollingColumn(content))


def _look(layer: napari.layers.Image) -> tuple[napari.layers.Image, bool]:
    """Look whether a layer is a CT; of one that cannot be read nothing is known."""
    from src_models.images.grey.ct_windows import shows_ct

    try:
        return layer, shows_ct(full_resolution(layer), read_layer(layer))
    except UserError:
        return layer, False
