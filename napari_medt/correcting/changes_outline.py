"""The outline of what a person changed: it follows strokes and the view, worked out off the GUI thread."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_medt.correcting.context import CorrectContext
from napari_medt.correcting.layers import CHANGES
from napari_medt.running.latest_question import LatestQuestion
from src_models.errors import UserError

if TYPE_CHECKING:
    import napari.layers

    from napari_medt.viewer.viewed_image import ViewedImage
    from src_models.images.region import Region

__all__ = ["ChangesOutline"]

_DELAY_MS = 200  # that the outline lags behind a stroke
_WATCHED = ("paint", "labels_update", "set_data", "data", "visible")


class ChangesOutline(QObject):
    """Outlines what differs from what the network had found.

    A stroke changes a few pixels of a plane that may have many millions: all of these are looked at in another thread,
    and the window gets as many cells as it has pixels.

    Parameters
    ----------
    correcting
        The state of the widget.
    parent
        What it belongs to.
    """

    looked = Signal()  #: strokes were looked at, or another place

    def __init__(self, correcting: CorrectContext, parent: QObject) -> None:
        super().__init__(parent)
        self._context = correcting
        self._labels: Any = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DELAY_MS)
        self._timer.timeout.connect(self._look)
        self._question = LatestQuestion(self)
        self._question.answered.connect(self._show)
        self._question.refused.connect(correcting.report)
        dims, camera = correcting.viewer.dims.events, correcting.viewer.scene.camera.events
        self._moves = [(dims.current_step, self.look_again), (dims.order, self.look_again)]
        self._moves += [(event, self._on_camera) for event in (camera.center, camera.zoom)]
        for event, listener in self._moves:
            event.connect(listener)

    @property
    def busy(self) -> bool:
        """Whether what is outlined is not yet what there is."""
        return self._timer.isActive() or self._question.busy

    def watch(self, labels: napari.layers.Labels | None) -> None:
        """Follow the strokes in labels; None for none."""
        own: Any = getattr(labels, "__wrapped__", labels)
        if own is self._labels:
            return
        for name in _WATCHED:
            if self._labels is not None:
                self._labels.events[name].disconnect(self.look_again)
            if own is not None:
                own.events[name].connect(self.look_again)
        self._labels = own
        if own is None:
            self._context.layers.hide(CHANGES)

    def look_again(self, event: Any = None) -> None:
        """Outline what there is now, in a moment."""
        if not self._timer.isActive():
            self._timer.start()

    def leave(self) -> None:
        """Stop listening."""
        self._timer.stop()
        self.watch(None)
        for event, listener in self._moves:
            with suppress(ValueError):  # it may be gone already
                event.disconnect(listener)
        self._question.leave()

    def _on_camera(self, event: Any = None) -> None:
        """Follow the view where only what is in it is outlined."""
        if self._timer.isActive():
            return
        with suppress(UserError):
            if self._context.is_large(self._context.target()):
                self.look_again()

    def _look(self) -> None:
        self.looked.emit()
        labels = self._labels
        if labels is None:
            return
        with suppress(UserError):  # of a view in 3D, or labels that a person replaced; said when a button is pressed
            target = self._context.target()
            if labels.data.shape != target.shape:
                return
            region = self._context.seen(target)
            work = self._context.layers.changes_in(labels, region)
            if work is None:
                self._question.drop()
                self._context.controls.marking.set_changed(None)
                return
            self._question.ask(partial(_answer, target, region, labels, work))

    def _show(self, answer: tuple[ViewedImage, Region, Any, Any]) -> None:
        target, region, labels, (changed, count) = answer
        if labels is not self._labels or target.layer not in self._context.viewer.layers:
            return
        self._context.layers.show_changes(target.layer, region, changed)
        self._context.controls.marking.set_changed(count)


def _answer(target: ViewedImage, region: Region, labels: Any, work: Any) -> tuple[ViewedImage, Region, Any, Any]:
    return target, region, labels, work()
