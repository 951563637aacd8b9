"""The controls of the Attention widget, and where they are in it."""

from __future__ import annotations

import napari.viewer
from qtpy.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QPushButton, QSpinBox, QVBoxLayout, QWidget

from napari_medt.attention.audit_panel import AuditPanel
from napari_medt.attention.compare_panel import ComparePanel
from napari_medt.attention.map_display import MapDisplay
from napari_medt.attention.panels.gates_chart import GatesChart
from napari_medt.attention.panels.map_panel import MapPanel
from napari_medt.attention.panels.probe_panel import ProbePanel
from napari_medt.attention.pointer_follower import PointerFollower
from napari_medt.attention.save_panel import SavePanel
from napari_medt.controls.ct.in_3d_button import In3dButton
from napari_medt.controls.ct.network_window import NetworkWindow
from napari_medt.controls.layer_combo import ImageLayerCombo
from napari_medt.controls.model_combo import ModelCombo
from napari_medt.controls.reading.channel_combo import ChannelCombo
from napari_medt.controls.reading.grey_panel import GreyPanel
from napari_medt.controls.region_combo import RegionCombo
from napari_medt.controls.run_bar import RunBar
from napari_medt.controls.scrolling_column import ScrollingColumn, below, section
from napari_medt.preferences import AttentionPreferences
from napari_medt.running.steps_run import StepsRun

__all__ = ["AttentionControls"]


class AttentionControls(QWidget):
    """The controls; what they do is up to who inherits them.

    Parameters
    ----------
    viewer
        The viewer whose images are listed.
    kept
        What is chosen at first.
    """

    def __init__(self, viewer: napari.viewer.Viewer, kept: AttentionPreferences) -> None:
        super().__init__()
        self.images = ImageLayerCombo(viewer)
        self.models = ModelCombo(kept.model)
        self.network_window = NetworkWindow(self.images, self.models)
        self.region = RegionCombo()
        self.look = QPushButton("Look")
        self.run = StepsRun(self)
        self.run_bar = RunBar(self.run, self.look)
        self.in_3d = In3dButton(viewer, self.images)
        self.probe = ProbePanel(following=kept.follow, preferred=kept.view)
        self.follower = PointerFollower(viewer, self.probe, self)
        self.maps = MapPanel()
        self.display = MapDisplay(viewer, self.maps, self)
        self.gates = GatesChart()
        self.comparison = ComparePanel(kept.other_model)
        self.saving = SavePanel(self.follower, self.display)
        self.audit = AuditPanel(self.display)
        self.grey = GreyPanel(self.images)
        self.memory = QSpinBox()
        self.memory_used = QLabel()
        self._build(kept.memory)
        self._explain()

    def _build(self, memory: int) -> None:
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Image", self.images)
        self.channels = ChannelCombo(self.images, self.models, form)
        form.addRow("Model", below(self.models, self.network_window))
        form.addRow("Look at", self.region)
        self.memory.setRange(16, 65536)
        self.memory.setSuffix(" MB")
        self.memory.setValue(memory)
        memory_row = QHBoxLayout()
        memory_row.addWidget(QLabel("Memory"))
        memory_row.addWidget(self.memory)
        memory_row.addWidget(self.memory_used, 1)
        content = QWidget()
        column = QVBoxLayout(content)
        column.addLayout(form)
        column.addWidget(self.run_bar)
        column.addWidget(self.in_3d)
        for title, widget, opened in (
            ("At the pointer", self.probe, True),
            ("Maps", self.maps, True),
            ("What counts in the network", self.gates, False),
            ("Compare", self.comparison, False),
            ("Save", self.saving, False),
            ("Are the maps true?", self.audit, False),
            ("Grey values", self.grey, False),
        ):
            column.addWidget(section(title, widget, opened=opened))
        column.addLayout(memory_row)
        column.addStretch()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(ScrollingColumn(content))

    def _explain(self) -> None:
        self.images.setToolTip("The image that is looked at. Selecting another one in the layer list chooses it.")
        self.region.setToolTip("Which part of the image the network is run on when you press Look.")
        self.look.setToolTip(
            "Run the network, or take its last run on this image, with every attention map; then point at the image."
        )
        self.memory.setAccessibleName("Memory")
        self.memory.setToolTip(
            "How much may be kept for following the pointer over a large image. With less, tiles are computed again "
            "when the pointer comes back to them."
        )
