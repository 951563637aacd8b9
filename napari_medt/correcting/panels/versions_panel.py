"""The list of what was learnt: which version is in use, what each gained, and a look at before and after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_medt.controls.learning.version_list import NAME, NOTE, VersionList, version_row

if TYPE_CHECKING:
    from src_models.finetuning.versions import ModelVersion

__all__ = ["VersionsPanel"]

_SHOWN = {"off": "Off", "before": "Before", "after": "After", "both": "Both"}


class VersionsPanel(QWidget):
    """Versions of a model, oldest first below the model that they began with.

    Parameters
    ----------
    parent
        Parent widget.
    """

    wanted = Signal(object)  #: use this version (its name), or the model that everything began with (None)
    noted = Signal(str, str)  #: a version's name, and a person's words on it
    outlines_wanted = Signal(str)  #: show "before", "after" or "both" in the image, or switch them "off"
    attention_wanted = Signal()  #: compare the attention of the chosen version with that of its parent

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._versions: tuple[ModelVersion, ...] = ()
        self._active: str | None = None
        self.list = VersionList("Agreement")
        self.use = QPushButton("Use this one")
        self.attention = QPushButton("Compare attention")
        self.empty = QLabel("Nothing was learnt yet. Each round that gains something becomes a version here.")
        self.shown = {name: QPushButton(text) for name, text in _SHOWN.items()}
        self._group = QButtonGroup(self)
        self._build()
        self._explain()
        self.list.currentItemChanged.connect(self._on_chosen)
        self.list.noted.connect(self.noted)
        self.use.clicked.connect(self._on_use)
        self.attention.clicked.connect(self.attention_wanted)
        self._group.buttonClicked.connect(self._on_outlines)
        self.set_versions((), None, None)

    def set_versions(self, versions: Sequence[ModelVersion], active: str | None, base: str | None) -> None:
        """List versions.

        Parameters
        ----------
        versions
            Oldest first.
        active
            Name of the one in use; None for the model that everything began with.
        base
            Name of that model, where it is known.
        """
        newest = versions[-1].name if versions else None
        fresh = newest is not None and newest not in {version.name for version in self._versions}
        chosen = active if fresh or self.list.currentItem() is None else self.chosen_name()
        self._versions, self._active = tuple(versions), active
        rows = [self._row(None, base or "the first model", "", "where it began")]
        rows += [self._row(version.name, version.name, _gain(version), version.note) for version in versions]
        self.list.set_versions(rows, chosen)
        self.empty.setVisible(not versions)
        self._below.setVisible(bool(versions))
        self.list.setVisible(bool(versions))
        self._on_chosen()

    def chosen_name(self) -> str | None:
        """Return the name of the chosen version; None for the model that everything began with."""
        return self.list.chosen_name()

    def chosen(self) -> ModelVersion | None:
        """Return the chosen version, or else the newest one, which is what before and after are of."""
        name = self.chosen_name()
        found = next((version for version in self._versions if version.name == name), None)
        return found or (self._versions[-1] if self._versions else None)

    def parent_of(self, version: ModelVersion) -> ModelVersion | None:
        """Return the version that another one began with; None where that was the first model."""
        return next((each for each in self._versions if each.sha256 == version.parent_sha256), None)

    def set_shown(self, name: str) -> None:
        """Show which outlines are in the image."""
        self.shown[name].setChecked(True)

    def _row(self, name: str | None, title: str, gain: str, note: str) -> QTreeWidgetItem:
        item = version_row(name, f"{title}  ✓ in use" if name == self._active else title, gain, note)
        version = next((each for each in self._versions if each.name == name), None)
        if version is not None:
            when = datetime.fromisoformat(version.time).astimezone()
            item.setToolTip(NAME, f"Learnt {when:%d %B %Y, %H:%M}. {version.path}")
            item.setToolTip(NOTE, "Double-click to write what is special about this version.")
        else:
            item.setToolTip(NAME, "The model as it was before anything was learnt; its file is not touched.")
        if name == self._active:
            font = item.font(NAME)
            font.setBold(True)
            item.setFont(NAME, font)
        return item

    def _on_chosen(self, *_: Any) -> None:
        self.use.setEnabled(bool(self._versions) and self.chosen_name() != self._active)
        back = self.chosen_name() is None
        self.use.setText("Go back to the first model" if back else "Use this one")

    def _on_outlines(self, pressed: QPushButton) -> None:
        self.outlines_wanted.emit(next(name for name, button in self.shown.items() if button is pressed))

    def _on_use(self) -> None:
        self.wanted.emit(self.chosen_name())

    def _build(self) -> None:
        self.empty.setWordWrap(True)
        self._below = QWidget()
        grid = QGridLayout(self._below)
        grid.setContentsMargins(0, 0, 0, 0)
        switch = QHBoxLayout()
        switch.setSpacing(1)
        for button in self.shown.values():
            button.setCheckable(True)
            self._group.addButton(button)
            switch.addWidget(button)
        self.shown["off"].setChecked(True)
        grid.addWidget(self.use, 0, 0)
        grid.addWidget(self.attention, 0, 1)
        grid.addWidget(QLabel("Outline in view"), 1, 0)
        grid.addLayout(switch, 1, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for widget in (self.empty, self.list, self._below):
            column.addWidget(widget)

    def _explain(self) -> None:
        self.list.setToolTip(
            "What was learnt, and how well each version agrees with corrections that were held back, before and after "
            "it had learnt (Dice score; 1 is perfect). Double-click a version to write a note."
        )
        self.use.setToolTip("Segment and learn with this one from now on. Nothing is deleted: you can go back.")
        self.attention.setToolTip(
            "Show where the network looks in the slice in view, before and after learning, and the difference."
        )
        told = {
            "off": "Hide these outlines.",
            "before": "Outline, in pink, what was found in the slice in view before the chosen version had learnt.",
            "after": "Outline, in green, what the chosen version finds in the slice in view.",
            "both": "Outline both: pink before, green after.",
        }
        for name, button in self.shown.items():
            button.setToolTip(told[name])


def _gain(version: ModelVersion) -> str:
    if version.dice is None:
        return ""
    return f"{version.dice:.2f}" if version.dice_before is None else f"{version.dice_before:.2f} → {version.dice:.2f}"
