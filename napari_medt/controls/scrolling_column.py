"""A column of controls that may be higher than the window, in sections that open and close."""

from __future__ import annotations

from collections.abc import Sequence

from qtpy.QtCore import QEvent, QSize, Qt
from qtpy.QtWidgets import QBoxLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget
from superqt import QCollapsible

__all__ = ["ScrollingColumn", "below", "beside", "section"]

_ROOM = 10  # px that superqt's sections leave below their content


class ScrollingColumn(QScrollArea):
    """Scrolls its content up and down, and is as wide as that needs to be.

    Parameters
    ----------
    content
        The controls.
    """

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(content)

    def event(self, event: QEvent) -> bool:
        """Become as wide as the content needs to be."""
        if event.type() in (QEvent.Type.Show, QEvent.Type.LayoutRequest):  # napari's style has been applied by then
            wanted = self.widget().minimumSizeHint().width() + self.verticalScrollBar().sizeHint().width()
            self.setMinimumWidth(wanted)
        return super().event(event)


def section(title: str, content: QWidget, *, opened: bool) -> QCollapsible:
    """Return controls under a title that opens and closes them.

    Parameters
    ----------
    title
        What they do.
    content
        The controls.
    opened
        Whether they are seen at first.
    """
    section = _Section(title)
    section.setContent(content)
    section.toggleButton().setToolTip("Show or hide these controls.")
    (section.expand if opened else section.collapse)(animate=False)
    return section


def beside(*widgets: QWidget) -> QWidget:
    """Return controls that lie beside each other."""
    row = QWidget()
    _fill(QHBoxLayout(row), widgets)
    return row


def below(*widgets: QWidget) -> QWidget:
    """Return controls that lie below each other."""
    column = QWidget()
    _fill(QVBoxLayout(column), widgets)
    return column


def _fill(layout: QBoxLayout, widgets: Sequence[QWidget]) -> None:
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)


class _Section(QCollapsible):
    """A section that stays as high as its content, which may grow while it is open."""

    def __init__(self, title: str) -> None:
        super().__init__(title)
        # Aligned at its top, a layout is never higher than it would be without lines that wrap.
        self.layout().setAlignment(Qt.AlignmentFlag(0))
        self.toggled.connect(self._show_content)

    def _show_content(self, opened: bool) -> None:
        """Leave nothing to which the Tab key would go unseen."""
        self.content().setVisible(opened)

    def sizeHint(self) -> QSize:
        """Return what it needs at its present width, and never more: narrow lines of text are higher."""
        hint = super().sizeHint()
        if self.hasHeightForWidth():
            hint.setHeight(self.heightForWidth(self.width()))
        return hint

    def event(self, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize) and self.isExpanded():
            wanted = _height(self.content()) + _ROOM
            if self.content().maximumHeight() != wanted:  # else each layout would ask for the next
                self.content().setMaximumHeight(wanted)
                self.updateGeometry()
        return bool(super().event(event))


def _height(content: QWidget) -> int:
    """Return the height that controls need; of lines of text, that depends on their width."""
    hint = int(content.sizeHint().height())
    return int(content.heightForWidth(content.width())) if content.hasHeightForWidth() else hint
