"""A list of the models there are, with a line on what each is for."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_medt.controls.model_about import ModelAbout
from napari_medt.running.latest_question import LatestQuestion
from src_models.errors import UserError
from src_models.models.header import ModelHeader, Use, read_header
from src_models.models.library import local_models, shipped_models
from src_models.models.packages.description import is_package

__all__ = ["ModelCombo"]

_ELSEWHERE: dict[Use, str] = {
    "segment": "segments by itself: open it in the widget Segment",
    "click": "answers clicks: open it in Click",
    "classify": "says what an image or an object shows: open it in Classify",
}


class ModelCombo(QWidget):
    """Choose a model: one that ships, one in the user's model folder, or any model file.

    Parameters
    ----------
    preferred
        Name of the model that is chosen at first.
    use
        What the models do that are listed: ``"segment"`` by themselves, answer a ``"click"``, or ``"classify"``.
    parent
        Parent widget.
    """

    model_changed = Signal()  #: another model was chosen
    refused = Signal(str)  #: a file was picked that is no model; the reason

    def __init__(self, preferred: str, *, use: Use = "segment", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._use = use
        self._models: list[tuple[Path, ModelHeader]] = [
            (entry.path, entry.header) for entry in (*shipped_models(), *local_models()) if entry.header.use == use
        ]
        self._combo = QComboBox()
        self._combo.setAccessibleName("Model")
        self._combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._combo.setMinimumContentsLength(8)
        self._combo.setToolTip(
            "The trained network. Models that came with the plugin, then those in your model folder."
        )
        self._open = QPushButton("Open...")
        self._open.setToolTip("Choose a model file (.safetensors), or a package of the BioImage Model Zoo (.zip).")
        self._about = QPushButton("About")
        self._about.setToolTip("What the model is, what it learnt from, and how to cite that.")
        self._question = LatestQuestion(self)
        self._question.answered.connect(self._on_package)
        self._question.refused.connect(self._on_no_package)
        self._purpose = QLabel()
        self._purpose.setWordWrap(True)
        self._purpose.setToolTip("What the model was made for.")
        self._build()
        self._fill(preferred)
        self._combo.currentIndexChanged.connect(self._on_chosen)
        self._open.clicked.connect(self._pick_file)
        self._about.clicked.connect(self._show_about)

    def path(self) -> Path | None:
        """Return the chosen model's file."""
        index = self._combo.currentIndex()
        return self._models[index][0] if index >= 0 else None

    def header(self) -> ModelHeader | None:
        """Return the chosen model's header."""
        index = self._combo.currentIndex()
        return self._models[index][1] if index >= 0 else None

    def paths(self) -> list[Path]:
        """Return the files of the models that are listed."""
        return [path for path, _ in self._models]

    def open_file(self, path: Path) -> None:
        """Add a model file to the list and choose it; emits `refused` if it is none.

        A package of the BioImage Model Zoo is read off the GUI thread, and chosen when that is done.
        """
        if is_package(path):
            self._open.setEnabled(False)
            self._purpose.setText(f"Opening {path.name}...")
            self._question.ask(partial(_read_package, path))
            return
        try:
            header = read_header(path)
        except UserError as error:
            self.refused.emit(str(error))
            return
        self._add(path, header)

    def _on_package(self, opened: tuple[Path, ModelHeader]) -> None:
        self._open.setEnabled(True)
        self._describe()
        self._add(*opened)

    def _on_no_package(self, reason: str) -> None:
        self._open.setEnabled(True)
        self._describe()
        self.refused.emit(reason)

    def _add(self, path: Path, header: ModelHeader) -> None:
        if header.use != self._use:
            self.refused.emit(f"The model {path.stem!r} {_ELSEWHERE[header.use]}.")
            return
        known = [listed for listed, _ in self._models]
        if path not in known:
            known.append(path)
            self._models.append((path, header))
            self._combo.addItem(path.stem)
        self._combo.setCurrentIndex(known.index(path))

    def _build(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._combo, 1)
        row.addWidget(self._open)
        row.addWidget(self._about)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row)
        column.addWidget(self._purpose)

    def _fill(self, preferred: str) -> None:
        names = [path.stem for path, _ in self._models]
        self._combo.addItems(names)
        if preferred in names:
            self._combo.setCurrentIndex(names.index(preferred))
        self._describe()

    def _on_chosen(self) -> None:
        self._describe()
        self.model_changed.emit()

    def _describe(self) -> None:
        header = self.header()
        none = "There is no model here yet: open a model file, or train one with `napari-medt train`."
        self._purpose.setText(header.purpose if header else none)
        self._about.setEnabled(header is not None)

    def _show_about(self) -> None:
        path, header = self.path(), self.header()
        if path is not None and header is not None:
            ModelAbout(path.stem, header, self).show()

    def _pick_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, "Open a model file", "", "Models and packages (*.safetensors *.zip)"
        )
        if name:
            self.open_file(Path(name))


def _read_package(path: Path) -> tuple[Path, ModelHeader]:
    return path, read_header(path)
