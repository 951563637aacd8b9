"""The dock widget "Segment a folder": many images one after the other, into files, with a report at the end."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import napari.viewer
from qtpy.QtCore import QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from napari_medt.controls.accessible.focus_frame import FocusFrames
from napari_medt.controls.dock_closing import DockClosing
from napari_medt.controls.dock_tabs import DockTabs
from napari_medt.preferences import read_preferences
from napari_medt.running.ordered_work import OrderedWork
from napari_medt.running.questions import Questions
from napari_medt.segmenting.folder.controls import FolderControls
from napari_medt.segmenting.folder.layers import SegmentedLayers, read_layers
from src_models.errors import UserError
from src_models.prediction.batches.folder_run import (
    FolderJob,
    FolderResult,
    ImageRow,
    images_in,
    results_folder,
    segment_folder_steps,
)
from src_models.prediction.settings import RunSettings

if TYPE_CHECKING:
    from napari_medt.files.readers import LayerData
    from src_models.files.image_list import OneImage

__all__ = ["FolderWidget"]


class FolderWidget(QWidget):
    """Segment the images of a folder.

    Parameters
    ----------
    napari_viewer
        The viewer that images are shown in.
    """

    listed = Signal()  #: the images of what was chosen are shown, or could not be found
    ended = Signal()  #: a run is over
    opened = Signal()  #: an image is shown, or could not be
    _told = Signal(int, object)  # brings what has become of an image to the window's thread

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._preferences = read_preferences()
        self.controls = FolderControls(self, self._preferences)
        FocusFrames(self)
        self._sources: tuple[Path, ...] = ()
        self._proposed = ""  # the folder for results, as long as a person gives no other
        self._report: Path | None = None
        self._layers = SegmentedLayers(napari_viewer)
        self._work = OrderedWork("folder", self)
        self._questions = Questions(self._work, self.controls.run_bar.report)
        self._closing = DockClosing(self)
        DockTabs(self)
        self._connect()
        self._on_model_changed()
        self.controls.run_bar.say("Choose a folder of images, or files, to begin.")

    def choose(self, sources: Sequence[Path]) -> None:
        """Segment the images in files and folders; they are looked for off the window's thread."""
        self._sources = tuple(sources)
        self.controls.images.setText(_named(self._sources))
        self.controls.table.set_rows(())
        self.controls.offer_start(False)
        self.controls.run_bar.say("Looking for images...")
        self._propose()
        found = partial(self._on_listed, self._sources)
        self._questions.ask(partial(images_in, self._sources), found, refused=self._on_not_listed)

    def start(self) -> None:
        """Segment as set; what keeps it from starting is shown as a notification."""
        controls = self.controls
        if controls.run.running or not controls.start.isEnabled():
            return
        try:
            job = self._job()
        except UserError as error:
            controls.run_bar.report(str(error))
            return
        controls.start.setEnabled(False)
        if job.replace_existing:
            refused = self._on_refused
            self._questions.ask(job.with_results, partial(self._on_existing, job), refused=refused)
        else:
            self._begin(job)

    def show_image(self, number: int) -> None:
        """Show the image of a row in the viewer, with its labels if there are some."""
        row = self.controls.table.rows()[number]
        if self._layers.again(row):
            self.opened.emit()
            return
        self._questions.ask(partial(read_layers, row), partial(self._on_read, row), refused=self._on_not_read)

    def open_report(self) -> None:
        """Open the report in the browser."""
        if self._report is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._report.absolute())))

    def _job(self) -> FolderJob:
        controls = self.controls
        model, output = controls.models.path(), controls.output()
        if model is None:
            raise UserError("There is no model to segment with: open a model file first.")
        if output is None:
            raise UserError("There is no folder for the results: give one under Results in.")
        settings = RunSettings(
            device=controls.device.device(),
            diameter=controls.diameter.diameter() if controls.form.isRowVisible(controls.diameter) else None,
            sensitivity=controls.sensitivity.sensitivity(),
            least_size=controls.left_out.least_size(),
            drop_edge=controls.left_out.drop_edge(),
            attention=controls.attention.names(),
        )
        return FolderJob(
            images=tuple(row.image for row in controls.table.rows()),
            output=output,
            model=model,
            settings=settings,
            scan_format=controls.scan_format(),
            replace_existing=controls.replaces(),
            threads=self._preferences.threads,
            channels=controls.chosen_channels(),
            workers=controls.workers.value(),
        )

    def _begin(self, job: FolderJob) -> None:
        self._layers.forget()
        self._report = None
        self.controls.report.setEnabled(False)
        self.controls.table.set_rows([ImageRow(image) for image in job.images])
        self.controls.run.start(segment_folder_steps(job, self._tell), "Segmenting a folder")
        self.controls.set_running(True)

    def _tell(self, number: int, row: ImageRow) -> None:
        """From the thread that segments, have a row shown."""
        with suppress(RuntimeError):  # the widget went at this very moment
            self._told.emit(number, row)

    def _connect(self) -> None:
        controls = self.controls
        controls.folder.clicked.connect(self._pick_folder)
        controls.files.clicked.connect(self._pick_files)
        controls.change.clicked.connect(self._pick_results)
        controls.models.model_changed.connect(self._on_model_changed)
        controls.models.refused.connect(controls.run_bar.report)
        controls.start.clicked.connect(self.start)
        controls.report.clicked.connect(self.open_report)
        controls.table.chosen.connect(self.show_image)
        controls.table.pointed.connect(controls.show_row)
        controls.run.ended.connect(self._on_ended)
        controls.run.refused.connect(self._on_refused)
        self._told.connect(controls.table.set_row)
        self._closing.closed.connect(self._leave)

    def _pick_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder of images", self._start())
        if name:
            self.choose([Path(name)])

    def _pick_files(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self, "Images", self._start())
        if names:
            self.choose([Path(name) for name in names])

    def _pick_results(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder for the results", self._start())
        if name:
            self.controls.results.setText(name)

    def _start(self) -> str:
        """Return where dialogs begin."""
        return str(self._sources[0].parent if self._sources else Path.home())

    def _propose(self) -> None:
        """Give the folder for results a name, unless a person gave one."""
        model = self.controls.models.path()
        if self._sources and model is not None and self.controls.results.text() in ("", self._proposed):
            self._proposed = str(results_folder(self._sources, model.stem))
            self.controls.results.setText(self._proposed)

    def _on_model_changed(self) -> None:
        self.controls.set_model(self.controls.models.header())
        self._propose()
        self.controls.offer_start(True)

    def _on_listed(self, sources: tuple[Path, ...], images: tuple[OneImage, ...]) -> None:
        if sources != self._sources:  # others were chosen meanwhile
            return
        self.controls.table.set_rows([ImageRow(image) for image in images])
        self.controls.offer_start(True)
        count = f"{len(images):,} images" if len(images) != 1 else "1 image"
        self.controls.run_bar.say(f"{count}. Choose a model, and press Start.")
        self.listed.emit()

    def _on_not_listed(self, sentence: str) -> None:
        self.controls.run_bar.report(sentence)
        self.listed.emit()

    def _on_existing(self, job: FolderJob, existing: Sequence[OneImage]) -> None:
        """Ask before results are replaced."""
        if existing:
            what = f"{len(existing)} of {len(job.images)} images have" if len(job.images) > 1 else "The image has"
            asked = f"{what} results in {job.output}. Replace them?"
            if QMessageBox.question(self, "Replace results", asked) != QMessageBox.StandardButton.Yes:
                self.controls.offer_start(True)
                self.controls.run_bar.say("Nothing was replaced.")
                self.ended.emit()
                return
        self._begin(job)

    def _on_ended(self, result: FolderResult | None) -> None:
        self.controls.set_running(False)
        if result is None:
            self.controls.run_bar.say("Cancelled. What is done was kept; Start goes on with the rest.")
        else:
            self._report = result.report
            self.controls.report.setEnabled(True)
            self.controls.run_bar.say(f"{result.summary}.")
        self.ended.emit()

    def _on_refused(self, sentence: str) -> None:
        self.controls.set_running(False)
        self.controls.run_bar.report(sentence)
        self.ended.emit()

    def _on_read(self, row: ImageRow, layers: list[LayerData]) -> None:
        self._layers.show(row, layers)
        self.opened.emit()

    def _on_not_read(self, sentence: str) -> None:
        self.controls.run_bar.report(sentence)
        self.opened.emit()

    def _leave(self, viewer_stays: bool) -> None:
        """End all work: the dock, or the window, was closed."""
        self.controls.run.leave(wait=not viewer_stays)
        self._work.leave(wait=not viewer_stays)


def _named(sources: Sequence[Path]) -> str:
    return str(sources[0]) if len(sources) == 1 else f"{len(sources)} files in {sources[0].parent}"
