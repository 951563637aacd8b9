"""The gates of gated axial attention, drawn as a chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from src_models.gates import GateValues

__all__ = ["GatesChart"]

_GATES = {
    "g_q": ("G_Q", "#4fc3f7", "o"),
    "g_k": ("G_K", "#ffb74d", "t"),
    "g_v1": ("G_V1", "#81c784", "s"),
    "g_v2": ("G_V2", "#e57373", "d"),
}


class GatesChart(QWidget):
    """G_Q, G_K, G_V1 and G_V2 of every layer; a line of text for networks that have none.

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
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.note)
        self.setToolTip(
            "How strongly each layer of the network uses positions: in what decides where to look (G_Q, G_K), and in "
            "what is taken from there (G_V2); G_V1 weighs the content. Near 0: hardly. The sign says nothing."
        )
        self.set_gates(())

    def set_gates(self, gates: Sequence[GateValues]) -> None:
        """Show the gates of a network."""
        if not gates:
            self.note.setText("This network has no gated axial attention.")
            if self._plot is not None:
                self._plot.hide()
            return
        names = ", ".join(f'<b style="color:{color}">{title}</b>' for title, color, _ in _GATES.values())
        self.note.setText(f"{names} of every layer, along the height (h) and the width (w):")
        plot = self.plot()
        plot.clear()
        labels = [_short(gate.layer) for gate in gates]
        for name, (title, color, symbol) in _GATES.items():
            values = [getattr(gate, name) for gate in gates]
            places = list(range(len(gates)))
            plot.plot(places, values, pen=color, symbol=symbol, symbolBrush=color, symbolSize=7, name=title)
        plot.getAxis("bottom").setTicks([list(enumerate(labels)), []])
        plot.show()

    def plot(self) -> Any:
        """Return the plot, which is made when it is first needed."""
        if self._plot is None:
            import pyqtgraph  # half a second to import, and most networks have no gates

            self._plot = pyqtgraph.PlotWidget(background=None)
            self._plot.setFixedHeight(190)
            self._plot.showGrid(y=True, alpha=0.3)
            self._plot.setMenuEnabled(False)
            self._plot.setMouseEnabled(x=False, y=False)
            self._plot.hideButtons()
            self.layout().addWidget(self._plot)
        return self._plot


def _short(layer: str) -> str:
    """Return the name of a layer as it fits under the chart, such as "1.1 h" of "local 1.1 height"."""
    *_, block, direction = layer.split()
    return f"{block} {direction[0]}"
