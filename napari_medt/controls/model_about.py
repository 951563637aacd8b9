"""What a model is, what it learnt from, and how that is cited, in a window from which it can be copied."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import QEvent, QObject, Qt
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from napari_medt.controls.charts.contrast import readable
from src_models.models.citations import citation_lines, citations_of
from src_models.models.header import ModelHeader

__all__ = ["ModelAbout"]

LINK = "#4a90d9"  # Qt's own blue cannot be read on a dark window


class ModelAbout(QDialog):
    """Tell what is known of a model.

    Parameters
    ----------
    name
        What the model is called in the list.
    header
        What its file says.
    parent
        Parent widget.
    """

    def __init__(self, name: str, header: ModelHeader, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"About the model {name}")
        self.text = QTextBrowser()
        self.text.setToolTip("Select text to copy it, for the methods of a paper for example.")
        self.text.setOpenExternalLinks(True)
        self._model = (name, header)
        self._tell()
        self.text.installEventFilter(self)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        for button in buttons.buttons():
            button.setToolTip("Close this window.")
        column = QVBoxLayout(self)
        column.addWidget(self.text)
        column.addWidget(buttons)
        self.resize(560, 420)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Follow the theme of the window."""
        if watched is self.text and event.type() == QEvent.Type.PaletteChange:
            self._tell()
        return super().eventFilter(watched, event)

    def _tell(self) -> None:
        ground = self.text.palette().base().color().name()
        self.text.setHtml(_page(*self._model, link=readable(LINK, ground)))


def _page(name: str, header: ModelHeader, link: str) -> str:
    finds = "objects" if header.result == "instances" else ", ".join(header.classes[1:])
    facts = {
        "For": header.purpose,
        **({"Classes": ", ".join(header.classes)} if header.result == "class" else {"Finds": finds}),
        "Network": f"{header.architecture}, {header.dimensions}D",
        "Licence": header.licence,
    }
    rows = "".join(
        f"<tr><td>{label}&nbsp;</td><td>{escape(value)}</td></tr>" for label, value in facts.items() if value
    )
    cited = citation_lines(citations_of(header))
    learnt = "".join(f"<p>{_linked(line, link)}</p>" for line in cited)
    unknown = "<p>The model's file does not say what it learnt from.</p>"
    return f"<h3>{escape(name)}</h3><table>{rows}</table><h4>Learnt from</h4>{learnt or unknown}"


def _linked(line: str, colour: str) -> str:
    """Return a line as HTML in which its address can be followed."""
    return " ".join(
        f"{_link(word.rstrip('.'), colour)}." if word.startswith("https://") else escape(word)
        for word in line.split(" ")
    )


def _link(address: str, colour: str) -> str:
    return f'<a href="{escape(address)}" style="color: {colour}">{escape(address)}</a>'
