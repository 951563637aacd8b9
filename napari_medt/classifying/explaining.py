"""Which places speak for the class of the chosen object: worked out beside the window, and shown over it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QWidget

from napari_medt.classifying.layers import ClassLayers
from napari_medt.classifying.panels.controls import ClassifyControls
from napari_medt.classifying.shown import ShownClasses
from napari_medt.running.latest_question import LatestQuestion

if TYPE_CHECKING:
    from src_models.classifying.layer.layer_run import ClassResult
    from src_models.classifying.layer.reasons import ClassReason

__all__ = ["Explaining"]


class Explaining:
    """Follows the chosen object; of those that wait, only the latest is worked out.

    Parameters
    ----------
    controls
        The controls.
    layers
        Where places are shown.
    parent
        The widget.
    """

    def __init__(self, controls: ClassifyControls, layers: ClassLayers, parent: QWidget) -> None:
        self._controls = controls
        self._panel = controls.why
        self._layers = layers
        self._shown: ShownClasses | None = None
        self._own: int | None = None
        self._question = LatestQuestion(parent)
        self._question.answered.connect(self._show)
        self._question.refused.connect(self._refuse)
        self._panel.changed.connect(self.look)

    @property
    def busy(self) -> bool:
        """Whether what is shown is not yet what is asked for."""
        return self._question.busy

    def follow(self, shown: ShownClasses | None, own: int | None) -> None:
        """Look at an object from now on; None for none."""
        if shown is not self._shown:
            self._panel.set_classes(() if shown is None else shown.table.of_model)
        if (shown, own) != (self._shown, self._own):
            self._layers.hide_reason()
        self._shown, self._own = shown, own
        self.look()

    def look(self) -> None:
        """Work out and show what is asked for, or hide it."""
        shown, own = self._shown, self._own
        if shown is None or own is None or not self._panel.on.isChecked():
            self._question.drop()
            self._layers.hide_reason()
            self._panel.say("Choose an object to see it." if shown is not None and self._panel.on.isChecked() else "")
            return
        table = shown.table
        now = table.class_of(own) if table.class_of(own) in table.of_model else table.found(own)
        self._panel.say("Looking...")
        self._question.ask(partial(_answer, shown.result, own, self._panel.asked_class(now)))

    def leave(self) -> None:
        """Show nothing more."""
        self._question.leave(wait=False)

    def _show(self, answer: tuple[ClassResult, ClassReason]) -> None:
        result, reason = answer
        shown = self._shown
        if shown is None or shown.result is not result or self._own != reason.own or not self._panel.on.isChecked():
            return
        self._layers.show_reason(shown.image, reason)
        if reason.values.any():
            self._panel.say(f"Bright places speak for {reason.name}; the layer's name says so, too.")
        else:
            self._panel.say(f"Nothing in this picture speaks for {reason.name}.")

    def _refuse(self, sentence: str) -> None:
        self._panel.say("")
        self._controls.run_bar.report(sentence)


def _answer(result: ClassResult, own: int, name: str) -> Any:
    from src_models.classifying.layer.reasons import reason_for  # torch

    return result, reason_for(result, own, name)
