"""Which image is clicked in, as it is viewed, with which model and window, and into which labels its objects go."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import napari.layers
import napari.viewer

from napari_medt.clicking.panels.controls import ClickControls
from napari_medt.preferences import read_preferences
from napari_medt.viewer.labels.labels_layers import fitting_labels
from napari_medt.viewer.reading import grey_range_of
from napari_medt.viewer.regions import region_in_viewer
from napari_medt.viewer.viewed_image import ViewedImage, target_in_viewer
from src_models.clicking.in_work import ClickedImage
from src_models.errors import UserError

__all__ = ["ClickSubjects"]


class ClickSubjects:
    """What the controls and the viewer say of the images that are clicked in.

    Parameters
    ----------
    viewer
        The viewer.
    controls
        The controls of the Click widget.
    """

    def __init__(self, viewer: napari.viewer.Viewer, controls: ClickControls) -> None:
        self._viewer = viewer
        self._controls = controls
        self._ct: dict[Hashable, tuple[Any, bool]] = {}  # which data were looked at, and what they are
        self.targets: dict[Hashable, ViewedImage] = {}  # the view that was looked at last comes last

    def target(self) -> ViewedImage:
        """Return the chosen image as it is viewed.

        Raises
        ------
        UserError
            If there is none, or it cannot be clicked in as it is viewed.
        """
        layer = self._controls.images.layer()
        if layer is None:
            raise UserError("There is no image to click in: open one first (File > Open File(s)...).")
        target = target_in_viewer(self._viewer, layer)
        self.key_of(target)
        return target

    def subject(self) -> ClickedImage:
        """Return what the worker thread needs to know of the chosen image.

        Raises
        ------
        UserError
            As for :meth:`target`, or if there is no model.
        """
        target, model = self.target(), self._controls.models.path()
        if model is None:
            raise UserError("There is no model of clicks: open a model file first.")
        chosen = read_preferences()
        return ClickedImage(
            key=self.key_of(target),
            data=target.data,
            reading=target.reading,
            covering=target.covering,
            name=target.name,
            model=model,
            intensity=self._controls.window.intensity() if self.is_ct(target) else grey_range_of(target.layer),
            device=chosen.device,
            threads=chosen.threads,
        )

    def key(self) -> Hashable:
        """Return the key of the chosen image in the view that it was looked at last; None if there is none."""
        layer = self._controls.images.layer()
        if layer is None:
            return None
        known = [key for key in self.targets if isinstance(key, tuple) and key[0] == layer.unique_id]
        return known[-1] if known else None

    def key_of(self, target: ViewedImage) -> Hashable:
        """Keep how an image is viewed, the latest view last, and return its key."""
        key = (target.layer.unique_id, target.axes)
        self.targets.pop(key, None)
        self.targets[key] = target
        return key

    def forget_removed(self) -> list[Hashable]:
        """Forget the images that are no longer in the viewer, and return their keys."""
        alive = {layer.unique_id for layer in self._viewer.layers}
        gone: list[Hashable] = [key for key in self.targets if isinstance(key, tuple) and key[0] not in alive]
        for key in gone:
            del self.targets[key]
            self._ct.pop(key, None)
        return gone

    def is_ct(self, target: ViewedImage) -> bool | None:
        """Whether an image is a CT; None as long as nobody has looked."""
        data, is_ct = self._ct.get(self.key_of(target), (None, None))
        return is_ct if data is target.data else None

    def note_ct(self, target: ViewedImage, is_ct: bool) -> None:
        """Keep whether an image is a CT."""
        self._ct[self.key_of(target)] = target.data, is_ct

    def labels(self) -> napari.layers.Labels | None:
        """Return the labels that objects go into; None for new ones."""
        labels = self._controls.accepting.layer()
        return labels if labels is not None and labels in self._viewer.layers else None

    def offer_labels(self) -> None:
        """List the labels that fit the chosen image."""
        try:
            fitting = fitting_labels(self._viewer, self.target())
        except UserError:  # said when a person clicks
            fitting = []
        self._controls.accepting.offer(fitting)

    def view(self, target: ViewedImage) -> tuple[slice, slice]:
        """Return the rows and columns in view.

        Raises
        ------
        UserError
            If the image is out of view.
        """
        region = region_in_viewer(self._viewer, target.layer, target.reading, 2, "visible")
        rows, columns = (
            cut
            for letter, cut in zip(target.axes, region.index, strict=True)
            if isinstance(cut, slice) and letter != "C"
        )
        return rows, columns
