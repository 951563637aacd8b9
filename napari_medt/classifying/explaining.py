"""Why the chosen object has its class: what is asked of the network is worked out beside the window, and shown."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QWidget

from napari_medt.classifying.layers import ClassLayers
from napari_medt.classifying.panels.controls import ClassifyControls
from napari_medt.classifying.panels.why_panel import LOOK, RELEVANCE
from napari_medt.classifying.shown import ShownClasses
from napari_medt.controls.mouse import ClickMouse
from napari_medt.running.latest_question import LatestQuestion
from src_models.attention.words import map_words, pointer_sentence
from src_models.classifying.layer.reasons import Reasons

if TYPE_CHECKING:
    import napari.viewer

    from src_models.classifying.layer.reasons import PictureMap

__all__ = ["Explaining"]

_Place = tuple[float, float] | None
_Answer = tuple[Reasons, "PictureMap", _Place]

_BESIDE = "This place lies outside of the image, or in another plane than the object: click on one on the object."


class Explaining:
    """Follows the chosen object; of those that wait, only the latest is worked out.

    Parameters
    ----------
    viewer
        The viewer.
    controls
        The controls.
    layers
        Where places are shown.
    parent
        The widget.
    """

    def __init__(
        self, viewer: napari.viewer.Viewer, controls: ClassifyControls, layers: ClassLayers, parent: QWidget
    ) -> None:
        self._controls = controls
        self._panel = controls.why
        self._layers = layers
        self._shown: ShownClasses | None = None
        self._reasons: Reasons | None = None  # of the chosen object
        self._place: _Place = None  # that is looked from: the middle of the object
        self._question = LatestQuestion(parent)
        self._question.answered.connect(self._show)
        self._question.refused.connect(self._refuse)
        self.mouse = ClickMouse(viewer, parent, drags=False)
        self.mouse.clicked.connect(self.click)
        self.mouse.lost.connect(self._on_lost)
        self._panel.point.toggled.connect(self.mouse.switch)
        self._panel.changed.connect(self.look)

    @property
    def busy(self) -> bool:
        """Whether what is shown is not yet what is asked for."""
        return self._question.busy

    def follow(self, shown: ShownClasses | None, own: int | None) -> None:
        """Look at an object from now on; None for none."""
        if shown is not self._shown:
            self._panel.set_classes(() if shown is None else shown.table.of_model)
            self._panel.set_attention(*(({}, []) if shown is None else (shown.result.heads, shown.result.maps)))
        if shown is None or own is None:
            self._reasons = None
            self._layers.hide_reason()
        elif self._reasons is None or (self._reasons.result, self._reasons.own) != (shown.result, own):
            self._reasons, self._place = Reasons(shown.result, own), None
            self._layers.hide_reason()
        self._shown = shown
        self.look()

    def look(self) -> None:
        """Work out and show what is asked for, or hide it."""
        self._ask(self._place)

    def click(self, world: Sequence[float]) -> None:
        """Look from a place in the world."""
        shown, reasons = self._shown, self._reasons
        if shown is None or reasons is None:
            return
        place = reasons.region.locate([float(at) for at in shown.image.world_to_data(world)])
        if place is None:
            self._controls.run_bar.report(_BESIDE)
            return
        self._ask((place[0], place[1]))

    def leave(self) -> None:
        """Show nothing more."""
        self.mouse.switch(False)
        self._question.leave(wait=False)

    def _on_lost(self) -> None:
        self._panel.point.setChecked(False)

    def _ask(self, place: _Place) -> None:
        shown, reasons, on = self._shown, self._reasons, self._panel.on.isChecked()
        if shown is None or reasons is None or not on:
            self._question.drop()
            self._layers.hide_reason()
            self._panel.say("Choose an object to see it." if shown is not None and on else "")
            return
        now, table = shown.table.class_of(reasons.own), shown.table
        now = now if now in table.of_model else table.found(reasons.own)
        self._panel.say("Looking...")
        asked = self._panel.showing(), self._panel.asked(now), self._panel.head()
        self._question.ask(partial(_answer, reasons, *asked, place))

    def _show(self, answer: _Answer) -> None:
        reasons, found, place = answer
        shown = self._shown
        if shown is None or reasons is not self._reasons or not self._panel.on.isChecked():
            return
        self._place = place
        self._layers.show_reason(shown.image, found)
        self._panel.say(_words(found))

    def _refuse(self, sentence: str) -> None:
        self._panel.say("")
        self._controls.run_bar.report(sentence)


def _answer(reasons: Reasons, what: str, name: str, head: int | None, place: _Place) -> _Answer:
    if what == RELEVANCE:
        return reasons, reasons.relevance(name), place
    return reasons, reasons.look(name, place, head) if what == LOOK else reasons.recorded(name), place


def _words(found: PictureMap) -> str:
    """Return what is seen."""
    if found.query is not None:
        return pointer_sentence(found.map.name, None)
    if found.map.kind != RELEVANCE:
        return map_words(found.map.name).meaning
    if not found.map.data.any():
        return f"Nothing in this picture {found.title}."
    return f"Bright places {found.title.replace('speaks', 'speak')}; the layer's name says so, too."
