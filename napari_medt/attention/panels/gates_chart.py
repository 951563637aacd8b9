"""The gates of gated axial attention, drawn as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from src_models.attention.words import GATE_WORDS

if TYPE_CHECKING:
    from src_models.attention.gates import GateValues

__all__ = ["GatesChart"]

_LOOKS = {
    "g_q": ("G_Q", "#4fc3f7", "o"),
    "g_k": ("G_K", "#ffb74d", "t"),
    "g_v1": ("G_V1", "#81c784", "s"),
    "g_v2": ("G_V2", "#e57373", "d"),
}
_HEIGHT = 200


class GatesChart(QWidget):
    """How much every layer lets positions and content count; a line of text for networks without such gates.

    Parameters
    ----------
    parent
        Parent widget.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.note = QLabel()
        self.note.setWordWrap(True)
        self._plot: Any = None
        self._gates: Sequence[GateValues] = ()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.note)
        terms = "; ".join(f"{GATE_WORDS[name]}: {term}" for name, (term, _, _) in _LOOKS.items())
        self.setToolTip(
            "How strongly each layer of the network uses distance, and content, when it looks around. Near 0: hardly. "
            f"The sign says nothing. In the paper these are the gates of axial attention ({terms})."
        )
        self.set_gates(())

    def set_gates(self, gates: Sequence[GateValues]) -> None:
        """Show the gates of a network."""
        self._gates = gates
        if not gates:
            self.note.setText("This network has no gates of this kind (it has no gated axial attention).")
            if self._plot is not None:
                self._plot.hide()
            return
        plot = self.plot()
        colours = {name: plot.colour(color) for name, (_, color, _) in _LOOKS.items()}
        lines = "".join(f'<br><b style="color:{colours[name]}">{GATE_WORDS[name]}</b>' for name in _LOOKS)
        self.note.setText(
            "How much counts at every stage, above 0 or below; left point: looking up and down, right point: left and "
            f"right.{lines}"
        )
        plot.clear()
        for name, (title, _, symbol) in _LOOKS.items():
            values = [getattr(gate, name) for gate in gates]
            places = list(range(len(gates)))
            curve = plot.plot(places, values, pen=colours[name], symbol=symbol, symbolSize=7, name=title)
            curve.setSymbolBrush(colours[name])
            curve.setSymbolPen(None)
        plot.getAxis("bottom").setTicks([_stages(gates), []])
        plot.setXRange(-0.6, len(gates) - 0.4, padding=0)
        plot.show()

    def plot(self) -> Any:
        """Return the plot, which is made when it is first needed."""
        if self._plot is None:
            # Half a second to import, and most networks have no gates.
            from napari_medt.controls.charts.themed_plot import ThemedPlot

            self._plot = ThemedPlot(_HEIGHT)
            self._plot.getAxis("bottom").setStyle(hideOverlappingLabels=False)
            self._plot.setLabel("bottom", "stage")
            self._plot.showGrid(y=True, alpha=0.3)
            self._plot.setMenuEnabled(False)
            self._plot.setMouseEnabled(x=False, y=False)
            self._plot.hideButtons()
            self.layout().addWidget(self._plot)
            self._plot.ensurePolished()  # else its colours would be those of a window without napari's style
            self._plot.themed.connect(self._on_themed)
        return self._plot

    def _on_themed(self) -> None:
        self.set_gates(self._gates)


def _stages(gates: Sequence[GateValues]) -> list[tuple[float, str]]:
    """Return what stands under the chart, and where: each stage once, between its two directions."""
    places: dict[str, list[int]] = {}
    for number, gate in enumerate(gates):
        places.setdefault(gate.layer.rsplit(" ", 1)[0], []).append(number)
    return [(sum(found) / len(found), stage.split()[-1]) for stage, found in places.items()]
