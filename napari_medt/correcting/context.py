"""What all parts of the widget "Correct and learn" share: which image, labels, model and folder, and how to report."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable
from pathlib import Path
from typing import Any

import napari.layers
import napari.viewer
from qtpy.QtWidgets import QWidget

from napari_medt.correcting.layers import CorrectionLayers, step_of
from napari_medt.correcting.learning.kept_outcomes import KeptOutcomes
from napari_medt.correcting.panels.controls import CorrectControls
from napari_medt.preferences import read_preferences
from napari_medt.running.ordered_work import OrderedWork
from napari_medt.viewer.reading import grey_range_of
from napari_medt.viewer.regions import RegionChoice, region_in_viewer
from napari_medt.viewer.viewed_image import ViewedImage, target_as_viewed
from src_models.errors import UserError
from src_models.finetuning.correction_folder import default_folder
from src_models.images.region import Region
from src_models.prediction.jobs import RegionRun, SegmentSettings

__all__ = ["CorrectContext"]


class CorrectContext:
    """The present state of the controls and the viewer, and the threads in which work is done.

    Parameters
    ----------
    viewer
        The viewer.
    controls
        The controls.
    parent
        The widget.
    """

    def __init__(self, viewer: napari.viewer.Viewer, controls: CorrectControls, parent: QWidget) -> None:
        self.viewer = viewer
        self.controls = controls
        self.layers = CorrectionLayers(viewer)
        self.work = OrderedWork("corrections", parent)
        self.run = controls.run
        self.found = KeptOutcomes()
        self.asks_for_image = True  # nothing else was said since there was none
        self._folders: dict[Hashable, Path] = {}
        self._then: Callable[[Any], None] | None = None
        self.run.ended.connect(self._on_ended)
        self.run.refused.connect(self._on_refused)

    # What is there

    def image(self) -> napari.layers.Image | None:
        """Return the chosen image."""
        return self.controls.images.layer()

    def target(self) -> ViewedImage:
        """Return the chosen image as it is viewed.

        Raises
        ------
        UserError
            If there is none, or it cannot be corrected as it is viewed.
        """
        image = self.image()
        if image is None:
            raise UserError("There is no image to correct: open one first (File > Open File(s)...).")
        return target_as_viewed(self.viewer, image)

    def model(self) -> Path:
        """Return the file of the model in use.

        Raises
        ------
        UserError
            If there is none.
        """
        path = self.controls.models.path()
        if path is None:
            raise UserError("There is no model to segment with: open a model file first.")
        return path

    def folder(self) -> Path | None:
        """Return where corrections of the chosen image are kept."""
        image = self.image()
        return None if image is None else self.folder_of(image)

    def folder_of(self, image: napari.layers.Image) -> Path:
        """Return where corrections of an image are kept."""
        return self._folders.get(image.unique_id) or default_folder(image.name)

    def set_folder(self, image: napari.layers.Image, folder: Path) -> None:
        """Keep corrections of an image in another folder."""
        self._folders[image.unique_id] = folder

    def seen(self, target: ViewedImage) -> Region:
        """Return the part of the plane in view that outlines are made of: all of it, or of a large one what is seen."""
        return self.region(target, "visible") if self.is_large(target) else target.region

    def is_large(self, target: ViewedImage) -> bool:
        """Whether only the part of a plane that is in view is outlined."""
        return step_of(target.region) > 1

    def region(self, target: ViewedImage, choice: RegionChoice) -> Region:
        """Return the part of an image that a choice means."""
        return region_in_viewer(self.viewer, target.layer, target.reading, 2, choice)

    def job(
        self,
        target: ViewedImage,
        region: Region,
        model: Path,
        *,
        attention: tuple[str, ...] = (),
        previous: Any = None,
    ) -> RegionRun:
        """Return what is to be segmented."""
        chosen = read_preferences()
        settings = SegmentSettings(
            model=model,
            attention=attention,
            grey_range=grey_range_of(target.layer),
            device=chosen.device,
            threads=chosen.threads,
        )
        return RegionRun(
            settings=settings,
            data=target.data,
            region=region,
            layer_id=target.layer.unique_id,
            layer_name=target.layer.name,
            previous=previous,
        )

    # What is done

    def start(self, steps: Generator[Any, None, Any], title: str, then: Callable[[Any], None]) -> None:
        """Run something that takes seconds, with progress and Cancel; what it gives goes to `then`.

        Raises
        ------
        UserError
            If something else is being computed.
        """
        if self.run.running:
            raise UserError("Something else is being computed: wait for its end, or press Cancel.")
        self._then = then
        self.controls.run_bar.set_running(True)
        self.run.start(steps, title)

    def say(self, words: str) -> None:
        """Tell a person what was done."""
        self.asks_for_image = False
        self.controls.run_bar.say(words)

    def ask_for_image(self) -> None:
        """Tell a person that an image is needed first."""
        self.say("Open an image to begin (File > Open File(s)...).")
        self.asks_for_image = True

    def report(self, message: str) -> None:
        """Tell a person what is wrong."""
        self.asks_for_image = False
        self.controls.run_bar.report(message)

    def trying(self, action: Callable[..., None]) -> Callable[..., None]:
        """Return a slot that does something, and tells what is wrong where it cannot be done."""

        def act(*arguments: Any) -> None:
            try:
                action(*arguments)
            except UserError as error:
                self.report(str(error))

        return act

    def leave(self) -> None:
        """End all work."""
        self._then = None
        self.run.leave()
        self.work.leave()

    def _on_ended(self, result: Any) -> None:
        then, self._then = self._then, None
        self.controls.run_bar.set_running(False)
        if result is None or then is None:
            self.say("Cancelled; nothing was changed.")
        else:
            self.trying(then)(result)

    def _on_refused(self, sentence: str) -> None:
        self._then = None
        self.controls.run_bar.set_running(False)
        self.report(sentence)
