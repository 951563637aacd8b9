"""What a model is, what it learnt from, and how that is cited, in a window from which it can be copied."""

from __future__ import annotations

from html import escape

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from src_models.models.citations import citation_lines, citations_of
from src_models.models.header import ModelHeader

__all__ = ["ModelAbout", "facts_of", "learnt_from"]

LINK = "#4a90d9"  # can be read on a dark window and on a light one; Qt's own blue cannot on a dark one


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
        self.text.setHtml(f"{facts_of(name, header)}<h4>Learnt from</h4>{learnt_from(header)}")
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


def learnt_from(header: ModelHeader) -> str:
    """Return what a model learnt from, as it must be cited, as HTML with addresses that can be followed."""
    cited = citation_lines(citations_of(header))
    learnt = "".join(f"<p>{_linked(line)}</p>" for line in cited)
    return learnt or "<p>The model's file does not say what it learnt from.</p>"


def _linked(line: str) -> str:
    """Return a line as HTML in which its address can be followed."""
    words = [_link(word.rstrip(".")) + "." if word.startswith("https://") else escape(word) for word in line.split(" ")]
    return " ".join(words)


def _link(address: str) -> str:
    return f'<a href="{escape(address)}" style="color: {LINK}">{escape(address)}</a>'
