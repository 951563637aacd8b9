"""What a model is, what it learnt from, and how that is cited, in a window from which it can be copied."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from napari_medt.controls.charts.contrast import readable
from src_models.models.citations import citation_lines, citations_of
from src_models.models.header import ModelHeader

__all__ = ["LinkedText", "ModelAbout", "facts_of", "learnt_from"]

LINK = "#4a90d9"  # Qt's own blue cannot be read on a dark window


class LinkedText(QTextBrowser):
    """Text whose addresses can be followed, and read in every theme.

    Parameters
    ----------
    page
        Makes the text, as HTML, in which addresses have the colour that is given.
    parent
        Parent widget.
    """

    _page: Callable[[str], str] | None = None  # also while the base class, which may ask, is being made

    def __init__(self, page: Callable[[str], str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._page = page
        self.setOpenExternalLinks(True)
        self._tell()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the theme of the window."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tell()

    def _tell(self) -> None:
        if self._page is None:
            return
        place = self.verticalScrollBar().value()
        self.setHtml(self._page(readable(LINK, self.palette().base().color().name())))
        self.verticalScrollBar().setValue(place)


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
        self.text = LinkedText(lambda link: f"{facts_of(name, header)}<h4>Learnt from</h4>{learnt_from(header, link)}")
        self.text.setToolTip("Select text to copy it, for the methods of a paper for example.")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        for button in buttons.buttons():
            button.setToolTip("Close this window.")
        column = QVBoxLayout(self)
        column.addWidget(self.text)
        column.addWidget(buttons)
        self.resize(560, 420)


def facts_of(name: str, header: ModelHeader) -> str:
    """Return what a model is, as HTML.

    Parameters
    ----------
    name
        What the model is called in the list.
    header
        What its file says.
    """
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
    return f"<h3>{escape(name)}</h3><table>{rows}</table>"


def learnt_from(header: ModelHeader, link: str = LINK) -> str:
    """Return what a model learnt from, as it must be cited, as HTML with addresses that can be followed.

    Parameters
    ----------
    header
        What its file says.
    link
        Colour of the addresses.
    """
    cited = citation_lines(citations_of(header))
    learnt = "".join(f"<p>{_linked(line, link)}</p>" for line in cited)
    return learnt or "<p>The model's file does not say what it learnt from.</p>"


def _linked(line: str, colour: str) -> str:
    """Return a line as HTML in which its address can be followed."""
    return " ".join(
        f"{_link(word.rstrip('.'), colour)}." if word.startswith("https://") else escape(word)
        for word in line.split(" ")
    )


def _link(address: str, colour: str) -> str:
    return f'<a href="{escape(address)}" style="color: {colour}">{escape(address)}</a>'
