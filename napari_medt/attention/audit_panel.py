"""Asks whether the maps are true, and shows what was found in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari.layers
import napari.viewer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from napari_medt.attention.map_display import MapDisplay
from napari_medt.attention.recorded_run import RecordedRun
from napari_medt.controls.run_bar import RunBar
from napari_medt.running.steps_run import StepsRun
from napari_medt.viewer.labels.labels_layers import lies_on
from napari_medt.viewer.layer_notes import is_own_layer
from napari_medt.viewer.placement import placement
from src_models.auditing.region_audit import region_audit_steps

if TYPE_CHECKING:
    from src_models.auditing.results import Audit

__all__ = ["AuditPanel"]

_FINDINGS = 220  # px: a dozen lines


class AuditPanel(QWidget):
    """Audits the ticked maps on the image that was looked at.

    Parameters
    ----------
    display
        Knows the ticked maps.
    parent
        Parent widget.
    """

    refused = Signal(str)  #: why nothing was found

    def __init__(self, display: MapDisplay, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._display = display
        self._looked: RecordedRun | None = None
        self._labels: list[napari.layers.Labels] = []
        self.truth = QComboBox()
        self.check = QPushButton("Check the maps")
        self.run = StepsRun(self)
        self.run_bar = RunBar(self.run, self.check)
        self.findings = QPlainTextEdit()
        self._build()
        self._explain()
        self.check.clicked.connect(self.start)
        self.run.ended.connect(self._on_ended)
        self.run.refused.connect(self._on_refused)
        self.set_looked(None)

    def set_looked(self, looked: RecordedRun | None) -> None:
        """Audit this run from now on."""
        self._looked = looked
        self.run.cancel()
        self.findings.setPlainText("")
        self.run_bar.say("")
        self.setEnabled(looked is not None)
        self.offer_truth()

    def offer_truth(self) -> None:
        """List the labels that lie on the image, pixel by pixel: objects that a person drew."""
        chosen = self._chosen_truth()
        self._labels = []
        if self._looked is not None:
            region = self._looked.outcome.job.region
            place, shape = placement(self._looked.image, *region.place_canvas()), region.layer_shape
            self._labels = [
                layer
                for layer in self._display.viewer.layers
                if isinstance(layer, napari.layers.Labels)
                and not is_own_layer(layer)
                and not layer.multiscale
                and lies_on(layer, place, shape)
            ]
        self.truth.clear()
        self.truth.addItems(["no ground truth", *(layer.name for layer in self._labels)])
        self.truth.setCurrentIndex(self._labels.index(chosen) + 1 if chosen in self._labels else len(self._labels))

    def start(self) -> None:
        """Audit the ticked maps, or the usual ones if none is ticked."""
        if self._looked is None or self.run.running:
            return
        truth, job = self._chosen_truth(), self._looked.outcome.job
        labels = None if truth is None else truth.data
        self._set_running(True)
        steps = region_audit_steps(job, self._display.names(), labels, self._plane())
        self.run.start(steps, f"Checking attention on {self._looked.image.name}")

    def _plane(self) -> tuple[int, ...] | None:
        """Return the plane that the sliders show, of a run on many."""
        assert self._looked is not None
        return self._looked.plane(self._display.viewer.dims.point)

    def _chosen_truth(self) -> napari.layers.Labels | None:
        index = self.truth.currentIndex() - 1
        return self._labels[index] if 0 <= index < len(self._labels) else None

    def _on_ended(self, found: Audit | None) -> None:
        self._set_running(False)
        self.run_bar.say("" if found is not None else "Cancelled.")
        if found is not None:
            self.findings.setPlainText("\n".join(f"\N{BULLET} {sentence}" for sentence in found.summary))

    def _on_refused(self, sentence: str) -> None:
        self._set_running(False)
        self.run_bar.say("")
        self.refused.emit(sentence)

    def _set_running(self, running: bool) -> None:
        self.check.setEnabled(not running)
        self.run_bar.set_running(running)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.truth)
        column.addWidget(self.run_bar)
        column.addWidget(self.findings)
        self.truth.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.findings.setReadOnly(True)
        self.findings.setFixedHeight(_FINDINGS)
        self._set_running(False)

    def _explain(self) -> None:
        self.truth.setAccessibleName("True objects")
        self.findings.setAccessibleName("Findings")
        self.truth.setToolTip(
            "Labels with the true objects that lie on the image, if you have them: is attention on objects?"
        )
        self.check.setToolTip(
            "Measure, in the middle of the image, whether the ticked maps say what the network used: remove what they "
            "mark, make its weights random, compare with the true objects. Takes about a minute."
        )
        self.run_bar.cancel.setToolTip("Stop checking.")
        self.findings.setToolTip("What was measured, in words; `napari-medt audit` gives all figures.")
