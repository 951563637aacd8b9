"""The dock widget "About MedT": its version, that it is no medical device, and the models that ship with it."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from html import escape
from importlib.metadata import PackageNotFoundError, version

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_medt import __version__
from napari_medt.controls.model_about import LINK, LinkedText, facts_of, learnt_from
from src_models.models.library import ModelEntry, shipped_models

__all__ = ["AboutWidget", "about_page"]

_NO_DEVICE = (
    "<b>Not a medical device.</b> MedT is for research. Nothing that it finds, measures or writes is for diagnosis or "
    "treatment, and no authority has approved it for that."
)
_LICENCE = "BSD-3-Clause"
_LIBRARIES = ("napari", "torch", "monai", "numpy", "pydicom", "nibabel")  # which a report of a bug should name


class AboutWidget(QWidget):
    """Tell what the plugin is.

    Parameters
    ----------
    parent
        Parent widget.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.text = LinkedText(lambda link: about_page(shipped_models(), link))
        self.text.setAccessibleName("About MedT")
        self.text.setToolTip("Select text to copy it, for a report of a bug or the methods of a paper.")
        self.text.setMinimumWidth(320)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.text)


def about_page(models: Sequence[ModelEntry], link: str = LINK) -> str:
    """Return what is told, as HTML.

    Parameters
    ----------
    models
        The models to tell of: what each is for, its licence, and what it learnt from, as it must be cited.
    link
        Colour of the addresses.
    """
    libraries = ", ".join(f"{name} {_installed(name)}" for name in _LIBRARIES)
    told = "".join(f"{facts_of(model.name, model.header)}{learnt_from(model.header, link)}" for model in models)
    return (
        f"<h2>MedT {escape(__version__)}</h2>"
        "<p>Segment images with attention networks, and see where they look.</p>"
        f"<p>{_NO_DEVICE}</p>"
        f"<p>Licence of the program: {_LICENCE}. Python {platform.python_version()}, {escape(libraries)}.</p>"
        f"<h2>Models that ship with it</h2>{told}"
    )


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(not installed)"
